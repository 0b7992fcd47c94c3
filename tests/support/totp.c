/* Codes of an authenticator app (RFC 6238), for tests:
 *
 *   canh_totp BASE32 [STEPS]
 *
 * Prints the six digits of now, or of so many half minutes later (earlier: negative). */
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEP_S = 30, KEY_BYTES_MAX = 64, SHA1_BYTES = 20 };

static size_t key_read(const char *text, uint8_t key[KEY_BYTES_MAX])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0, count = 0;
    size_t len = 0;
    for (; *text && *text != '=' && len < KEY_BYTES_MAX; text++) {
        const char *digit = strchr(digits, *text);
        if (!digit)
            return 0;
        bits = bits << 5 | (uint32_t)(digit - digits);
        count += 5;
        if (count >= 8) {
            count -= 8;
            key[len++] = (uint8_t)(bits >> count);
        }
    }
    return len;
}

int main(int argc, char **argv)
{
    uint8_t key[KEY_BYTES_MAX], mac[SHA1_BYTES], moment[8];
    size_t len = argc > 1 ? key_read(argv[1], key) : 0;
    long later = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    uint64_t step = (uint64_t)(time(NULL) / STEP_S + later);
    if (len == 0) {
        (void)fputs("canh_totp BASE32 [STEPS]\n", stderr);
        return 2;
    }
    for (int i = 0; i < 8; i++)
        moment[i] = (uint8_t)(step >> (56 - 8 * i));
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA1, key, len, moment, sizeof moment, mac) != 0)
        return 3;
    const uint8_t *at = mac + (mac[SHA1_BYTES - 1] & 15);
    uint32_t code =
        ((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) & INT32_MAX;
    (void)printf("%06u\n", code % 1000000);
    return 0;
}
