#include "formats/keyvalue.h"

#include "formats/probe.h"

/* One step through the text: a pair, or a run of text that is none. */
struct part {
    bool is_pair, escaped;
    struct slice key, value; /* loose text: value alone */
};

struct scan {
    struct slice text;
    size_t at;
    bool wide; /* ` ; ` parts the pairs */
};

enum { CLASS_BLANK = 1, CLASS_SEPARATOR = 2, CLASS_NO_KEY = 4 };

/* Control characters and these are in no key. */
static const uint8_t classes[256] = {
    [0 ... 8] = CLASS_NO_KEY,
    [11 ... 12] = CLASS_NO_KEY,
    [14 ... 31] = CLASS_NO_KEY,
    [' '] = CLASS_BLANK | CLASS_SEPARATOR | CLASS_NO_KEY,
    ['\t'] = CLASS_BLANK | CLASS_SEPARATOR | CLASS_NO_KEY,
    ['\r'] = CLASS_BLANK | CLASS_SEPARATOR | CLASS_NO_KEY,
    ['\n'] = CLASS_BLANK | CLASS_SEPARATOR | CLASS_NO_KEY,
    [','] = CLASS_SEPARATOR | CLASS_NO_KEY,
    [';'] = CLASS_SEPARATOR | CLASS_NO_KEY,
    ['='] = CLASS_NO_KEY,
    ['"'] = CLASS_NO_KEY,
    ['\''] = CLASS_NO_KEY,
    ['|'] = CLASS_NO_KEY,
    ['{'] = CLASS_NO_KEY,
    ['}'] = CLASS_NO_KEY,
    ['<'] = CLASS_NO_KEY,
    ['>'] = CLASS_NO_KEY,
    ['?'] = CLASS_NO_KEY,
    ['&'] = CLASS_NO_KEY,
};

static bool is_blank(char c)
{
    return (classes[(unsigned char)c] & CLASS_BLANK) != 0;
}

static bool is_separator(char c)
{
    return (classes[(unsigned char)c] & CLASS_SEPARATOR) != 0;
}

static bool is_key_char(char c)
{
    return (classes[(unsigned char)c] & CLASS_NO_KEY) == 0;
}

/* Length of the key at `at` when `=` stands behind it, else 0. */
static size_t key_length(struct slice s, size_t at)
{
    size_t i = at;
    while (i < s.len && is_key_char(s.data[i]))
        i++;
    bool is_key = i < s.len && s.data[i] == '=' && i > at && i - at <= KEYVALUE_KEY_BYTES_MAX;
    return is_key ? i - at : 0;
}

/* The next key from `at` on, where a word begins: its start and *len, or s.len. Looked for from the
 * `=` back, so that text without one costs a search for a character. What stands before it in its
 * word must all be of a key: behind a quote, or another `=`, it is none. */
static size_t next_key(struct slice s, size_t at, size_t *len)
{
    size_t from = at;
    for (;;) {
        size_t gap = slice_find_char(slice_part(s, from, s.len), '=');
        *len = 0;
        if (gap == SLICE_NONE)
            return s.len;
        size_t equals = from + gap, start = equals;
        while (start > from && is_key_char(s.data[start - 1]))
            start--;
        *len = equals - start;
        if (*len > 0 && *len <= KEYVALUE_KEY_BYTES_MAX &&
            (start == at || is_separator(s.data[start - 1])))
            return start;
        from = equals + 1;
    }
}

/* In a bare value: whether the comma or semicolon at `at` ends it. A look ahead stops at the next
 * such one, so that all of them together cost one pass. */
static bool separator_ends(struct slice s, size_t at)
{
    return at + 1 >= s.len || is_blank(s.data[at + 1]) || key_length(s, at + 1) > 0;
}

static size_t bare_end(struct slice s, size_t at)
{
    for (; at < s.len && !is_blank(s.data[at]); at++)
        if ((s.data[at] == ',' || s.data[at] == ';') && separator_ends(s, at))
            break;
    return at;
}

/* The value from `at` on, up to the next ` ; ` that has a key behind it. */
static size_t wide_end(struct slice s, size_t at)
{
    for (;;) {
        size_t gap = slice_find(slice_part(s, at, s.len), SLICE(" ; "));
        if (gap == SLICE_NONE)
            return s.len;
        if (key_length(s, at + gap + 3))
            return at + gap;
        at += gap + 2;
    }
}

static void take_quoted(struct scan *scan, struct part *part)
{
    struct slice s = scan->text;
    size_t start = scan->at + 1, i = start;
    while (i < s.len && s.data[i] != '"') {
        if (s.data[i] == '\\' && i + 1 < s.len && (s.data[i + 1] == '"' || s.data[i + 1] == '\\')) {
            part->escaped = true;
            i++;
        }
        i++;
    }
    part->value = slice_part(s, start, i - start);
    scan->at = i < s.len ? i + 1 : s.len;
}

static bool scan_next(struct scan *scan, struct part *part)
{
    struct slice s = scan->text;
    *part = (struct part){0};
    while (scan->at < s.len && is_separator(s.data[scan->at]))
        scan->at++;
    if (scan->at >= s.len)
        return false;
    size_t start = scan->at, key;
    size_t end = next_key(s, start, &key);
    if (end == start) {
        part->is_pair = true;
        part->key = slice_part(s, start, key);
        scan->at = start + key + 1;
        if (scan->at < s.len && s.data[scan->at] == '"') {
            take_quoted(scan, part);
        } else {
            end = scan->wide ? wide_end(s, scan->at) : bare_end(s, scan->at);
            part->value = slice_part(s, scan->at, end - scan->at);
            scan->at = end;
        }
        return true;
    }
    scan->at = end;
    while (is_separator(s.data[end - 1]))
        end--;
    part->value = slice_part(s, start, end - start);
    return true;
}

/* ` ; ` parts the pairs when a key stands behind the first one and at most one pair before it, so
 * that one inside a quoted value of an ordinary line does not count. */
static bool is_wide(struct slice text)
{
    size_t gap = slice_find(text, SLICE(" ; "));
    if (gap == SLICE_NONE || key_length(text, gap + 3) == 0)
        return false;
    size_t equals = 0;
    for (size_t i = 0; i < gap; i++) {
        equals += text.data[i] == '=' ? 1 : 0;
        if (text.data[i] == '"')
            return false;
    }
    return equals <= 1;
}

static struct scan scan_open(struct slice text)
{
    return (struct scan){.text = text, .wide = is_wide(text)};
}

static struct slice unescape(struct record *r, struct slice s)
{
    char *out = arena_bytes(&r->arena, s.len);
    size_t len = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\\' && i + 1 < s.len && (s.data[i + 1] == '"' || s.data[i + 1] == '\\'))
            i++;
        out[len++] = s.data[i];
    }
    return slice_make(out, len);
}

struct tally {
    uint32_t pairs;
    size_t pair_bytes, loose_bytes;
};

static bool is_most(const struct tally *tally)
{
    return tally->pairs >= KEYVALUE_MOST_PAIRS && tally->pair_bytes > tally->loose_bytes;
}

/* Counts the parts and adds them to r, when there is one; of the loose ones only when loose is set.
 */
static int add_parts(struct record *r, struct slice text, bool loose, struct tally *tally,
                     struct err *err)
{
    struct scan scan = scan_open(text);
    struct part part;
    *tally = (struct tally){0};
    int rc = ERR_OK;
    while (!rc && scan_next(&scan, &part)) {
        if (!part.is_pair) {
            tally->loose_bytes += part.value.len;
            if (loose)
                rc = record_add(r, SLICE("message"), part.value, VALUE_STRING, 0, err);
            continue;
        }
        tally->pairs++;
        tally->pair_bytes += part.key.len + part.value.len;
        if (r)
            rc = record_add(r, part.key, part.escaped ? unescape(r, part.value) : part.value,
                            VALUE_STRING, 0, err);
    }
    return rc;
}

int keyvalue_add(struct record *r, struct slice text, uint32_t *pairs, struct err *err)
{
    struct tally tally;
    int rc = add_parts(r, text, false, &tally, err);
    if (pairs)
        *pairs = tally.pairs;
    return rc;
}

int keyvalue_add_most(struct record *r, struct slice text, struct err *err)
{
    if (slice_find_char(text, '=') == SLICE_NONE)
        return ERR_OK;
    uint32_t count = r->count;
    struct tally tally;
    int rc = add_parts(r, text, false, &tally, err);
    if (rc || !is_most(&tally))
        r->count = count;
    return rc;
}

/* Behind "<189>", when the line has it. */
static struct slice without_priority(struct slice s)
{
    size_t close =
        s.len && s.data[0] == '<' ? slice_find_char(slice_part(s, 0, 5), '>') : SLICE_NONE;
    if (close == SLICE_NONE)
        return s;
    uint64_t number;
    return slice_to_u64(slice_part(s, 1, close - 1), &number) ? slice_part(s, close + 1, s.len) : s;
}

int keyvalue_parse(struct record *r, struct slice text, const struct format_header *header,
                   struct err *err)
{
    (void)header;
    struct tally tally;
    int rc = add_parts(r, without_priority(text), true, &tally, err);
    if (!rc && tally.pairs == 0)
        return err_set(err, ERR_SYNTAX, "the line has no key=value pair");
    return rc;
}

static bool looks_keyvalue(struct slice line)
{
    line = without_priority(line);
    struct tally tally;
    return line.len && line.data[0] != '{' && key_length(line, 0) &&
           add_parts(NULL, line, false, &tally, NULL) == ERR_OK && is_most(&tally);
}

int keyvalue_probe(struct slice head)
{
    return probe_share(head, looks_keyvalue, 75);
}
