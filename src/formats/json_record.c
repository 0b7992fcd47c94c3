#include "formats/json_record.h"

#include <stdatomic.h>

#include "formats/json_levels.h"
#include "formats/json_lexeme.h"

/* One token's part in the record. */
static int token_add(struct record *r, struct json_levels *levels, struct json_reader *reader,
                     enum json_token token, struct err *err)
{
    const char *behind = reader->input.data + reader->at;
    struct slice name = levels->name;
    unsigned flags = levels->name_flags;
    switch (token) {
    case JSON_KEY:
        return json_levels_key(levels, r, reader->text, reader->escaped, err);
    case JSON_STRING:
        return record_add(r, name, reader->text, VALUE_STRING,
                          flags | (reader->escaped ? FIELD_ESCAPED : 0u), err);
    case JSON_NUMBER:
        return record_add(r, name, reader->text, VALUE_NUMBER, flags, err);
    case JSON_TRUE:
        return record_add(r, name, slice_make(behind - 4, 4), VALUE_BOOL, flags, err);
    case JSON_FALSE:
        return record_add(r, name, slice_make(behind - 5, 5), VALUE_BOOL, flags, err);
    case JSON_NULL:
        return record_add(r, name, slice_make(behind, 0), VALUE_NULL, flags, err);
    case JSON_OBJECT_OPEN:
    case JSON_ARRAY_OPEN:
        return json_levels_open(levels, r, behind - 1, token == JSON_OBJECT_OPEN, err);
    default:
        json_levels_close(levels, r, behind);
        return ERR_OK;
    }
}

int json_record_portable(struct record *r, struct slice text, struct err *err)
{
    struct json_reader reader;
    struct json_levels levels;
    uint32_t first = r->count;
    json_reader_open(&reader, text);
    json_levels_start(&levels, reader.input, SLICE("message"));
    enum json_token token = json_next(&reader);
    if (token != JSON_OBJECT_OPEN && token != JSON_STRING && token != JSON_ERROR)
        return err_set(err, ERR_SYNTAX,
                       "This JSON value is neither an object nor a string, so it is no event.");
    int rc = ERR_OK;
    while (rc == ERR_OK && token != JSON_END && token != JSON_ERROR) {
        rc = token_add(r, &levels, &reader, token, err);
        if (rc == ERR_OK)
            token = json_next(&reader);
    }
    if (rc == ERR_OK && token == JSON_ERROR) {
        rc = reader.err.code;
        if (err)
            *err = reader.err;
    }
    if (rc)
        r->count = first;
    return rc;
}

static bool portable_usable(void)
{
    return true;
}

#if defined(__x86_64__)
static bool avx2_usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("popcnt");
}

static bool avx512_usable(void)
{
    return avx2_usable() && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
}
#endif

const struct json_engine json_engines[] = {
    {"portable", portable_usable, NULL},
#if defined(__x86_64__)
    {"avx2", avx2_usable, json_index_fill_avx2},
    {"avx512", avx512_usable, json_index_fill_avx512},
#endif
};
const size_t json_engine_count = sizeof(json_engines) / sizeof(json_engines[0]);

int json_engine_parse(const struct json_engine *engine, struct record *r, struct slice text,
                      struct err *err)
{
    check(engine != NULL);
    if (engine->fill && json_walk(r, text, engine->fill))
        return ERR_OK;
    return json_record_portable(r, text, err);
}

int json_parse_record(struct record *r, struct slice text, struct err *err)
{
    static _Atomic(const struct json_engine *) chosen;
    const struct json_engine *engine = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (__builtin_expect(!engine, 0)) { /* threads that come here at once choose alike */
        for (size_t i = 0; i < json_engine_count; i++)
            if (json_engines[i].usable())
                engine = &json_engines[i];
        atomic_store_explicit(&chosen, engine, memory_order_relaxed);
    }
    return json_engine_parse(engine, r, text, err);
}
