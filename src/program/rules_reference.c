#include "program/rules_reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

#define REFERENCE_BYTES_MAX ((size_t)4 << 20)

struct range {                 /* records first..last of a member of a file, for one case */
    struct slice file, member; /* as written; member empty: the file is no archive */
    struct slice path;         /* of the file, with a NUL after it */
    bool beside;               /* named from the folder of the references, not from the events */
    uint64_t first, last;
    struct rules_case *c;
    bool found;
};

struct ranges {
    struct range *items;
    size_t count, capacity;
    struct arena arena;
};

static void case_fail(struct rules_case *c, const char *what, struct slice text)
{
    c->state = CASE_FAILED;
    (void)snprintf(c->reason, sizeof(c->reason), "%s: '%.*s'", what,
                   (int)(text.len > 120 ? 120 : text.len), text.data);
}

static void range_add(struct ranges *ranges, struct range range)
{
    if (ranges->count == ranges->capacity) {
        ranges->capacity = ranges->capacity ? ranges->capacity * 2 : 64;
        ranges->items = mem_resize(ranges->items, ranges->capacity, sizeof(*ranges->items));
    }
    ranges->items[ranges->count++] = range;
}

/* `12`, `12-40`, or several joined by commas. */
static bool numbers_read(struct ranges *ranges, struct range range, struct slice text)
{
    while (text.len) {
        struct slice item = slice_cut(&text, ',');
        struct slice first = slice_cut(&item, '-');
        if (!slice_to_u64(first, &range.first))
            return false;
        range.last = range.first;
        if (item.len && !slice_to_u64(item, &range.last))
            return false;
        if (ranges->count >= REFERENCE_RANGES_MAX)
            return false;
        range_add(ranges, range);
    }
    return true;
}

static bool is_numbers(struct slice word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!(word.data[i] >= '0' && word.data[i] <= '9') && word.data[i] != ',' &&
            word.data[i] != '-')
            return false;
    return word.len > 0;
}

/* `./` and `../` start from the folder of the references as in any link, the rest from events. */
static bool file_is_beside(struct slice file)
{
    return slice_starts(file, SLICE("./")) || slice_starts(file, SLICE("../"));
}

static struct slice file_path(struct arena *arena, const struct range *range, const char *events)
{
    struct buf path = {0};
    struct slice folder = slice_from(range->beside ? range->c->path : events);
    if (range->beside)
        while (folder.len && folder.data[folder.len - 1] != '/')
            folder.len--;
    buf_printf(&path, "%.*s%s%.*s", (int)folder.len, folder.data, range->beside ? "" : "/",
               (int)range->file.len, range->file.data);
    struct slice copy = arena_copy(arena, buf_as_slice(&path));
    buf_free(&path);
    return copy;
}

/* FILE [MEMBER] NUMBERS..., parted by blanks or tabs; a member's path may have blanks itself. No
 * numbers: all records. */
static bool line_read(struct ranges *ranges, struct rules_case *c, struct slice line,
                      const char *events)
{
    struct range range = {.c = c};
    size_t at = 0, cut;
    while (at < line.len && line.data[at] != ' ' && line.data[at] != '\t')
        at++;
    range.file = arena_copy(&ranges->arena, slice_part(line, 0, at));
    range.beside = file_is_beside(range.file);
    if (!range.beside && !events) {
        c->state = CASE_SKIPPED;
        (void)snprintf(c->reason, sizeof(c->reason),
                       "refers to events elsewhere: give their folder with --events");
        return true;
    }
    range.path = file_path(&ranges->arena, &range, events);
    struct slice rest = slice_trim(slice_part(line, at, line.len));
    struct slice numbers[64];
    size_t count = 0;
    while (count < 64) {
        for (cut = rest.len; cut > 0 && rest.data[cut - 1] != ' ' && rest.data[cut - 1] != '\t';)
            cut--;
        if (!is_numbers(slice_part(rest, cut, rest.len)))
            break;
        numbers[count++] = slice_part(rest, cut, rest.len);
        rest = slice_trim(slice_part(rest, 0, cut));
    }
    range.member = arena_copy(&ranges->arena, rest);
    if (count == 0) {
        range.last = UINT64_MAX;
        range_add(ranges, range);
    }
    while (count > 0)
        if (!numbers_read(ranges, range, numbers[--count]))
            return false;
    return true;
}

static void case_read(struct ranges *ranges, struct rules_case *c, const char *events)
{
    struct buf text = {0};
    struct err err;
    if (io_read_file(&text, c->path, REFERENCE_BYTES_MAX, &err) != ERR_OK)
        case_fail(c, "cannot read the references", slice_from(err.text));
    struct slice rest = buf_as_slice(&text);
    while (rest.len && c->state == CASE_PASSED) {
        struct slice line = slice_trim(slice_cut(&rest, '\n'));
        if (line.len && line.data[0] != '#' && !line_read(ranges, c, line, events))
            case_fail(c, "this line is not `FILE [MEMBER] RECORDS`", line);
    }
    buf_free(&text);
}

static int range_order(const void *a, const void *b)
{
    const struct range *x = a, *y = b;
    int order = slice_compare(x->path, y->path);
    return order ? order : (x->first > y->first) - (x->first < y->first);
}

/* Judges those spans of a block that the ranges of its file ask for, one at a time. */
static void block_judge(struct range *ranges, size_t count, struct pipeline *judge,
                        const struct input_block *block)
{
    const char *bang = strchr(block->file->name, '!');
    struct slice member = slice_from(bang ? bang + 1 : "");
    for (size_t r = 0; r < count; r++) {
        struct range *range = &ranges[r];
        if (range->c->state != CASE_PASSED)
            continue;
        if (range->member.len && !slice_equal(range->member, member))
            continue;
        for (size_t i = 0; i < block->spans.count; i++) {
            struct span *span = &block->spans.spans[i];
            if (span->line < range->first || span->line > range->last)
                continue;
            struct input_block one = *block;
            one.spans = (struct span_list){span, 1, 1};
            range->found = true;
            rules_case_judge(range->c, judge, &one);
        }
    }
}

/* What the reading of its file says about a range. A file beside is the project's own and must be
 * whole; captures of others may hold what no one can read. */
static void range_end(struct range *range, const struct input *input)
{
    uint64_t unread = input ? input_unreadable_count(input) : 1;
    if (range->c->state != CASE_PASSED)
        return;
    if (unread && (range->beside || !range->found))
        case_fail(range->c, "this file cannot be read", range->file);
    else if (!range->found)
        case_fail(range->c, "no such record in", range->file);
    else if (range->beside && input_refused_count(input) > 0)
        case_fail(range->c, "this file cannot be read whole", range->file);
}

static int file_run(struct range *ranges, size_t count, struct pipeline *judge, struct err *err)
{
    struct input_block block = {0};
    struct input *input = NULL;
    const char *paths[] = {ranges[0].path.data};
    struct input_options options = {.paths = paths, .path_count = 1};
    int rc = input_open(&input, &options, err);
    while (rc == ERR_OK && (rc = input_next(input, &block, err)) == ERR_OK)
        block_judge(ranges, count, judge, &block);
    for (size_t i = 0; i < count; i++)
        range_end(&ranges[i], input);
    input_block_free(&block);
    input_close(&input);
    return rc == ERR_END ? ERR_OK : rc;
}

int rules_reference_run(struct rules_case_list *list, struct pipeline *judge, const char *events,
                        struct err *err)
{
    struct ranges ranges = {0};
    int rc = ERR_OK;
    for (size_t i = 0; i < list->count; i++)
        if (list->cases[i].is_reference)
            case_read(&ranges, &list->cases[i], events);
    if (ranges.count)
        qsort(ranges.items, ranges.count, sizeof(*ranges.items), range_order);
    for (size_t from = 0, to; from < ranges.count && rc == ERR_OK; from = to) {
        for (to = from + 1; to < ranges.count; to++)
            if (!slice_equal(ranges.items[to].path, ranges.items[from].path))
                break;
        rc = file_run(ranges.items + from, to - from, judge, err);
    }
    mem_free(ranges.items);
    arena_free(&ranges.arena);
    return rc;
}
