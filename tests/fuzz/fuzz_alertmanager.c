/* Webhooks: every alert is one JSON object that the reader takes. */
#include "formats/alertmanager.h"

#include "formats/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct span_list spans = {0};
    struct err err;
    uint64_t refused;
    int rc =
        alertmanager_read(slice_make((const char *)data, size), &arena, &spans, &refused, &err);
    check(rc == ERR_OK || (rc == err.code && err.text[0] && spans.count == 0));
    for (size_t i = 0; i < spans.count; i++) {
        struct json_reader r;
        enum json_token token;
        json_reader_open(&r, spans.spans[i].text);
        check(json_next(&r) == JSON_OBJECT_OPEN);
        while ((token = json_next(&r)) != JSON_END)
            check(token != JSON_ERROR);
    }
    span_list_free(&spans);
    arena_free(&arena);
    return 0;
}
