/* JSON values out of a stream, each as it stands (the parser judges it):
 *
 * - A line that begins with { and ends with }, and that the next line's { or the end of the file
 *   follows, is a value: nothing inside is looked at. This is the hot path. It is not taken for the
 *   first value of a file, nor for any other when a second value follows the first on its line.
 * - Any other value that begins with { is looked through, strings and brackets, to its end; it may
 * go over many lines. Text behind it on its last line belongs to it, so that the parser refuses
 * both, but not in a file whose first value has another one behind it on its line: there each {
 * begins one.
 * - A value is broken when a string runs over the line's end, brackets do not pair, it is deeper
 * than BRACKETS_MAX, the file ends, or (outside of arrays) a line begins with { in column 1 where
 * no value may begin, or where one may but the broken one is no pretty print (its first line holds
 * more than its {). It ends before the first later line that begins with { in no later column than
 * its own; so a broken line takes nothing but itself.
 * - [ before { or ] opens an array, {"Records":[ and its kin a wrapper: their members are the
 * values, numbered instead of their lines. What follows the array in a wrapper is passed over.
 * - Any other line is given out as it is. */
#include "formats/split_state.h"

enum { BRACKETS_MAX = 64, COLUMN_MAX = 256, WRAPPER_BYTES_MAX = 16384, WRAPPER_MEMBERS_MAX = 8 };

enum scan_result { SCAN_COMPLETE, SCAN_MORE, SCAN_BROKEN };

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* In a string up to its end; false: the block or the line ends first. */
static bool scan_string(struct json_scan *scan, const char **at, const char *end)
{
    const char *p = *at;
    for (; p < end; p++) {
        if (scan->escaped) {
            scan->escaped = false;
            if (*p == '\n')
                break;
        } else if (*p == '\\') {
            scan->escaped = true;
        } else if (*p == '"') {
            scan->in_string = false;
            scan->previous = '"';
            *at = p + 1;
            return true;
        } else if (*p == '\n') {
            break;
        }
    }
    *at = p;
    return false;
}

/* p is at a line end that another character follows. */
static bool line_breaks_value(struct json_scan *scan, const char *p, bool in_array)
{
    if (!scan->below_first_line)
        scan->opened_with_more = scan->depth != 1 || scan->previous != '{';
    scan->below_first_line = true;
    return !in_array && p[1] == '{' && scan->opened_with_more;
}

static bool scan_bracket(struct json_scan *scan, char c)
{
    bool object = c == '{' || c == '}';
    if (c == '{' || c == '[') {
        bool in_object = scan->depth > 0 && (scan->stack & 1);
        bool in_list = scan->depth > 0 && !in_object;
        if (scan->depth == BRACKETS_MAX || (in_object && scan->previous != ':') ||
            (in_list && scan->previous != ',' && scan->previous != '['))
            return false;
        scan->stack = scan->stack << 1 | object;
        scan->depth++;
        return true;
    }
    if (scan->depth == 0 || (scan->stack & 1) != object)
        return false;
    scan->stack >>= 1;
    scan->depth--;
    return true;
}

/* From *at to the end of the value; *at moves to where it stopped. */
static enum scan_result scan_value(struct json_scan *scan, struct slice block, size_t *at,
                                   bool in_array)
{
    const char *p = block.data + *at, *end = block.data + block.len;
    enum scan_result result = SCAN_MORE;
    while (p < end) {
        if (scan->in_string) {
            if (scan_string(scan, &p, end))
                continue;
            result = p < end ? SCAN_BROKEN : SCAN_MORE;
            break;
        }
        char c = *p;
        if (c == '\n') {
            if (p + 1 == end)
                break;
            if (line_breaks_value(scan, p, in_array)) {
                result = SCAN_BROKEN;
                break;
            }
        } else if (c == '"') {
            scan->in_string = true;
        } else if (c == '{' || c == '[' || c == '}' || c == ']') {
            if (!scan_bracket(scan, c)) {
                result = SCAN_BROKEN;
                break;
            }
            if (scan->depth == 0) {
                p++;
                result = SCAN_COMPLETE;
                break;
            }
        }
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            scan->previous = c;
        p++;
    }
    *at = (size_t)(p - block.data);
    return result;
}

/* The first line after `from` that begins with { in column (from 0) or before it; SLICE_NONE when
 * the block has none, then *keep is the last line end whose next line could not be judged. */
static size_t find_resync(struct slice block, size_t from, size_t column, size_t *keep)
{
    while (from < block.len) {
        const char *line_end = memchr(block.data + from, '\n', block.len - from);
        if (!line_end)
            break;
        size_t start = (size_t)(line_end - block.data) + 1, at = start;
        while (at < block.len && at - start < column &&
               (block.data[at] == ' ' || block.data[at] == '\t'))
            at++;
        if (at == block.len) {
            *keep = start - 1;
            return SLICE_NONE;
        }
        if (block.data[at] == '{')
            return start;
        from = start;
    }
    *keep = block.len;
    return SLICE_NONE;
}

/* One reading of a block. */
struct feed {
    struct split *s;
    struct slice block;
    bool last;
    struct span_list *out;
    size_t at;
    ptrdiff_t line_start; /* of the line that at is on; before the block: negative */
};

/* Moves on to `to`, counting lines. */
static void move_to(struct feed *f, size_t to)
{
    struct slice passed = slice_part(f->block, f->at, to - f->at);
    uint64_t lines = split_count_lines(passed);
    f->s->line += lines;
    if (lines > 0)
        f->line_start = (const char *)memrchr(passed.data, '\n', passed.len) - f->block.data + 1;
    f->at = to;
}

static void give_out(struct feed *f, size_t end)
{
    struct slice text = slice_trim(slice_part(f->block, f->at, end - f->at));
    struct split_json *j = &f->s->json;
    uint64_t place = j->in_array ? ++j->element : f->s->line;
    j->seen_value = true;
    if (text.len > RECORD_BYTES_MAX)
        split_refuse(f->s, place, "the value is longer than a record may be (16 MiB)");
    else if (text.len > 0)
        split_give(f->s, f->out, (struct span){.text = text, .line = place});
    move_to(f, end);
}

/* Nothing is complete: false to wait for more, true when the value was too long and is skipped. */
static bool wait_or_skip(struct feed *f, enum split_skip skip)
{
    if (f->block.len - f->at <= RECORD_BYTES_MAX)
        return false;
    struct split_json *j = &f->s->json;
    split_refuse(f->s, j->in_array ? ++j->element : f->s->line,
                 "the value is longer than a record may be (16 MiB)");
    f->s->skip = skip;
    return true;
}

static size_t value_column(const struct feed *f)
{
    size_t column = (size_t)((ptrdiff_t)f->at - f->line_start);
    return column < COLUMN_MAX ? column : COLUMN_MAX;
}

static bool take_broken(struct feed *f)
{
    struct split_json *j = &f->s->json;
    size_t keep = 0, end;
    j->resync_column = j->in_array ? value_column(f) : 0;
    end = find_resync(f->block, f->at, j->resync_column, &keep);
    if (end == SLICE_NONE && !f->last) {
        if (!wait_or_skip(f, SKIP_RESYNC))
            return false;
        move_to(f, keep);
        return keep == f->block.len;
    }
    give_out(f, end == SLICE_NONE ? f->block.len : end);
    return true;
}

/* Behind a value of the top level that ends at `end`. */
static bool take_complete(struct feed *f, size_t end)
{
    struct split_json *j = &f->s->json;
    size_t at = end;
    while (at < f->block.len && f->block.data[at] != '\n' && is_blank(f->block.data[at]))
        at++;
    bool several =
        at < f->block.len && f->block.data[at] == '{' && (j->several_a_line || !j->seen_value);
    if (!several) {
        const char *line_end = memchr(f->block.data + at, '\n', f->block.len - at);
        at = line_end ? (size_t)(line_end - f->block.data) : f->block.len;
        if (!line_end && !f->last)
            return wait_or_skip(f, SKIP_LINE) ? (move_to(f, at), true) : false;
    }
    if (!j->seen_value)
        j->several_a_line = several;
    give_out(f, at);
    return true;
}

static bool take_value(struct feed *f)
{
    bool in_array = f->s->json.in_array;
    struct json_scan scan = {0};
    size_t end = f->at;
    switch (scan_value(&scan, f->block, &end, in_array)) {
    case SCAN_COMPLETE:
        if (!in_array)
            return take_complete(f, end);
        give_out(f, end);
        return true;
    case SCAN_BROKEN:
        return take_broken(f);
    case SCAN_MORE:
        break;
    }
    if (f->last)
        return take_broken(f);
    f->s->json.resync_column = in_array ? value_column(f) : 0;
    if (!wait_or_skip(f, SKIP_VALUE))
        return false;
    f->s->json.scan = scan;
    move_to(f, end);
    return end == f->block.len;
}

static size_t pass_blanks(struct slice block, size_t at)
{
    while (at < block.len && is_blank(block.data[at]))
        at++;
    return at;
}

static bool wrapper_key(struct slice key)
{
    return slice_equal(key, SLICE("Records")) || slice_equal(key, SLICE("records")) ||
           slice_equal(key, SLICE("value")) || slice_equal(key, SLICE("Events"));
}

/* The text of a string at *at (without escapes); false: there is none. */
static bool pass_string(struct slice block, size_t *at, struct slice *text)
{
    if (*at >= block.len || block.data[*at] != '"')
        return false;
    struct slice rest = slice_part(block, *at + 1, block.len);
    size_t end = slice_find_char(rest, '"');
    if (end == SLICE_NONE)
        return false;
    *text = slice_part(rest, 0, end);
    *at += end + 2;
    return slice_find_char(*text, '\\') == SLICE_NONE;
}

/* A list of values begins at block.data[at] == '['. */
static bool list_opens(struct slice block, size_t at)
{
    if (at >= block.len || block.data[at] != '[')
        return false;
    at = pass_blanks(block, at + 1);
    return at < block.len && (block.data[at] == '{' || block.data[at] == ']');
}

/* The offset of the [ of a wrapper that begins at `at`, or SLICE_NONE. Members before it are
 * allowed when they are notes of OData ("@odata.context"), and only in the first value of a file.
 */
static size_t find_wrapper(struct slice block, size_t at, bool first)
{
    struct slice head = slice_part(block, 0, at + WRAPPER_BYTES_MAX);
    at = pass_blanks(head, at + 1);
    if (at + 1 >= head.len || head.data[at] != '"' ||
        !memchr(first ? "RrvE@" : "RrvE", head.data[at + 1], first ? 5 : 4))
        return SLICE_NONE;
    for (int members = 0; members < WRAPPER_MEMBERS_MAX; members++) {
        struct slice key, value;
        if (!pass_string(head, &at, &key))
            return SLICE_NONE;
        at = pass_blanks(head, at);
        if (at >= head.len || head.data[at] != ':')
            return SLICE_NONE;
        at = pass_blanks(head, at + 1);
        if (wrapper_key(key))
            return list_opens(head, at) ? at : SLICE_NONE;
        if (!slice_starts(key, SLICE("@odata.")) || !pass_string(head, &at, &value))
            return SLICE_NONE;
        at = pass_blanks(head, at);
        if (at >= head.len || head.data[at] != ',')
            return SLICE_NONE;
        at = pass_blanks(head, at + 1);
    }
    return SLICE_NONE;
}

static void open_array(struct feed *f, size_t bracket, bool wrapper)
{
    struct split_json *j = &f->s->json;
    move_to(f, bracket + 1);
    j->in_array = true;
    j->in_wrapper = wrapper;
    j->seen_value = true;
}

/* At the { of a line: takes it when it is a whole value by its looks. */
static bool take_line_value(struct feed *f, const char *line_end)
{
    const char *start = f->block.data + f->at, *end = line_end;
    const char *block_end = f->block.data + f->block.len;
    if (line_end + 1 == block_end ? !f->last : line_end[1] != '{')
        return false;
    while (end > start && is_blank(end[-1]))
        end--;
    size_t len = (size_t)(end - start);
    if (end[-1] != '}' || len > RECORD_BYTES_MAX)
        return false;
    split_give(f->s, f->out, (struct span){.text = {start, len}, .line = f->s->line++});
    f->at = (size_t)(line_end - f->block.data) + 1;
    f->line_start = (ptrdiff_t)f->at;
    return true;
}

static bool take_line(struct feed *f)
{
    const char *start = f->block.data + f->at;
    const char *line_end = memchr(start, '\n', f->block.len - f->at);
    if (!line_end && !f->last)
        return wait_or_skip(f, SKIP_LINE) ? (move_to(f, f->block.len), true) : false;
    give_out(f, line_end ? (size_t)(line_end - f->block.data) : f->block.len);
    return true;
}

/* false: the rest of the block waits for more. */
static bool take_top(struct feed *f)
{
    char c = f->block.data[f->at];
    size_t rest = f->block.len - f->at;
    if (c == '[') {
        bool undecided = pass_blanks(f->block, f->at + 1) == f->block.len;
        if (undecided && !f->last && rest < WRAPPER_BYTES_MAX)
            return false;
        if (!list_opens(f->block, f->at))
            return take_line(f);
        open_array(f, f->at, false);
        return true;
    }
    if (c != '{')
        return take_line(f);
    size_t bracket = find_wrapper(f->block, f->at, !f->s->json.seen_value);
    if (bracket != SLICE_NONE) {
        open_array(f, bracket, true);
        return true;
    }
    const char *line_end = memchr(f->block.data + f->at, '\n', rest);
    bool by_looks = f->s->json.seen_value && !f->s->json.several_a_line;
    if (line_end && by_looks && take_line_value(f, line_end))
        return true;
    return take_value(f);
}

static void close_array(struct feed *f)
{
    struct split_json *j = &f->s->json;
    move_to(f, f->at + 1);
    j->in_array = false;
    if (j->in_wrapper) {
        j->scan = (struct json_scan){.stack = 1, .depth = 1, .previous = ']'};
        j->in_tail = true;
        j->resync_column = 0;
        f->s->skip = SKIP_VALUE;
    }
}

/* At a member of an array that is no object: up to the next , ] or line end. */
static bool take_scalar(struct feed *f)
{
    char c = f->block.data[f->at];
    if (c == '[')
        return take_value(f);
    size_t at = f->at;
    if (c == '"') {
        struct json_scan scan = {.in_string = true};
        const char *p = f->block.data + at + 1;
        (void)scan_string(&scan, &p, f->block.data + f->block.len);
        at = (size_t)(p - f->block.data);
    }
    while (at < f->block.len && f->block.data[at] != ',' && f->block.data[at] != ']' &&
           f->block.data[at] != '\n')
        at++;
    if (at == f->block.len && !f->last)
        return wait_or_skip(f, SKIP_LINE) ? (move_to(f, at), true) : false;
    give_out(f, at);
    return true;
}

static bool take_member(struct feed *f)
{
    switch (f->block.data[f->at]) {
    case ',':
        f->at++;
        return true;
    case ']':
        close_array(f);
        return true;
    case '{':
        return take_value(f);
    default:
        return take_scalar(f);
    }
}

/* Goes on with what is skipped; false: the block is used up, or its rest waits. */
static bool pass_skipped(struct feed *f)
{
    struct split *s = f->s;
    size_t to = f->at, keep = to;
    if (s->skip == SKIP_LINE) {
        const char *end = memchr(f->block.data + f->at, '\n', f->block.len - f->at);
        to = end ? (size_t)(end - f->block.data) : f->block.len;
        if (end)
            s->skip = SKIP_NONE;
    } else if (s->skip == SKIP_VALUE) {
        enum scan_result result = scan_value(&s->json.scan, f->block, &to, s->json.in_array);
        if (result == SCAN_COMPLETE) {
            s->skip = SKIP_NONE;
            s->json.in_tail = false;
        } else if (result == SCAN_BROKEN) {
            s->skip = SKIP_RESYNC;
            move_to(f, to);
            return true;
        }
    } else {
        to = find_resync(f->block, f->at, s->json.resync_column, &keep);
        if (to != SLICE_NONE)
            s->skip = SKIP_NONE;
        else
            to = keep;
    }
    if (f->last && s->skip != SKIP_NONE)
        to = f->block.len;
    bool moved = to != f->at || s->skip == SKIP_NONE || s->skip == SKIP_RESYNC;
    bool waits = s->skip == SKIP_RESYNC && to == f->at && to < f->block.len;
    move_to(f, to);
    return moved && !waits;
}

static void end_file(struct feed *f)
{
    struct split_json *j = &f->s->json;
    if (j->in_array || j->in_tail)
        split_refuse(f->s, j->in_array ? j->element + 1 : f->s->line,
                     "the file ends inside of a JSON array: its last part is missing");
    j->in_array = j->in_tail = false;
}

size_t split_json_feed(struct split *s, struct slice block, bool last, struct span_list *out)
{
    struct feed f = {
        .s = s, .block = block, .last = last, .out = out, .line_start = -(ptrdiff_t)s->json.column};
    bool going = true;
    while (going && f.at < block.len) {
        char c = block.data[f.at];
        if (s->skip != SKIP_NONE) {
            going = pass_skipped(&f);
        } else if (is_blank(c)) {
            s->line += c == '\n';
            f.at++;
            if (c == '\n')
                f.line_start = (ptrdiff_t)f.at;
        } else {
            going = s->json.in_array ? take_member(&f) : take_top(&f);
        }
    }
    if (last)
        end_file(&f);
    s->json.column = (size_t)((ptrdiff_t)f.at - f.line_start);
    return f.at;
}
