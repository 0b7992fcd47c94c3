#include "base/clock.h"
#include "base/text.h"
#include "formats/format.h"
#include "formats/json.h"
#include "watch/config_table.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"B", 1},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", 1000000000000},
    {"KiB", 1ull << 10},
    {"MiB", 1ull << 20},
    {"GiB", 1ull << 30},
    {"TiB", 1ull << 40},
    {NULL, 0},
};

#define DAY_NS (86400 * (uint64_t)CLOCK_SECOND_NS)
static const struct unit duration_units[] = {
    {"ms", CLOCK_SECOND_NS / 1000},
    {"s", CLOCK_SECOND_NS},
    {"min", 60 * CLOCK_SECOND_NS},
    {"h", 3600 * CLOCK_SECOND_NS},
    {"d", DAY_NS},
    {"w", 7 * DAY_NS},
    {"y", 365 * DAY_NS},
    {NULL, 0},
};

static const struct unit *units_of(enum config_kind kind)
{
    static const struct unit none[] = {{NULL, 0}};
    if (kind == CONFIG_BYTES)
        return byte_units;
    return kind == CONFIG_DURATION ? duration_units : none;
}

const char *config_kind_name(enum config_kind kind, bool vietnamese)
{
    static const char *const names[][2] = {
        [CONFIG_TEXT] = {"text", "văn bản"},
        [CONFIG_NAME] = {"name", "tên"},
        [CONFIG_PATH] = {"path", "đường dẫn"},
        [CONFIG_SECRET] = {"path of a secret", "đường dẫn tới bí mật"},
        [CONFIG_ZONE] = {"time zone", "múi giờ"},
        [CONFIG_FORMAT] = {"format", "định dạng"},
        [CONFIG_LIST] = {"list", "danh sách"},
        [CONFIG_NUMBER] = {"number", "số"},
        [CONFIG_BYTES] = {"size", "dung lượng"},
        [CONFIG_DURATION] = {"duration", "thời lượng"},
        [CONFIG_BOOL] = {"true or false", "true hoặc false"},
    };
    return names[kind][vietnamese];
}

static int shown(struct slice text)
{
    return text.len > 60 ? 60 : (int)text.len;
}

static int unit_unknown(enum config_kind kind, struct slice text, struct slice unit,
                        struct err *err)
{
    if (unit.len == 0)
        return err_set(err, ERR_USAGE,
                       "%.*s has no unit: write it as in 15min (ms, s, min, h, d, "
                       "w, y)",
                       shown(text), text.data);
    if (kind == CONFIG_NUMBER)
        return err_set(err, ERR_USAGE, "\"%.*s\" is not a whole number: write digits only",
                       shown(text), text.data);
    return err_set(err, ERR_USAGE, "\"%.*s\" has an unknown unit: %s", shown(text), text.data,
                   kind == CONFIG_BYTES ? "write it as in 64MiB (B, kB, MB, GB, TB, KiB, MiB, "
                                          "GiB, TiB)"
                                        : "write it as in 15min (ms, s, min, h, d, w, y)");
}

/* Without its limits. */
static int number_parse(enum config_kind kind, struct slice text, uint64_t *out, struct err *err)
{
    size_t digits = 0;
    uint64_t number;
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9')
        digits++;
    if (!slice_to_u64(slice_part(text, 0, digits), &number))
        return err_set(err, ERR_USAGE, "\"%.*s\" is not a %s: it begins with digits, such as %s",
                       shown(text), text.data, config_kind_name(kind, false),
                       kind == CONFIG_BYTES      ? "64MiB"
                       : kind == CONFIG_DURATION ? "15min"
                                                 : "1000");
    struct slice unit = slice_trim(slice_part(text, digits, SIZE_MAX));
    uint64_t factor = 1;
    if (unit.len > 0 || kind == CONFIG_DURATION) {
        const struct unit *u = units_of(kind);
        while (u->name && !slice_equal_nocase(unit, slice_from(u->name)))
            u++;
        if (!u->name)
            return unit_unknown(kind, text, unit, err);
        factor = u->factor;
    }
    if (__builtin_mul_overflow(number, factor, out))
        return err_set(err, ERR_USAGE, "\"%.*s\" is too large", shown(text), text.data);
    return ERR_OK;
}

static uint64_t limit_of(const struct config_key *key, const char *limit, uint64_t otherwise)
{
    uint64_t value = otherwise;
    if (limit)
        check(number_parse(key->kind, slice_from(limit), &value, NULL) == ERR_OK);
    return value;
}

static int number_read(const struct config_key *key, struct slice text, uint64_t *out,
                       struct err *err)
{
    uint64_t value;
    int rc = number_parse(key->kind, text, &value, err);
    if (rc)
        return rc;
    if (value < limit_of(key, key->min, 0))
        return err_set(err, ERR_USAGE, "%.*s is too small: the least is %s", shown(text), text.data,
                       key->min);
    if (value > limit_of(key, key->max, UINT64_MAX))
        return err_set(err, ERR_USAGE, "%.*s is too large: the most is %s", shown(text), text.data,
                       key->max);
    *out = value;
    return ERR_OK;
}

/* Characters that a YAML file can hold between quotes as they are. */
static bool is_shown(uint32_t c)
{
    return c >= 0x20 && (c < 0x7f || c > 0x9f) && c != 0x2028 && c != 0x2029 && c != 0xfeff &&
           (c & 0xfffe) != 0xfffe && !(c & TEXT_BAD_BYTE);
}

static int text_check(struct slice text, struct err *err)
{
    if (text.len == 0)
        return err_set(err, ERR_USAGE, "the value is empty: write one, or leave the key out");
    if (text.len > CONFIG_TEXT_BYTES_MAX)
        return err_set(err, ERR_USAGE, "the value is longer than %d bytes", CONFIG_TEXT_BYTES_MAX);
    for (size_t i = 0; i < text.len;)
        if (!is_shown(text_next_char(text, &i)))
            return err_set(err, ERR_USAGE,
                           "the value holds a control character, or is not UTF-8: take it out");
    return ERR_OK;
}

int config_value_check_name(struct slice name, struct err *err)
{
    bool good = name.len > 0 && name.len <= CONFIG_NAME_BYTES_MAX;
    for (size_t i = 0; good && i < name.len; i++) {
        char c = name.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (i && (c == '-' || c == '_'));
    }
    if (!good)
        return err_set(err, ERR_USAGE,
                       "\"%.*s\" is no name: write 1 to %d of a-z, 0-9, - and _, a letter or a "
                       "digit first",
                       shown(name), name.data, CONFIG_NAME_BYTES_MAX);
    return ERR_OK;
}

static int text_read(const struct config_key *key, struct slice text, struct err *err)
{
    struct clock_zone *zone = NULL;
    int rc = text_check(text, err);
    if (rc)
        return rc;
    switch (key->kind) {
    case CONFIG_NAME:
        return config_value_check_name(text, err);
    case CONFIG_PATH:
    case CONFIG_SECRET:
        if (text.data[0] == '/')
            return ERR_OK;
        return err_set(err, ERR_USAGE, "\"%.*s\" is not a whole path: begin it with /", shown(text),
                       text.data);
    case CONFIG_ZONE:
        rc = clock_zone_open(&zone, text, err);
        clock_zone_close(&zone);
        return rc ? err_set(err, ERR_USAGE,
                            "\"%.*s\" is no time zone: write +07:00, or a name such as "
                            "Asia/Ho_Chi_Minh",
                            shown(text), text.data)
                  : ERR_OK;
    case CONFIG_FORMAT:
        if (format_find(text))
            return ERR_OK;
        return err_set(err, ERR_USAGE, "\"%.*s\" is no format: docs/formats.md lists them",
                       shown(text), text.data);
    default:
        return ERR_OK;
    }
}

size_t config_value_bytes(enum config_kind kind)
{
    switch (kind) {
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
    case CONFIG_DURATION:
        return sizeof(uint64_t);
    case CONFIG_BOOL:
        return sizeof(bool);
    case CONFIG_LIST:
        return sizeof(struct config_list);
    default:
        return sizeof(struct slice);
    }
}

int config_value_read(const struct config_key *key, struct slice text, void *target,
                      struct arena *arena, struct err *err)
{
    void *at = (char *)target + key->offset;
    switch (key->kind) {
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
    case CONFIG_DURATION:
        return number_read(key, text, at, err);
    case CONFIG_BOOL:
        if (!slice_equal(text, SLICE("true")) && !slice_equal(text, SLICE("false")))
            return err_set(err, ERR_USAGE, "\"%.*s\" is neither true nor false: write one of them",
                           shown(text), text.data);
        *(bool *)at = text.len == 4;
        return ERR_OK;
    case CONFIG_LIST:
        return config_value_read_list(key, &(struct config_list){&text, 1}, target, arena, err);
    default:
        break;
    }
    int rc = text_read(key, text, err);
    if (rc == ERR_OK)
        *(struct slice *)at = arena_copy(arena, text);
    return rc;
}

int config_value_read_list(const struct config_key *key, const struct config_list *items,
                           void *target, struct arena *arena, struct err *err)
{
    struct config_list *list = (struct config_list *)(void *)((char *)target + key->offset);
    if (items->count > CONFIG_LIST_MAX)
        return err_set(err, ERR_USAGE, "the list has more than %d items", CONFIG_LIST_MAX);
    for (uint32_t i = 0; i < items->count; i++) {
        int rc = text_check(items->items[i], err);
        if (rc)
            return rc;
    }
    list->items = arena_alloc(arena, (items->count + 1) * sizeof(*list->items));
    list->count = items->count;
    for (uint32_t i = 0; i < items->count; i++)
        list->items[i] = arena_copy(arena, items->items[i]);
    return ERR_OK;
}

void config_value_default(const struct config_key *key, void *target, struct arena *arena)
{
    if (!key->fallback)
        return;
    if (key->kind == CONFIG_ZONE) { /* the machine may lack the zone table */
        *(struct slice *)(void *)((char *)target + key->offset) =
            arena_copy(arena, slice_from(key->fallback));
        return;
    }
    check(config_value_read(key, slice_from(key->fallback), target, arena, NULL) == ERR_OK);
}

/* With the unit that gives the shortest number. */
static void number_write(enum config_kind kind, uint64_t value, struct buf *out)
{
    const struct unit *best = NULL;
    for (const struct unit *u = units_of(kind); u->name; u++)
        if (value % u->factor == 0 && (!best || value / u->factor <= value / best->factor))
            if (value > 0 || kind == CONFIG_DURATION)
                best = u;
    if (value == 0 && kind == CONFIG_DURATION)
        best = &duration_units[1];
    buf_printf(out, "%llu%s", (unsigned long long)(best ? value / best->factor : value),
               best ? best->name : "");
}

static void text_write(struct slice text, struct buf *out)
{
    bool plain =
        text.len > 0 && ((text.data[0] >= 'a' && text.data[0] <= 'z') ||
                         (text.data[0] >= 'A' && text.data[0] <= 'Z') || text.data[0] == '/');
    for (size_t i = 0; plain && i < text.len; i++) {
        char c = text.data[i];
        plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                c == '/' || c == '.' || c == '_' || c == '-';
    }
    static const char *const words[] = {"true", "false", "null", "yes", "no", "on", "off"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        plain = plain && !slice_equal_nocase(text, slice_from(words[i]));
    if (plain)
        buf_slice(out, text);
    else
        json_write_string(out, text);
}

void config_value_write(const struct config_key *key, const void *target, struct buf *out)
{
    const void *at = (const char *)target + key->offset;
    const struct config_list *list = at;
    switch (key->kind) {
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
    case CONFIG_DURATION:
        number_write(key->kind, *(const uint64_t *)at, out);
        break;
    case CONFIG_BOOL:
        buf_string(out, *(const bool *)at ? "true" : "false");
        break;
    case CONFIG_LIST:
        buf_char(out, '[');
        for (uint32_t i = 0; i < list->count; i++) {
            buf_string(out, i ? ", " : "");
            json_write_string(out, list->items[i]);
        }
        buf_char(out, ']');
        break;
    default:
        text_write(*(const struct slice *)at, out);
    }
}
