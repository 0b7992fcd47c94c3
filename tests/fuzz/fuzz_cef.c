/* CEF and LEEF lines. */
#include "formats/cef.h"

#include "fuzz/fuzz_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_line(cef_parse, cef_probe, slice_make((const char *)data, size), NULL);
    return 0;
}
