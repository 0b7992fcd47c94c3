/* Windows event JSON: naming never loses the hashes, never adds but one field, and leaves no name
 * below `Event.` that it knows. */
#include <stdlib.h>

#include "base/mem.h"
#include "formats/json.h"
#include "formats/winevent.h"

enum { PADDING_BYTES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record r = {0};
    char *text = mem_zeroed(size + PADDING_BYTES, 1);
    if (size > 0)
        memcpy(text, data, size);
    if (json_parse_record(&r, slice_make(text, size), NULL) == ERR_OK) {
        uint32_t before = r.count;
        if (winevent_json_flatten(&r, NULL) == ERR_OK && r.count > before + 1)
            abort();
        for (uint32_t i = 0; i < r.count; i++) {
            if (r.fields[i].name_hash != field_name_hash(r.fields[i].name))
                abort();
            (void)record_text(&r, &r.fields[i]);
        }
    }
    record_free(&r);
    mem_free(text);
    return 0;
}
