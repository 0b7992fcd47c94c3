/* Lists: one value a line, with or without a note behind it.
 *
 * `value`, `value # comment`, `value<TAB>note`, `value;note`, `"value","note"`, `0.0.0.0 name` as
 * in hosts files. Whether , ; or | ends a value is settled once for the file, for each may stand
 * inside of one, too. */
#include "base/ip.h"
#include "detection/intel_inside.h"

enum { LOOK_LINES = 64, LOOK_VALUES = 4, DIGEST_CHARS = 32 };

static struct slice next_token(struct slice *rest)
{
    size_t end = 0;
    while (end < rest->len && rest->data[end] != ' ' && rest->data[end] != '\t')
        end++;
    struct slice token = slice_part(*rest, 0, end);
    *rest = slice_trim(slice_part(*rest, end, rest->len));
    return token;
}

static bool parses(struct slice text, struct arena *scratch)
{
    struct indicator i;
    arena_reset(scratch);
    return text.len && text.len <= INDICATOR_VALUE_BYTES_MAX &&
           indicator_parse(&i, text, INDICATOR_TYPES, scratch, NULL) == ERR_OK &&
           i.type != INDICATOR_FILE_NAME;
}

static struct slice unquoted(struct slice s)
{
    return s.len >= 2 && s.data[0] == '"' && s.data[s.len - 1] == '"' ? slice_part(s, 1, s.len - 2)
                                                                      : s;
}

static bool is_digest_row(struct slice line)
{
    struct slice rest = line, digest = slice_cut(&rest, ',');
    if (digest.len != DIGEST_CHARS || rest.len != 36)
        return false;
    for (size_t i = 0; i < digest.len; i++)
        if (!strchr("0123456789abcdefABCDEF", digest.data[i]) || !digest.data[i])
            return false;
    return rest.data[8] == '-' && rest.data[13] == '-' && rest.data[18] == '-' &&
           rest.data[23] == '-';
}

/* What the first lines show. */
struct look {
    uint32_t lines, values, digest_rows;
    uint32_t cuts[3]; /* lines in which the separator stands behind a value */
};
static const char separators[3] = {';', ',', '|'};

static struct look look_at(struct slice text, struct arena *scratch)
{
    struct look l = {0};
    struct slice line;
    while (l.lines < LOOK_LINES && intel_line_next(&text, &line)) {
        line = slice_trim(line);
        if (intel_line_is_comment(line) || line.len > INTEL_ROW_BYTES_MAX)
            continue;
        struct slice rest = line, token = next_token(&rest);
        l.lines++;
        l.digest_rows += is_digest_row(line);
        bool value = parses(unquoted(token), scratch) || parses(next_token(&rest), scratch);
        for (size_t i = 0; i < sizeof separators; i++) {
            struct slice behind = line, head = slice_cut(&behind, separators[i]);
            bool cut = head.len < line.len && parses(unquoted(slice_trim(head)), scratch);
            l.cuts[i] += cut;
            value = value || cut;
        }
        l.values += value;
    }
    return l;
}

enum intel_kind intel_list_kind(struct slice text)
{
    struct arena scratch = {0};
    if (intel_csv_has_header(text))
        return INTEL_CSV;
    struct look l = look_at(text, &scratch);
    arena_free(&scratch);
    if (l.lines && l.digest_rows == l.lines)
        return INTEL_MISP_HASHES;
    return l.values && l.values * LOOK_VALUES >= l.lines ? INTEL_LIST : INTEL_UNKNOWN;
}

static bool is_sink_address(struct slice token)
{
    return slice_equal(token, SLICE("0.0.0.0")) || slice_equal(token, SLICE("127.0.0.1")) ||
           slice_equal(token, SLICE("::"));
}

static struct slice note_of(struct slice rest)
{
    rest = slice_trim(rest);
    while (rest.len && (strchr("#;,|", rest.data[0]) && rest.data[0]))
        rest = slice_trim(slice_part(rest, 1, rest.len));
    return unquoted(rest);
}

static int give_line(struct intel_reading *r, struct slice line, char separator, uint64_t number,
                     struct err *err)
{
    struct intel_item item = intel_item_make();
    struct slice rest = line;
    uint64_t count;
    item.line = number;
    arena_reset(&r->scratch);
    size_t cut = separator ? slice_find_char(line, separator) : SLICE_NONE;
    if (cut != SLICE_NONE) {
        item.value = unquoted(slice_trim(slice_part(line, 0, cut)));
        rest = slice_part(line, cut + 1, line.len);
    } else {
        item.value = unquoted(next_token(&rest));
        struct slice behind = rest, name = next_token(&behind);
        if (is_sink_address(item.value) && name.len && name.data[0] != '#') {
            item.value = name;
            item.type = INDICATOR_DOMAIN;
            rest = behind;
        }
    }
    item.title = note_of(rest);
    if (slice_to_u64(item.title, &count)) /* lists of lists: on how many of them the value is */
        item.title = arena_printf(&r->scratch, "count %llu", (unsigned long long)count);
    return intel_item_give(r, &item, err);
}

int intel_list_read(struct intel_reading *r, struct err *err)
{
    struct slice rest = r->text, line;
    struct look l = look_at(r->text, &r->scratch);
    char separator = '\0';
    uint64_t number = 0;
    int rc = ERR_OK;
    for (size_t i = 0; i < sizeof separators; i++)
        if (l.cuts[i] * 2 > l.lines)
            separator = separators[i];
    while (rc == ERR_OK && intel_line_next(&rest, &line)) {
        number++;
        line = slice_trim(line);
        if (line.len > INTEL_ROW_BYTES_MAX)
            intel_refuse(r, number, "the line is longer than %d bytes", INTEL_ROW_BYTES_MAX);
        else if (!intel_line_is_comment(line))
            rc = give_line(r, line, separator, number, err);
    }
    return rc;
}
