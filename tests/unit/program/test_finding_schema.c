/* What the writer writes is what docs/finding.schema.json says. The schema is walked by the few
 * keywords that it uses; one that is unknown here fails the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "program/output.h"

static json_t *schema;

static bool valid(const json_t *rule, const json_t *value);

static bool type_fits(const char *type, const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",   [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "integer", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",   [JSON_NULL] = "null"};
    return strcmp(names[json_typeof(value)], type) == 0 ||
           (json_is_integer(value) && strcmp(type, "number") == 0);
}

static bool check_type(const json_t *types, const json_t *value)
{
    size_t i;
    json_t *type;
    if (json_is_string(types))
        return type_fits(json_string_value(types), value);
    json_array_foreach(types, i, type) if (type_fits(json_string_value(type), value)) return true;
    return false;
}

static bool check_required(const json_t *names, const json_t *value)
{
    size_t i;
    json_t *name;
    json_array_foreach(names, i,
                       name) if (!json_object_get(value, json_string_value(name))) return false;
    return true;
}

/* Members that the schema does not name are not allowed here, unless it says what they are. */
static bool check_members(const json_t *rule, const json_t *value)
{
    const char *key;
    json_t *member, *properties = json_object_get(rule, "properties");
    json_t *others = json_object_get(rule, "additionalProperties");
    if ((!properties && !others) || !json_is_object(value))
        return true;
    json_object_foreach((json_t *)(uintptr_t)value, key, member)
    {
        const json_t *own = json_object_get(properties, key);
        if (!own)
            own = others;
        if (!own || !valid(own, member)) {
            print_error("member %s does not fit\n", key);
            return false;
        }
    }
    return true;
}

static size_t count_valid(const json_t *rules, const json_t *value)
{
    size_t i, count = 0;
    json_t *rule;
    json_array_foreach(rules, i, rule) count += valid(rule, value);
    return count;
}

static bool check_items(const json_t *rule, const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(value, i, item) if (!valid(rule, item)) return false;
    return true;
}

static bool among(const json_t *list, const json_t *value)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) if (json_equal(item, value)) return true;
    return false;
}

static bool check_keyword(const char *key, const json_t *says, const json_t *rule,
                          const json_t *value)
{
    static const char *const passed[] = {"$schema", "$id",         "$defs",   "title",
                                         "format",  "description", "minimum", "pattern"};
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++)
        if (strcmp(key, passed[i]) == 0)
            return true;
    if (strcmp(key, "type") == 0)
        return check_type(says, value);
    if (strcmp(key, "required") == 0)
        return check_required(says, value);
    if (strcmp(key, "properties") == 0 || strcmp(key, "additionalProperties") == 0)
        return check_members(rule, value);
    if (strcmp(key, "items") == 0)
        return check_items(says, value);
    if (strcmp(key, "minItems") == 0)
        return json_array_size(value) >= (size_t)json_integer_value(says);
    if (strcmp(key, "enum") == 0)
        return among(says, value);
    if (strcmp(key, "const") == 0)
        return json_equal(says, value);
    if (strcmp(key, "anyOf") == 0)
        return count_valid(says, value) > 0;
    if (strcmp(key, "oneOf") == 0)
        return count_valid(says, value) == 1;
    if (strcmp(key, "$ref") == 0)
        return valid(json_object_get(json_object_get(schema, "$defs"),
                                     json_string_value(says) + strlen("#/$defs/")),
                     value);
    fail_msg("the schema uses %s, which this test does not know", key);
    return false;
}

static bool valid(const json_t *rule, const json_t *value)
{
    const char *key;
    json_t *says;
    assert_non_null(rule);
    json_object_foreach((json_t *)(uintptr_t)rule, key,
                        says) if (!check_keyword(key, says, rule, value)) return false;
    return true;
}

static int schema_load(void **state)
{
    json_error_t error;
    (void)state;
    schema =
        json_load_file(CANH_SOURCE "/docs/finding.schema.json", JSON_REJECT_DUPLICATES, &error);
    if (!schema)
        print_error("%s:%d: %s\n", error.source, error.line, error.text);
    return schema ? 0 : -1;
}

static int schema_free(void **state)
{
    (void)state;
    json_decref(schema);
    return 0;
}

static struct rule plain = {.kind = RULE_DETECTION, .title = {"A", 1}, .level = LEVEL_LOW};
static struct rule correlation = {.kind = RULE_CORRELATION, .title = {"B", 1}};
static struct rule *rows[] = {&plain, &correlation};
static const struct rule_list rules = {rows, 2, 2};

static json_t *written(const struct finding *f)
{
    struct output_options options = {.kind = OUTPUT_NDJSON};
    struct output *o = output_open(&options, &rules);
    struct buf text = {0};
    output_finding(o, f, &text);
    json_t *line = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    output_close(&o);
    buf_free(&text);
    return line;
}

static void test_event(void **state)
{
    (void)state;
    struct finding_field fields[] = {
        {SLICE("a"), SLICE("1")}, {SLICE("a"), SLICE("2")}, {SLICE("b"), SLICE("3")}};
    struct finding f = {
        .place = {SLICE("f"), 1, CLOCK_NONE, 7}, .matched = fields, .matched_count = 3};
    json_t *line = written(&f);
    assert_true(valid(schema, line));
    /* the test itself must be able to fail */
    assert_int_equal(json_object_set_new(line, "novelty", json_true()), 0);
    assert_false(valid(schema, line));
    assert_int_equal(json_object_del(line, "novelty"), 0);
    assert_int_equal(json_object_set_new(line, "matched", json_pack("s", "x")), 0);
    assert_false(valid(schema, line));
    json_decref(line);
}

static void test_indicator(void **state)
{
    (void)state;
    struct finding_field field = {SLICE("host"), SLICE("www.bad.example")};
    struct indicator indicator = {.type = INDICATOR_DOMAIN,
                                  .value = SLICE("bad.example"),
                                  .confidence = INDICATOR_CONFIDENCE_NONE,
                                  .from_ns = CLOCK_NONE,
                                  .until_ns = CLOCK_NONE};
    struct finding f = {.place = {SLICE("f"), 1, CLOCK_NONE, 7},
                        .matched = &field,
                        .matched_count = 1,
                        .indicator = &indicator};
    json_t *line = written(&f);
    assert_true(valid(schema, line));
    assert_int_equal(json_object_size(json_object_get(line, "indicator")), 2);
    json_decref(line);
    for (int type = 0; type < INDICATOR_TYPES; type++)
        for (int tlp = TLP_NONE; tlp <= TLP_RED; tlp++) {
            indicator = (struct indicator){(enum indicator_type)type,
                                           SLICE("v"),
                                           SLICE("feed"),
                                           SLICE("indicator--1"),
                                           SLICE("Title"),
                                           80,
                                           (enum indicator_tlp)tlp,
                                           1,
                                           2};
            line = written(&f);
            assert_true(valid(schema, line));
            assert_int_equal(json_object_size(json_object_get(line, "indicator")),
                             tlp == TLP_NONE ? 8 : 9);
            json_decref(line);
        }
}

static void test_correlation(void **state)
{
    (void)state;
    struct finding_place places[] = {{SLICE("f"), 1, 5, 7}, {SLICE("g"), 2, CLOCK_NONE, 0}};
    struct slice name = SLICE("user"), value = SLICE("bob");
    struct finding f = {.rule = 1,
                        .place = {.time_ns = 5},
                        .events = places,
                        .event_count = 2,
                        .event_total = 2,
                        .group_names = &name,
                        .group_values = &value,
                        .group_count = 1,
                        .value = 2,
                        .capped = true};
    json_t *line = written(&f);
    assert_true(valid(schema, line));
    assert_int_equal(json_object_del(line, "count"), 0);
    assert_false(valid(schema, line));
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_indicator),
        cmocka_unit_test(test_correlation),
    };
    return cmocka_run_group_tests(tests, schema_load, schema_free);
}
