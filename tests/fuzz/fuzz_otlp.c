/* OTLP requests: every record is one JSON object that the reader takes, what is counted is what
 * came, and a request that is refused gives nothing. First byte: protobuf or JSON. */
#include "formats/otlp.h"

#include "formats/json.h"

static void text_check(struct slice text)
{
    struct json_reader r;
    enum json_token token;
    json_reader_open(&r, text);
    check(json_next(&r) == JSON_OBJECT_OPEN);
    while ((token = json_next(&r)) != JSON_END)
        check(token != JSON_ERROR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice body = slice_make((const char *)data + 1, size - 1);
    struct arena arena = {0};
    struct span_list spans = {0};
    struct otlp_outcome outcome;
    struct err err;
    int rc = data[0] % 2 ? otlp_read_json(body, &arena, &spans, &outcome, &err)
                         : otlp_read_protobuf(body, &arena, &spans, &outcome, &err);
    check(outcome.received == spans.count + outcome.refused);
    check((outcome.refused > 0) == (outcome.reason[0] != '\0'));
    check(rc == ERR_OK || (rc == err.code && err.text[0] && outcome.received == 0));
    for (size_t i = 0; i < spans.count; i++)
        text_check(spans.spans[i].text);
    span_list_free(&spans);
    arena_free(&arena);
    return 0;
}
