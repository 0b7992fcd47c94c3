/* Key files: no crash, and what reads is written so that it reads back the same. */
#include <stdlib.h>

#include "base/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice pem = slice_make((const char *)data, size);
    uint8_t public_key[SIGN_PUBLIC_BYTES], back[SIGN_PUBLIC_BYTES], signature[SIGN_BYTES];
    if (sign_public_read(public_key, pem, NULL) == ERR_OK) {
        struct buf out = {0};
        sign_public_pem(public_key, &out);
        if (sign_public_read(back, buf_as_slice(&out), NULL) != ERR_OK ||
            memcmp(public_key, back, sizeof(back)) != 0)
            abort();
        buf_free(&out);
    }
    struct sign_key *key;
    if (sign_secret_read(&key, pem, NULL) == ERR_OK) {
        sign_text(key, pem, signature);
        sign_key_public(key, public_key);
        if (!sign_check(public_key, pem, signature))
            abort();
        sign_key_close(&key);
    }
    return 0;
}
