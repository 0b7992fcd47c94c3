/* JSON: every engine against the portable one, the pull reader against the record reader, and all
 * of them against jansson; what the writer makes of any bytes is read back.
 *
 * Where jansson legitimately differs, only that difference is let pass: it refuses a byte order
 * mark (cut off first), numbers that no C type holds, and \u0000 in names; it goes deeper than
 * JSON_DEPTH_MAX; of members of one name it keeps the last. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "formats/json_lexeme.h"
#include "formats/json_record.h"
#include "fuzz/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool field_equal(const struct field *a, const struct field *b)
{
    return slice_equal(a->name, b->name) && slice_equal(a->value, b->value) &&
           a->name_hash == b->name_hash && a->kind == b->kind && a->flags == b->flags;
}

static void engines_compare(const struct record *portable, bool object, struct slice text)
{
    for (size_t i = 0; i < json_engine_count; i++) {
        if (!json_engines[i].usable() || !json_engines[i].fill)
            continue;
        struct record r = {0};
        check(json_walk(&r, text, json_engines[i].fill) == object);
        if (object) {
            check(r.count == portable->count);
            for (uint32_t f = 0; f < r.count; f++)
                check(field_equal(&r.fields[f], &portable->fields[f]));
        } else {
            check(r.count == 0);
        }
        record_free(&r);
    }
}

/* Reads all of it; gives the code and the first token. */
static int pull_all(struct slice text, enum json_token *first)
{
    struct json_reader reader;
    json_reader_open(&reader, text);
    enum json_token token = json_next(&reader);
    *first = token;
    while (token != JSON_ERROR && token != JSON_END)
        token = json_next(&reader);
    check(token == JSON_END || (reader.err.code < 0 && reader.err.text[0]));
    check(json_next(&reader) == token);
    return token == JSON_END ? ERR_OK : reader.err.code;
}

struct position {
    struct record *record;
    uint32_t at;
};

static void value_compare(void *context, const struct oracle_value *value)
{
    static const enum value_kind KINDS[] = {
        [ORACLE_STRING] = VALUE_STRING, [ORACLE_INTEGER] = VALUE_NUMBER,
        [ORACLE_REAL] = VALUE_NUMBER,   [ORACLE_BOOL] = VALUE_BOOL,
        [ORACLE_NULL] = VALUE_NULL,     [ORACLE_CONTAINER] = VALUE_OBJECT};
    struct position *position = context;
    check(position->at < position->record->count);
    struct field *f = &position->record->fields[position->at++];
    check(slice_equal(f->name, value->name));
    check(f->kind == KINDS[value->kind]);
    char *text = mem_copy_text(f->value.data, f->value.len);
    switch (value->kind) {
    case ORACLE_STRING:
        check(slice_equal(record_text(position->record, f), value->string));
        break;
    case ORACLE_INTEGER:
        check(strtoll(text, NULL, 10) == value->integer);
        break;
    case ORACLE_REAL:
        check(strtod(text, NULL) == value->real);
        break;
    case ORACLE_BOOL:
        check(slice_equal(f->value, value->integer ? SLICE("true") : SLICE("false")));
        break;
    case ORACLE_CONTAINER:
        check(text[0] == '{' || text[0] == '[');
        check(text[f->value.len - 1] == (text[0] == '{' ? '}' : ']'));
        break;
    default:
        check(f->value.len == 0);
        break;
    }
    mem_free(text);
}

static void jansson_compare(struct record *record, int record_rc, int pull_rc, struct slice text)
{
    const char *start = json_mark_end(text.data, text.data + text.len);
    struct position position = {record, 0};
    text = slice_make(start, text.len - (size_t)(start - text.data));
    enum oracle_verdict verdict =
        json_oracle_read(text, record_rc == ERR_OK ? value_compare : NULL, &position);
    if (verdict == ORACLE_NO_OPINION || pull_rc == ERR_LIMIT)
        return;
    check((verdict != ORACLE_REFUSED) == (pull_rc == ERR_OK));
    if (record_rc == ERR_OK && verdict == ORACLE_ACCEPTED)
        check(position.at == record->count);
}

struct written {
    struct slice expected;
    bool exact;
};

static void written_compare(void *context, const struct oracle_value *value)
{
    const struct written *written = context;
    check(value->kind == ORACLE_STRING);
    check(!written->exact || slice_equal(value->string, written->expected));
}

static void writer_compare(struct slice bytes)
{
    struct buf out = {0};
    struct written written = {bytes, text_utf8_valid(bytes) == bytes.len};
    json_write_string(&out, bytes);
    check(json_oracle_read(buf_as_slice(&out), written_compare, &written) == ORACLE_ACCEPTED);
    struct record r = {0};
    check(json_parse_record(&r, buf_as_slice(&out), NULL) == ERR_OK && r.count == 1);
    struct slice back = record_text(&r, &r.fields[0]);
    check(!written.exact || slice_equal(back, bytes));
    record_free(&r);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(size ? (const char *)data : "", size);
    struct record record = {0};
    struct err err = {0};
    enum json_token first;
    int record_rc = json_record_portable(&record, text, &err);
    int pull_rc = pull_all(text, &first);
    check(record_rc == ERR_OK || (err.code == record_rc && err.text[0] && record.count == 0));
    check(record_rc != ERR_OK || pull_rc == ERR_OK);
    if (pull_rc == ERR_OK && record_rc != ERR_OK)
        check(record_rc == ERR_LIMIT || (first != JSON_OBJECT_OPEN && first != JSON_STRING));
    engines_compare(&record, record_rc == ERR_OK && first == JSON_OBJECT_OPEN, text);
    jansson_compare(&record, record_rc, pull_rc, text);
    writer_compare(text);
    record_free(&record);
    return 0;
}
