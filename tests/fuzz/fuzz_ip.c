/* Addresses and networks: no crash, and what reads is written so that it reads back. */
#include <stdlib.h>

#include "base/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct ip_address a, back;
    struct ip_network network;
    if (ip_parse(&a, text)) {
        char written[IP_TEXT_BYTES];
        size_t len = ip_text(written, &a);
        if (!ip_parse(&back, slice_make(written, len)) || memcmp(&a, &back, sizeof(a)) != 0)
            abort();
    }
    if (ip_network_parse(&network, text) && !ip_network_has(&network, &network.base))
        abort();
    return 0;
}
