/* Times from logs and zone names from settings: no crash, and what reads as a time is written so
 * that it reads back as the same one. */
#include <stdlib.h>

#include "base/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct clock_zone *zone = NULL;
    struct slice text = slice_make((const char *)data, size);
    int64_t near_ns = 1795344960000000000ll;
    struct slice name = slice_cut(&text, '\n');
    if (clock_zone_open(&zone, name, NULL) != ERR_OK)
        text = slice_make((const char *)data, size);
    int64_t time_ns = clock_parse(text, zone, near_ns);
    if (time_ns != CLOCK_NONE) {
        char written[CLOCK_TEXT_BYTES];
        size_t len = clock_text(written, time_ns);
        if (clock_parse(slice_make(written, len), zone, near_ns) != time_ns)
            abort();
    }
    clock_zone_close(&zone);
    return 0;
}
