/* Host names in their one form: ASCII lower case, international labels as punycode (UTS #46,
 * non-transitional), without the dot at the end. Names that only resolve nowhere are not looked
 * for: this is about shape. Threads: any. */
#pragma once
#include "base/str.h"

enum { HOST_BYTES_MAX = 253, HOST_LABEL_BYTES_MAX = 63 };

/* ASCII letters, digits, '-', '_' and dots in the shape of a domain name: labels of 1 to 63 bytes,
 * two at least, the last of two letters or more or beginning with xn--; no dash at both ends. Any
 * case, no dot at the end. */
bool host_is_domain(struct slice name);
/* The last label is the ending of a common kind of file and no top-level domain: exe, dll, txt ...
 */
bool host_is_file_ending(struct slice last_label);
/* The one form of a name of one label or more. Its length, or 0: not a host name. */
size_t host_normalise(char out[HOST_BYTES_MAX + 1], struct slice name);

extern const unsigned char host_lower_table[256]; /* ASCII upper case to lower, the rest itself */
/* Copies len bytes in ASCII lower case. */
static inline void host_lower(char *out, const char *in, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)host_lower_table[(unsigned char)in[i]];
}
