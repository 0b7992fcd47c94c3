/* Values in both directions: whatever is read as an indicator is already in its one form, and is
 * found again when it stands alone in a field; whatever is seen in a text reads as an indicator of
 * its kind with the same value, has its hash, and is seen again alone. */
#include <stdlib.h>

#include "base/mem.h"
#include "detection/indicator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum indicator_type kind_types[SIGHT_KINDS] = {[SIGHT_IP] = INDICATOR_IP,
                                                            [SIGHT_HOST] = INDICATOR_DOMAIN,
                                                            [SIGHT_URL] = INDICATOR_URL,
                                                            [SIGHT_MD5] = INDICATOR_MD5,
                                                            [SIGHT_SHA1] = INDICATOR_SHA1,
                                                            [SIGHT_SHA256] = INDICATOR_SHA256,
                                                            [SIGHT_EMAIL] = INDICATOR_EMAIL,
                                                            [SIGHT_FILE_NAME] = INDICATOR_FILE_NAME,
                                                            [SIGHT_URL_PATH] = INDICATOR_URL_PATH};

static struct arena arena;

struct wanted {
    const struct indicator_table *table;
    bool found;
};

static void hit_take(void *context, uint64_t number, const struct sight *sight)
{
    struct wanted *w = context;
    check(number == 0 && sight->text.len > 0);
    w->found = true;
}

static void sight_match(void *context, const struct sight *sight)
{
    struct wanted *w = context;
    indicator_table_match(w->table, sight, CLOCK_NONE, hit_take, w);
}

static void value_is_found(const struct indicator *i)
{
    struct indicator_builder *b = indicator_builder_open();
    struct buf bytes = {0};
    struct indicator_table *table;
    struct wanted w = {0};
    struct slice value = i->value;
    check(indicator_builder_add(b, i, NULL) == ERR_OK);
    indicator_builder_finish(b, &bytes);
    check(indicator_table_open(&table, buf_as_slice(&bytes), NULL) == ERR_OK);
    if (i->type == INDICATOR_CIDR)
        value.len = slice_find_char(value, '/');
    w.table = table;
    sight_scan(value, sight_match, &w);
    struct slice path = arena_printf(&arena, "/%.*s", (int)value.len, value.data);
    if (i->type == INDICATOR_FILE_NAME)
        sight_scan(path, sight_match, &w);
    check(w.found || slice_starts(i->value, SLICE("::/")));
    indicator_table_close(&table);
    indicator_builder_close(&b);
    buf_free(&bytes);
}

static void value_check(struct slice text, enum indicator_type type)
{
    struct indicator i = {.from_ns = CLOCK_NONE, .until_ns = CLOCK_NONE}, again = i;
    struct err err;
    if (indicator_parse(&i, text, type, &arena, &err) != ERR_OK) {
        check(err.code == ERR_SYNTAX && err.text[0]);
        return;
    }
    check(i.value.len > 0 && i.value.len <= INDICATOR_VALUE_BYTES_MAX);
    check(indicator_parse(&again, i.value, i.type, &arena, &err) == ERR_OK);
    check(again.type == i.type && slice_equal(again.value, i.value));
    value_is_found(&i);
}

/* What people would write to mean something else: defanged, quoted, in a list, with a star. */
static bool is_as_written(struct slice text)
{
    static const struct slice schemes[] = {{"hxxp", 4}, {"hxtp", 4}, {"htxp", 4}, {"fxp:", 4}};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (slice_starts(text, schemes[i]))
            return false;
    for (size_t i = 0; i < text.len; i++)
        if (memchr("[({]\\", text.data[i], 5))
            return false;
    return !memchr(" ,;'`*", text.data[text.len - 1], 6) && !memchr(" '`", text.data[0], 3);
}

static void sight_check(void *context, const struct sight *sight)
{
    struct indicator i;
    uint64_t hash;
    unsigned *count = context;
    check(sight->kind < SIGHT_KINDS && sight->text.len > 0);
    check(sight->text.len <= SIGHT_TEXT_BYTES_MAX);
    check(sight->hash == sight_hash(sight->kind, sight->text));
    bool near_limit = sight->text.len + 4 > SIGHT_TEXT_BYTES_MAX || sight->text.len < 6;
    if (++*count > 20 || near_limit || !is_as_written(sight->text))
        return;
    arena_reset(&arena);
    struct slice text = arena_copy(&arena, sight->text);
    int rc = indicator_parse(&i, text, kind_types[sight->kind], &arena, NULL);
    check(rc == ERR_OK);
    check(slice_equal(i.value, text));
    if (indicator_sight_hash(&i, &hash) && i.type == kind_types[sight->kind])
        check(hash == sight->hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned count = 0;
    if (size == 0 || size > 70000)
        return 0;
    /* from memory that ends with the value */
    char *copy = mem_alloc(size);
    memcpy(copy, data, size);
    struct slice text = slice_make(copy + 1, size - 1);
    sight_scan(text, sight_check, &count);
    arena_reset(&arena);
    value_check(text, INDICATOR_TYPES);
    value_check(text, (enum indicator_type)(data[0] % INDICATOR_TYPES));
    arena_reset(&arena);
    mem_free(copy);
    return 0;
}
