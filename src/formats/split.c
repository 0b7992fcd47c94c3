#include "formats/split_state.h"

#include <stdio.h>

#include "base/mem.h"

void span_list_add(struct span_list *list, struct span span)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 1024;
        list->spans = mem_resize(list->spans, list->capacity, sizeof(*list->spans));
    }
    list->spans[list->count++] = span;
}

void span_list_free(struct span_list *list)
{
    mem_free(list->spans);
    *list = (struct span_list){0};
}

struct split *split_open(const struct format *format)
{
    check(format->split != SPLIT_EVTX);
    struct split *s = mem_zeroed(1, sizeof(*s));
    s->format = format;
    s->line = 1;
    return s;
}

void split_refuse(struct split *s, uint64_t line, const char *reason)
{
    s->count++;
    s->refused_count++;
    if (s->refused_kept == SPLIT_REFUSED_KEPT)
        return;
    if (!s->refused)
        s->refused = mem_zeroed(SPLIT_REFUSED_KEPT, sizeof(*s->refused));
    struct split_refused *item = &s->refused[s->refused_kept++];
    item->line = line;
    (void)snprintf(item->reason, sizeof(item->reason), "%s", reason);
}

uint64_t split_count_lines(struct slice text)
{
    uint64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == '\n';
    return count;
}

bool split_next_line(struct split *s, struct slice block, bool last, size_t *at, struct slice *line)
{
    while (*at < block.len) {
        const char *start = block.data + *at;
        size_t room = block.len - *at;
        const char *end = memchr(start, '\n', room);
        size_t len = end ? (size_t)(end - start) : room;
        bool skipped = s->skip == SKIP_LINE;
        if (!end && !skipped && len <= RECORD_BYTES_MAX && !last)
            return false;
        *at += end ? len + 1 : len;
        if (!skipped && len > RECORD_BYTES_MAX)
            split_refuse(s, s->line, "the line is longer than a record may be (16 MiB)");
        s->skip = !end && (skipped || len > RECORD_BYTES_MAX) ? SKIP_LINE : SKIP_NONE;
        if (end || last)
            s->line++;
        if (skipped || len > RECORD_BYTES_MAX)
            continue;
        if (len > 0 && start[len - 1] == '\r')
            len--;
        *line = slice_make(start, len);
        return true;
    }
    return false;
}

static size_t split_lines_feed(struct split *s, struct slice block, bool last,
                               struct span_list *out)
{
    size_t at = 0;
    struct slice line;
    while (split_next_line(s, block, last, &at, &line)) {
        if (line.len == 0 || ((unsigned char)line.data[0] <= ' ' && slice_trim(line).len == 0))
            continue;
        split_give(s, out, (struct span){.text = line, .line = s->line - 1});
    }
    return at;
}

/* A span's line is the number of the record. */
static size_t split_nul_feed(struct split *s, struct slice block, bool last, struct span_list *out)
{
    size_t at = 0;
    while (at < block.len) {
        struct slice record = slice_part(block, at, block.len);
        size_t end = slice_find_char(record, '\0');
        bool whole = end != SLICE_NONE || last;
        record = slice_part(record, 0, end);
        bool skipped = s->skip == SKIP_LINE, too_long = record.len > RECORD_BYTES_MAX;
        if (!whole && !skipped && !too_long)
            return at;
        if (!skipped && too_long)
            split_refuse(s, s->line, "the record is longer than a record may be (16 MiB)");
        s->skip = whole ? SKIP_NONE : SKIP_LINE;
        at += record.len + (end != SLICE_NONE);
        struct slice text = slice_trim(record);
        if (whole && !skipped && !too_long && text.len > 0)
            split_give(s, out, (struct span){.text = text, .line = s->line});
        s->line += whole && (skipped || text.len > 0);
    }
    return at;
}

static size_t split_feed_kind(struct split *s, struct slice block, bool last, struct arena *arena,
                              struct span_list *out)
{
    switch (s->format->split) {
    case SPLIT_JSON:
        return split_json_feed(s, block, last, out);
    case SPLIT_CSV:
        return split_csv_feed(s, block, last, out);
    case SPLIT_W3C:
        return split_w3c_feed(s, block, last, out);
    case SPLIT_XML:
        return split_xml_feed(s, block, last, out);
    case SPLIT_AUDITD:
        return split_join_feed(s, block, last, arena, out);
    case SPLIT_JOURNAL:
        return split_journal_feed(s, block, last, out);
    case SPLIT_NUL:
        return split_nul_feed(s, block, last, out);
    case SPLIT_LINES:
    case SPLIT_EVTX:
        break;
    }
    return split_lines_feed(s, block, last, out);
}

void split_feed(struct split *s, struct slice block, bool last, struct arena *arena,
                struct span_list *out, size_t *used_bytes)
{
    static const struct slice mark = {"\xef\xbb\xbf", 3};
    size_t start = 0;
    *used_bytes = 0;
    if (!s->started) {
        if (block.len < mark.len && !last)
            return;
        if (slice_starts(block, mark))
            start = mark.len;
        s->started = true;
    }
    struct slice rest = slice_part(block, start, block.len);
    *used_bytes = start + split_feed_kind(s, rest, last, arena, out);
    check(*used_bytes <= block.len && (!last || *used_bytes == block.len));
}

bool split_has_headers(const struct split *s)
{
    return s->header != NULL;
}

uint64_t split_count(const struct split *s)
{
    return s->count - s->open_count;
}

uint64_t split_refused_count(const struct split *s)
{
    return s->refused_count;
}

const struct split_refused *split_refused_list(const struct split *s, size_t *count)
{
    *count = s->refused_kept;
    return s->refused;
}

void split_close(struct split **s)
{
    if (!*s)
        return;
    split_join_close(&(*s)->join);
    arena_free(&(*s)->header_arena);
    mem_free((*s)->refused);
    mem_free(*s);
    *s = NULL;
}
