/* Runs a splitter over a text in blocks, as the input layer does, and keeps what came out. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/mem.h"
#include "formats/split.h"

struct split_run {
    struct buf
        text; /* "line:text\n" a span, "!line" a refused item; CR and LF in a text as \r \n */
    uint64_t refused, given, joined;
    struct split *split; /* open: headers */
};

/* What the splitter says it cut is what came out, at any time. */
static inline void split_run_counts(const struct split_run *run)
{
    assert_int_equal(split_count(run->split),
                     run->given + run->joined + split_refused_count(run->split));
}

static inline void split_run_span(struct split_run *run, const struct span *span)
{
    run->given++;
    run->joined += span->joined;
    assert_null(span->format);
    assert_int_equal(span->part, SPAN_WHOLE);
    buf_printf(&run->text, "%llu:", (unsigned long long)span->line);
    for (size_t i = 0; i < span->text.len; i++) {
        if (span->text.data[i] == '\n')
            buf_string(&run->text, "\\n");
        else
            buf_char(&run->text, span->text.data[i]);
    }
    buf_char(&run->text, '\n');
}

static inline void split_run_end(struct split_run *run)
{
    size_t count;
    const struct split_refused *refused = split_refused_list(run->split, &count);
    for (size_t i = 0; i < count; i++)
        buf_printf(&run->text, "!%llu\n", (unsigned long long)refused[i].line);
    run->refused = split_refused_count(run->split);
}

/* Blocks of exactly their size, so that a look past the end is seen by the address sanitizer. */
static inline void split_run_text(struct split_run *run, const char *format, struct slice text,
                                  size_t block_bytes)
{
    struct span_list spans = {0};
    struct arena arena = {0};
    struct buf waiting = {0};
    const struct format *row = format_find(slice_from(format));
    assert_non_null(row);
    *run = (struct split_run){.split = split_open(row)};
    size_t at = 0;
    bool last = false;
    while (!last) {
        size_t more = text.len - at < block_bytes ? text.len - at : block_bytes, used;
        if (more > 0)
            buf_append(&waiting, text.data + at, more);
        at += more;
        last = at == text.len;
        char *block = mem_alloc(waiting.len);
        if (waiting.len > 0)
            memcpy(block, waiting.data, waiting.len);
        split_feed(run->split, slice_make(block, waiting.len), last, &arena, &spans, &used);
        for (size_t i = 0; i < spans.count; i++)
            split_run_span(run, &spans.spans[i]);
        split_run_counts(run);
        spans.count = 0;
        if (waiting.len > used)
            memmove(waiting.data, waiting.data + used, waiting.len - used);
        waiting.len -= used;
        mem_free(block);
    }
    split_run_end(run);
    span_list_free(&spans);
    arena_free(&arena);
    buf_free(&waiting);
}

static inline void split_run_free(struct split_run *run)
{
    split_close(&run->split);
    buf_free(&run->text);
}

/* The text gives what is expected, in whatever blocks it comes. */
static inline void assert_split(const char *format, const char *text, const char *expected)
{
    static const size_t sizes[] = {1 << 20, 1, 2, 3, 5, 7, 16, 61};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct split_run run;
        split_run_text(&run, format, slice_from(text), sizes[i]);
        assert_string_equal(buf_text(&run.text), expected);
        split_run_free(&run);
    }
}
