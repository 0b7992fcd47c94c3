/* IP addresses and networks, v4 and v6 as 128 bits (v4 mapped to ::ffff:0:0/96). Threads: any. */
#pragma once
#include "base/str.h"

struct ip_address {
    uint8_t bytes[16];
};

struct ip_network {
    struct ip_address base; /* host bits are zero */
    uint8_t prefix_bits;    /* of the 128; a v4 /24 is 120 */
};

/* Dotted v4 (no octal, no short forms), any RFC 4291 v6 text, in [ ] or not, zone %id dropped. */
bool ip_parse(struct ip_address *out, struct slice text);
/* address or address/prefix; host bits are cleared. */
bool ip_network_parse(struct ip_network *out, struct slice text);
bool ip_network_has(const struct ip_network *network, const struct ip_address *address);
bool ip_is_v4(const struct ip_address *a);
enum { IP_TEXT_BYTES = 46 };
size_t ip_text(char out[IP_TEXT_BYTES],
               const struct ip_address *a); /* RFC 5952; returns the length */
