/* What the tests of the readers of intelligence share: a text in, what came out of it as lines. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "detection/intel_reader.h"

struct feed {
    struct intel_reader_options options;
    struct intel_reader_counts counts;
    struct buf out;
    struct err err;
    enum intel_kind kind;
    int rc;
};

static inline void feed_time(struct buf *out, const char *what, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns != CLOCK_NONE)
        buf_printf(out, " %s=%.*s", what, (int)clock_text(text, time_ns), text);
}

static inline int feed_indicator(void *context, const struct indicator *i, struct err *err)
{
    struct feed *f = context;
    (void)err;
    buf_printf(&f->out, "%s %.*s", indicator_type_names[i->type], (int)i->value.len, i->value.data);
    if (i->title.len)
        buf_printf(&f->out, " '%.*s'", (int)i->title.len, i->title.data);
    if (i->tlp != TLP_NONE)
        buf_printf(&f->out, " %s", indicator_tlp_names[i->tlp]);
    if (i->confidence != INDICATOR_CONFIDENCE_NONE)
        buf_printf(&f->out, " %u%%", i->confidence);
    feed_time(&f->out, "from", i->from_ns);
    feed_time(&f->out, "until", i->until_ns);
    if (i->id.len)
        buf_printf(&f->out, " id=%.*s", (int)i->id.len, i->id.data);
    if (!slice_equal(i->source, SLICE("test")))
        buf_printf(&f->out, " source=%.*s", (int)i->source.len, i->source.data);
    buf_char(&f->out, '\n');
    return ERR_OK;
}

static inline int feed_exception(void *context, const struct indicator *i, struct slice list,
                                 struct err *err)
{
    struct feed *f = context;
    (void)err;
    buf_printf(&f->out, "! %s %.*s (%.*s)\n", indicator_type_names[i->type], (int)i->value.len,
               i->value.data, (int)list.len, list.data);
    return ERR_OK;
}

static inline void feed_revoked(void *context, struct slice source, struct slice id)
{
    struct feed *f = context;
    buf_printf(&f->out, "- %.*s of %.*s\n", (int)id.len, id.data, (int)source.len, source.data);
}

static inline void feed_refused(void *context, uint64_t line, const char *reason)
{
    struct feed *f = context;
    buf_printf(&f->out, "? %llu: %s\n", (unsigned long long)line, reason);
}

static inline struct intel_reader_options feed_options(void)
{
    return (struct intel_reader_options){.source = SLICE("test"),
                                         .confidence = INDICATOR_CONFIDENCE_NONE,
                                         .until_ns = CLOCK_NONE,
                                         .now_ns = CLOCK_NONE};
}

/* Reads text, as what it is recognised as. */
static inline void feed_read(struct feed *f, struct slice text)
{
    const struct intel_reader_sink sink = {f, feed_indicator, feed_exception, feed_revoked,
                                           feed_refused};
    buf_clear(&f->out);
    f->counts = (struct intel_reader_counts){0};
    f->err = (struct err){0};
    f->kind = intel_reader_kind(text);
    f->rc = intel_reader_run(text, f->kind, &f->options, &sink, &f->counts, &f->err);
}

/* ` stands for the quotes of JSON. */
static inline void feed_read_quoted(struct feed *f, const char *text)
{
    struct buf quoted = {0};
    for (; *text; text++)
        buf_char(&quoted, *text == '`' ? '"' : *text);
    feed_read(f, buf_as_slice(&quoted));
    buf_free(&quoted);
}

static inline void feed_expect_with(const struct intel_reader_options *options,
                                    enum intel_kind kind, const char *text, const char *expected)
{
    struct feed f = {.options = *options};
    feed_read_quoted(&f, text);
    if (f.rc != ERR_OK)
        print_message("%s\n", f.err.text);
    assert_string_equal(intel_kind_names[f.kind], intel_kind_names[kind]);
    assert_int_equal(f.rc, ERR_OK);
    assert_string_equal(buf_text(&f.out), expected);
    buf_free(&f.out);
}

static inline void feed_expect(enum intel_kind kind, const char *text, const char *expected)
{
    struct intel_reader_options options = feed_options();
    feed_expect_with(&options, kind, text, expected);
}

/* Refused as a whole, with a sentence that has `part` in it. */
static inline void feed_expect_error(const char *text, int code, const char *part)
{
    struct feed f = {.options = feed_options()};
    feed_read_quoted(&f, text);
    assert_int_equal(f.rc, code);
    assert_int_equal(f.counts.indicators, 0);
    if (slice_find(slice_from(f.err.text), slice_from(part)) == SLICE_NONE)
        fail_msg("\"%s\" is not in \"%s\"", part, f.err.text);
    buf_free(&f.out);
}
