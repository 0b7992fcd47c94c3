/* Output url: where a syslog output sends to: `tls://siem.example.gov.vn:6514`, `tcp://`, `udp://`;
 * IPv6 addresses in brackets. Threads: any. Ownership: copies. */
#pragma once
#include "base/str.h"

enum output_transport { OUTPUT_UDP, OUTPUT_TCP, OUTPUT_TLS };
enum { OUTPUT_HOST_BYTES = 256 };

struct output_url {
    enum output_transport transport;
    char host[OUTPUT_HOST_BYTES]; /* without brackets */
    char port[6];
};
/* ERR_USAGE with what is to be written instead. */
MUST_CHECK int output_url_parse(struct slice url, struct output_url *out, struct err *err);
