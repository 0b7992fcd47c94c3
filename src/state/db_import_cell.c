#include "base/text.h"
#include "state/db_import.h"

/* Without marks, in lower case. */
static struct slice folded(struct import *im, struct slice cell)
{
    char *out = arena_bytes(&im->call->arena, text_unaccent_room(cell.len));
    return slice_make(out, text_unaccent(out, cell));
}

bool import_name(struct import *im, uint32_t line, int column, struct slice cell, struct slice *out)
{
    struct slice text = folded(im, cell);
    char *name = arena_bytes(&im->call->arena, IMPORT_NAME_BYTES_MAX);
    size_t len = 0;
    bool letters = false, gap = false;
    for (size_t i = 0; i < text.len && len < IMPORT_NAME_BYTES_MAX; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!plain && !(len > 0 && (c == '-' || c == '_' || c == '.'))) {
            gap = len > 0;
            continue;
        }
        if (gap && len + 1 < IMPORT_NAME_BYTES_MAX)
            name[len++] = '-';
        gap = false;
        letters = letters || c < '0' || c > '9';
        name[len++] = c;
    }
    *out = slice_make(name, len);
    if (letters)
        return true;
    import_wrong(im, line, column, "a name of letters (a-z) and digits is needed",
                 "cần tên gồm chữ cái (a-z) và chữ số");
    return false;
}

static bool is_one_of(struct slice text, const char *const *words)
{
    for (; *words; words++)
        if (slice_equal(text, slice_from(*words)))
            return true;
    return false;
}

bool import_bool(struct import *im, uint32_t line, int column, struct slice cell, bool *out)
{
    static const char *const yes[] = {"co", "x",    "1",      "true",   "yes", "y",
                                      "v",  "dung", "\u2713", "\u2714", NULL};
    static const char *const no[] = {"", "khong", "0", "false", "no", "n", "-", "sai", NULL};
    struct slice text = folded(im, cell);
    *out = is_one_of(text, yes);
    if (*out || is_one_of(text, no))
        return true;
    import_wrong(im, line, column, "write yes or no", "hãy ghi Có hoặc Không");
    return false;
}

bool import_level(struct import *im, uint32_t line, int column, struct slice cell, uint64_t *out)
{
    static const char *const heads[] = {"cap do", "cap", "level"};
    static const char *const roman[] = {"i", "ii", "iii", "iv", "v"};
    struct slice text = folded(im, cell);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        if (slice_starts(text, slice_from(heads[i])))
            text = slice_trim(slice_part(text, strlen(heads[i]), text.len));
    *out = 0;
    if (text.len == 0)
        return true;
    for (size_t i = 0; i < sizeof roman / sizeof roman[0]; i++)
        if (slice_equal(text, slice_from(roman[i])))
            *out = i + 1;
    if (*out || (slice_to_u64(text, out) && *out >= 1 && *out <= 5))
        return true;
    import_wrong(im, line, column, "write a level from 1 to 5", "hãy ghi cấp độ từ 1 đến 5");
    return false;
}

/* Day, month and year by their order in the cell. */
static bool date_parts(struct slice cell, uint64_t parts[3], size_t lengths[3])
{
    struct slice rest = cell;
    for (int i = 0; i < 3; i++) {
        size_t len = 0;
        while (len < rest.len && rest.data[len] >= '0' && rest.data[len] <= '9')
            len++;
        if (!slice_to_u64(slice_part(rest, 0, len), &parts[i]))
            return false;
        lengths[i] = len;
        if (i < 2 && (len >= rest.len || !strchr("/-.", rest.data[len])))
            return false;
        rest = slice_part(rest, i < 2 ? len + 1 : len, rest.len);
    }
    return rest.len == 0;
}

bool import_date(struct import *im, uint32_t line, int column, struct slice cell, struct slice *out)
{
    uint64_t parts[3];
    size_t lengths[3];
    *out = SLICE("");
    if (cell.len == 0)
        return true;
    if (date_parts(cell, parts, lengths) && (lengths[0] == 4 || lengths[2] == 4)) {
        bool year_first = lengths[0] == 4;
        uint64_t year = year_first ? parts[0] : parts[2], day = year_first ? parts[2] : parts[0];
        struct clock_date date = {.year = (int)year,
                                  .month = parts[1] <= 12 ? (int)parts[1] : 0,
                                  .day = day <= 31 ? (int)day : 0},
                          back;
        int64_t time_ns = year >= 1900 && year <= 2200 ? clock_from_date(&date, 0) : CLOCK_NONE;
        if (time_ns != CLOCK_NONE) {
            clock_to_date(time_ns, 0, &back);
            *out =
                arena_printf(&im->call->arena, "%04d-%02d-%02d", date.year, date.month, date.day);
            if (back.day == date.day && back.month == date.month)
                return true;
        }
    }
    import_wrong(im, line, column, "write a date as 22/11/2026 or 2026-11-22",
                 "hãy ghi ngày dạng 22/11/2026 hoặc 2026-11-22");
    return false;
}

bool import_text(struct import *im, uint32_t line, int column, struct slice cell, size_t max,
                 struct slice *out)
{
    *out = cell;
    if (cell.len <= max)
        return true;
    import_wrong(im, line, column, "the text is too long", "nội dung quá dài");
    return false;
}

/* sql: id and unit of the rows that a text may mean. */
static int refer(struct import *im, const char *sql, struct slice cell, uint64_t *out,
                 struct err *err)
{
    struct statement *s = statement_get(im->call->db, sql);
    uint64_t number = 0;
    uint32_t found = 0;
    int rc;
    (void)slice_to_u64(cell, &number);
    statement_text(s, 1, cell);
    statement_u64(s, 2, number);
    while ((rc = statement_step(s, err)) == ERR_OK) {
        if (!caller_has_unit(&im->call->caller, statement_column_u64(s, 1)))
            continue;
        *out = statement_column_u64(s, 0);
        found++;
    }
    if (found != 1)
        *out = 0;
    return rc == ERR_END ? ERR_OK : rc;
}

static bool refer_known(struct import *im, struct map *known, const char *sql, struct slice cell,
                        uint64_t *out)
{
    struct map_entry *e = map_find(known, cell);
    if (!e) {
        *out = 0;
        int rc = refer(im, sql, cell, out, NULL);
        e = map_put(known, arena_copy(&im->call->arena, cell), rc == ERR_OK ? *out : 0, NULL);
    }
    *out = e->value;
    return *out != 0;
}

bool import_unit(struct import *im, uint32_t line, int column, struct slice cell, uint64_t *out)
{
    if (refer_known(im, &im->units,
                    "SELECT id, id FROM unit WHERE name = ?1 OR title = ?1 COLLATE NOCASE"
                    " OR id = ?2",
                    cell, out))
        return true;
    import_wrong(im, line, column, "there is no such unit, or several: write its short name",
                 "không có đơn vị này hoặc có nhiều: hãy ghi tên ngắn của đơn vị");
    return false;
}

bool import_system(struct import *im, uint32_t line, int column, struct slice cell, uint64_t *out)
{
    if (refer_known(im, &im->systems,
                    "SELECT id, unit_id FROM system WHERE name = ?1 OR title = ?1 COLLATE NOCASE"
                    " OR id = ?2",
                    cell, out))
        return true;
    import_wrong(im, line, column, "there is no such system, or several: write its short name",
                 "không có hệ thống này hoặc có nhiều: hãy ghi mã của hệ thống");
    return false;
}
