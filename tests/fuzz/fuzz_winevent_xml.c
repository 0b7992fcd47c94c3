/* Windows event XML: any bytes give a record with sound names and values, or an error with a text.
 */
#include <stdlib.h>

#include "formats/winevent.h"

static void run(struct slice text, int (*parse)(struct record *, struct slice,
                                                const struct format_header *, struct err *))
{
    struct record r = {0};
    struct err err = {0};
    int rc = parse(&r, text, NULL, &err);
    if (rc != ERR_OK && err.text[0] == '\0')
        abort();
    for (uint32_t i = 0; rc == ERR_OK && i < r.count; i++) {
        struct field *f = &r.fields[i];
        if (f->name_hash != field_name_hash(f->name) || (f->value.len > 0 && !f->value.data))
            abort();
        (void)record_text(&r, f);
    }
    record_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    run(text, winevent_xml_parse);
    run(text, winevent_evtx_parse);
    (void)winevent_xml_probe(text);
    return 0;
}
