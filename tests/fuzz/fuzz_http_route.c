/* Any bytes as an address and as an Authorization header: at most one row, whose parameters lie in
 * the address; at most one token, which is a text. */
#include "watch/intake_http_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void route_check(struct slice path)
{
    for (unsigned method = HTTP_GET; method <= HTTP_OTHER; method <<= 1) {
        struct http_found found;
        http_route_find((enum http_method)method, path, &found);
        check(!found.endpoint || (found.endpoint->methods & method));
        check(!found.endpoint || (found.allowed & method));
        for (int i = 0; i < HTTP_PARAMS_MAX; i++)
            if (found.params[i].len)
                check(found.params[i].data >= path.data &&
                      found.params[i].data + found.params[i].len <= path.data + path.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char secret[HTTP_SECRET_BYTES];
    struct slice text = slice_make((const char *)data, size);
    route_check(text);
    if (http_identity_secret(text, secret))
        check(secret[0] != '\0' && strlen(secret) < sizeof(secret));
    return 0;
}
