/* A row made of text, for the tests of rendering. */
#pragma once
#include "watch/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

struct made_row {
    struct row_context context;
    struct record record;
    struct row row;
    struct buf out;
};

/* fields: "name=value\n" each; made for a finding of 2026-11-22T10:36:00.25Z. */
static inline void row_make(struct made_row *m, const char *fields)
{
    *m = (struct made_row){0};
    m->context = (struct row_context){.partition = ROW_FINDINGS,
                                      .source = SLICE("dc"),
                                      .system = SLICE("mail"),
                                      .unit = SLICE("Sở Y tế"),
                                      .file = SLICE("listener:bulk"),
                                      .mapping = SLICE("windows"),
                                      .mapping_version = 3,
                                      .host = SLICE("dc01")};
    struct slice rest = slice_from(fields);
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n'), name = slice_cut(&value, '=');
        assert_int_equal(record_add(&m->record, name, value, VALUE_STRING, 0, NULL), ERR_OK);
    }
    m->row = (struct row){.sequence = 77,
                          .time_ns = 1795343760250000000,
                          .received_ns = 1795343761123456789,
                          .line = 4,
                          .context = &m->context,
                          .record = &m->record};
}

static inline void row_drop(struct made_row *m)
{
    record_free(&m->record);
    buf_free(&m->out);
}

static const struct render_options test_options = {
    .node = SLICE("node-1"), .version = SLICE("1.2"), .epoch = 5};

/* Strict: one object, no key twice, nothing behind it, valid UTF-8. */
static inline json_t *json_strict(struct slice text)
{
    json_error_t error;
    json_t *json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!json)
        fail_msg("%s at %d: %.*s", error.text, error.position, (int)text.len, text.data);
    return json;
}

/* The value at a path of object keys (the key itself may not have points). */
static inline const json_t *json_at(const json_t *json, const char *path)
{
    char key[64];
    struct slice rest = slice_from(path);
    while (json && rest.len) {
        struct slice part = slice_cut(&rest, '.');
        assert_true(part.len < sizeof(key));
        memcpy(key, part.data, part.len);
        key[part.len] = '\0';
        json = json_object_get(json, key);
    }
    return json;
}

#define FINDING                                                                                    \
    "rule.id=0d1f2c5e-1111-2222-3333-444455556666\nrule.title=Encoded PowerShell\n"                \
    "rule.level=high\nrule.author=An\nrule.source=rules/a.yml\nrule.tag=attack.execution\n"        \
    "rule.tag=attack.t1059.001\nrule.tag=attack.g0016\nrule.tag=cve.2021-44228\n"                  \
    "rule.reference=https://example.test/1\nrule.reference=https://example.test/2\n"               \
    "event.id=5:70\nevent.time=2026-11-22T10:36:00.25Z\nevent.file=listener:bulk\nevent.line=4\n"  \
    "matched.Image=C:\\Windows\\powershell.exe\nmatched.CommandLine=powershell -enc aQBl\n"        \
    "matched.User=SOYTE\\an\nmatched.SourceIp=10.0.0.7\nmatched.DestinationIp=LOCAL\n"             \
    "matched.DestinationPort=443\nmatched.ProcessId=0x1a4\nmatched.Odd Name=x\n"
