#include "state/command_param.h"

#include "base/text.h"
#include "state/sheet.h"

enum { NAME_BYTES_MAX = 64, SHOWN_BYTES_MAX = 60 };

const struct param *param_find(const struct command *command, struct slice name)
{
    for (uint32_t i = 0; i < command->param_count; i++)
        if (slice_equal(name, slice_from(command->params[i].name)))
            return &command->params[i];
    return NULL;
}

/* Bytes of a text that stand in a message: never half a character. */
static int shown(struct slice text)
{
    size_t len = text.len;
    if (len > SHOWN_BYTES_MAX)
        for (len = SHOWN_BYTES_MAX; len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80;)
            len--;
    return (int)len;
}

/* A sentence about one value: the formats take name, length, text, and the mend. */
static int refuse_value(const struct command_call *call, const struct param *p, struct slice text,
                        const char *mend_en, const char *mend_vi, struct err *err)
{
    if (p->kind == PARAM_SECRET)
        return caller_refuse(&call->caller, err, ERR_USAGE, "%s cannot be that: %s",
                             "%s không hợp lệ: %s", p->name,
                             call->caller.vietnamese ? mend_vi : mend_en);
    return caller_refuse(&call->caller, err, ERR_USAGE, "%s cannot be \"%.*s\": %s",
                         "%s không thể là \"%.*s\": %s", p->name, shown(text), text.data,
                         call->caller.vietnamese ? mend_vi : mend_en);
}

bool command_text_char(uint32_t c)
{
    return !(c & TEXT_BAD_BYTE) && c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && c != 0x2028 &&
           c != 0x2029 && !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069) &&
           c != 0xfeff;
}

static bool is_line(struct slice text)
{
    for (size_t i = 0; i < text.len;)
        if (!command_text_char(text_next_char(text, &i)))
            return false;
    return true;
}

static int check_line(struct command_call *call, const struct param *p, struct slice *text,
                      struct err *err)
{
    size_t max = p->max ? (size_t)p->max : COMMAND_TEXT_BYTES_MAX;
    if (text->len > max)
        return caller_refuse(&call->caller, err, ERR_LIMIT, "%s is too long: at most %zu bytes",
                             "%s quá dài: nhiều nhất %zu byte", p->name, max);
    if (!is_line(*text))
        return caller_refuse(&call->caller, err, ERR_USAGE,
                             "%s holds a control character, a line break, or is not UTF-8: take it "
                             "out",
                             "%s có ký tự điều khiển, dấu xuống dòng hoặc không phải UTF-8: hãy bỏ "
                             "đi",
                             p->name);
    struct buf composed = {0};
    text_nfc(&composed, p->kind == PARAM_SECRET ? *text : slice_trim(*text));
    if (!slice_equal(buf_as_slice(&composed), *text))
        *text = arena_copy(&call->arena, buf_as_slice(&composed));
    if (composed.data)
        explicit_bzero(composed.data, composed.len);
    buf_free(&composed);
    return text->len || !p->required
               ? ERR_OK
               : caller_refuse(&call->caller, err, ERR_USAGE, "%s is empty: write something",
                               "%s để trống: hãy điền", p->name);
}

static bool is_name(struct slice text)
{
    bool digits = true;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool digit = c >= '0' && c <= '9';
        digits &= digit;
        if (!digit && !(c >= 'a' && c <= 'z') && !(i > 0 && (c == '-' || c == '_' || c == '.')))
            return false;
    }
    return text.len > 0 && text.len <= NAME_BYTES_MAX && !digits;
}

static bool is_choice(const char *choices, struct slice text)
{
    struct slice rest = slice_from(choices);
    while (rest.len)
        if (slice_equal(slice_cut(&rest, '|'), text))
            return text.len > 0;
    return false;
}

static bool two_digits(const char *at, int *out)
{
    *out = (at[0] - '0') * 10 + (at[1] - '0');
    return at[0] >= '0' && at[0] <= '9' && at[1] >= '0' && at[1] <= '9';
}

static bool is_date(struct slice text)
{
    struct clock_date date = {0}, back;
    int century = 0;
    if (text.len != 10 || text.data[4] != '-' || text.data[7] != '-' ||
        !two_digits(text.data, &century) || !two_digits(text.data + 2, &date.year) ||
        !two_digits(text.data + 5, &date.month) || !two_digits(text.data + 8, &date.day))
        return false;
    date.year += century * 100;
    int64_t time_ns = clock_from_date(&date, 0);
    if (time_ns == CLOCK_NONE)
        return false;
    clock_to_date(time_ns, 0, &back);
    return back.day == date.day && back.month == date.month;
}

/* Whole seconds; the units are those of canh.yaml. */
static bool duration_read(struct slice text, uint64_t *seconds)
{
    static const struct {
        const char *name;
        uint64_t seconds;
    } units[] = {{"s", 1},     {"min", 60},      {"h", 3600},
                 {"d", 86400}, {"w", 7 * 86400}, {"y", 365 * 86400}};
    size_t digits = 0;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    struct slice unit = slice_part(text, digits, text.len);
    uint64_t number;
    if (!slice_to_u64(slice_part(text, 0, digits), &number))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (slice_equal(unit, slice_from(units[i].name)))
            return !__builtin_mul_overflow(number, units[i].seconds, seconds) &&
                   *seconds <= (uint64_t)INT64_MAX / CLOCK_SECOND_NS;
    return false;
}

static int check_number(const struct command_call *call, const struct param *p, struct slice text,
                        struct err *err)
{
    uint64_t number, max = p->max ? p->max : INT64_MAX;
    if (slice_to_u64(text, &number) && number >= p->min && number <= max)
        return ERR_OK;
    return caller_refuse(
        &call->caller, err, ERR_USAGE, "%s cannot be \"%.*s\": write a number from %llu to %llu",
        "%s không thể là \"%.*s\": hãy ghi một số từ %llu đến %llu", p->name, shown(text),
        text.data, (unsigned long long)p->min, (unsigned long long)max);
}

static int check_sheet(const struct command_call *call, const struct param *p, struct slice text,
                       struct err *err)
{
    struct sheet sheet;
    struct sheet_row row;
    uint32_t columns = 0;
    if (text.len > COMMAND_SHEET_BYTES_MAX)
        return caller_refuse(&call->caller, err, ERR_LIMIT, "%s is larger than %zu bytes: cut it",
                             "%s lớn hơn %zu byte: hãy chia nhỏ", p->name, COMMAND_SHEET_BYTES_MAX);
    if (!sheet_columns(call->command->name, &columns))
        columns = SHEET_COLUMNS_MAX;
    int rc = sheet_open(&sheet, text, columns, err);
    while (rc == ERR_OK)
        rc = sheet_next(&sheet, &row, err);
    return rc == ERR_END ? ERR_OK : rc;
}

uint32_t param_sheet_rows(const struct command *command, struct slice flat)
{
    struct sheet sheet;
    uint32_t columns = 0;
    if (!sheet_columns(command->name, &columns))
        columns = SHEET_COLUMNS_MAX;
    return sheet_open(&sheet, flat, columns, NULL) == ERR_OK ? sheet.rows : 0;
}

/* Kinds with texts that a pattern decides. */
static int check_form(struct command_call *call, const struct param *p, struct slice text,
                      struct err *err)
{
    uint64_t seconds;
    if (text.len == 0 && !p->required &&
        (p->kind == PARAM_NAME || p->kind == PARAM_DATE || p->kind == PARAM_DURATION ||
         p->kind == PARAM_REF))
        return ERR_OK;
    switch (p->kind) {
    case PARAM_NAME:
        return is_name(text)
                   ? ERR_OK
                   : refuse_value(
                         call, p, text,
                         "write 1 to 64 of a-z, 0-9, - _ and ., not digits alone, a letter "
                         "or a digit first",
                         "hãy ghi 1 đến 64 ký tự a-z, 0-9, - _ và ., không chỉ gồm chữ số, "
                         "bắt đầu bằng chữ hoặc số",
                         err);
    case PARAM_BOOL:
        return is_choice("true|false", text) ? ERR_OK
                                             : refuse_value(call, p, text, "write true or false",
                                                            "hãy ghi true hoặc false", err);
    case PARAM_CHOICE:
        return is_choice(p->choices, text)
                   ? ERR_OK
                   : refuse_value(call, p, text, p->choices, p->choices, err);
    case PARAM_DATE:
        return is_date(text) ? ERR_OK
                             : refuse_value(call, p, text, "write a date as 2026-11-22",
                                            "hãy ghi ngày theo dạng 2026-11-22", err);
    case PARAM_DURATION:
        return duration_read(text, &seconds)
                   ? ERR_OK
                   : refuse_value(
                         call, p, text, "write a whole number and s, min, h, d, w or y, as 12h",
                         "hãy ghi một số nguyên và s, min, h, d, w hoặc y, ví dụ 12h", err);
    default: /* PARAM_REF */
        return text.len > 0 && text.len <= COMMAND_TEXT_BYTES_MAX && is_line(text)
                   ? ERR_OK
                   : refuse_value(call, p, SLICE(""), "write a name or an id",
                                  "hãy ghi tên hoặc mã số", err);
    }
}

int param_check(struct command_call *call, const struct param *p, struct slice *text,
                struct err *err)
{
    switch (p->kind) {
    case PARAM_TEXT:
    case PARAM_SECRET:
        return check_line(call, p, text, err);
    case PARAM_NUMBER:
        return check_number(call, p, *text, err);
    case PARAM_SHEET:
        return check_sheet(call, p, *text, err);
    default:
        return check_form(call, p, *text, err);
    }
}

static const struct param *param_of(const struct command_call *call, const char *name)
{
    const struct param *p = param_find(call->command, slice_from(name));
    check(p);
    return p;
}

bool call_next(const struct command_call *call, const char *name, uint32_t *at, struct slice *text)
{
    (void)param_of(call, name);
    while (*at < call->value_count) {
        const struct command_value *v = &call->values[(*at)++];
        if (slice_equal(v->name, slice_from(name))) {
            *text = v->text;
            return true;
        }
    }
    return false;
}

bool call_given(const struct command_call *call, const char *name)
{
    uint32_t at = 0;
    struct slice text;
    return call_next(call, name, &at, &text);
}

struct slice call_text(const struct command_call *call, const char *name)
{
    uint32_t at = 0;
    struct slice text = SLICE("");
    (void)call_next(call, name, &at, &text);
    return text;
}

uint64_t call_number(const struct command_call *call, const char *name)
{
    uint64_t number = 0;
    struct slice text = call_text(call, name);
    bool read = param_of(call, name)->kind == PARAM_DURATION ? duration_read(text, &number)
                                                             : slice_to_u64(text, &number);
    return read ? number : 0;
}

bool call_bool(const struct command_call *call, const char *name)
{
    return slice_equal(call_text(call, name), SLICE("true"));
}

uint64_t call_ref(const struct command_call *call, const char *name)
{
    const struct param *p = param_of(call, name);
    check(p->kind == PARAM_REF);
    return call->refs[p - call->command->params];
}
