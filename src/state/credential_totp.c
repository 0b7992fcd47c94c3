#include <gnutls/crypto.h>
#include <qrencode.h>
#include <sodium.h>

#include "state/credential.h"

enum { TOTP_DIGITS = 6, QUIET_MODULES = 4 };

void credential_totp_make(uint8_t secret[CREDENTIAL_TOTP_BYTES])
{
    check(sodium_init() >= 0);
    randombytes_buf(secret, CREDENTIAL_TOTP_BYTES);
}

/* RFC 4226 section 5.3. */
static uint32_t code_of(const uint8_t secret[CREDENTIAL_TOTP_BYTES], uint64_t step)
{
    uint8_t counter[8], mac[20];
    for (int i = 0; i < 8; i++)
        counter[i] = (uint8_t)(step >> (56 - 8 * i));
    check(gnutls_hmac_fast(GNUTLS_MAC_SHA1, secret, CREDENTIAL_TOTP_BYTES, counter, sizeof counter,
                           mac) == 0);
    const uint8_t *at = mac + (mac[19] & 15);
    uint32_t number =
        (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return number % 1000000;
}

bool credential_totp_check(const uint8_t secret[CREDENTIAL_TOTP_BYTES], struct slice code,
                           int64_t now_ns, uint64_t last_step, uint64_t *step)
{
    char digits[16];
    size_t count = 0;
    for (size_t i = 0; i < code.len; i++) { /* apps show 123 456 */
        if (code.data[i] == ' ')
            continue;
        if (count == TOTP_DIGITS || code.data[i] < '0' || code.data[i] > '9')
            return false;
        digits[count++] = code.data[i];
    }
    uint64_t given;
    if (count != TOTP_DIGITS || now_ns < 0 || !slice_to_u64(slice_make(digits, count), &given))
        return false;
    uint64_t now = (uint64_t)now_ns / CLOCK_SECOND_NS / CREDENTIAL_TOTP_STEP_S;
    bool fits = false;
    for (uint64_t s = now > 0 ? now - 1 : 0; s <= now + 1; s++) {
        bool same = code_of(secret, s) == (uint32_t)given;
        if (same && s > last_step && !fits) {
            fits = true;
            *step = s;
        }
    }
    return fits;
}

static void put_escaped(struct buf *out, struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '_' || c == '.' || c == '~';
        if (plain)
            buf_char(out, c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

void credential_totp_text(const uint8_t secret[CREDENTIAL_TOTP_BYTES], struct buf *out)
{
    static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    _Static_assert(CREDENTIAL_TOTP_BYTES % 5 == 0, "base32 without padding");
    for (int i = 0; i < CREDENTIAL_TOTP_BYTES; i += 5) {
        uint64_t bits = 0;
        for (int j = 0; j < 5; j++)
            bits = bits << 8 | secret[i + j];
        for (int shift = 35; shift >= 0; shift -= 5)
            buf_char(out, signs[bits >> shift & 31]);
    }
}

void credential_totp_uri(const uint8_t secret[CREDENTIAL_TOTP_BYTES], struct slice account,
                         struct slice issuer, struct buf *out)
{
    buf_string(out, "otpauth://totp/");
    put_escaped(out, issuer);
    buf_char(out, ':');
    put_escaped(out, account);
    buf_string(out, "?secret=");
    credential_totp_text(secret, out);
    buf_string(out, "&issuer=");
    put_escaped(out, issuer);
    buf_printf(out, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, CREDENTIAL_TOTP_STEP_S);
}

static bool is_dark(const QRcode *code, int x, int y)
{
    x -= QUIET_MODULES;
    y -= QUIET_MODULES;
    return x >= 0 && y >= 0 && x < code->width && y < code->width &&
           (code->data[y * code->width + x] & 1);
}

static void put_svg(const QRcode *code, struct buf *out)
{
    int side = code->width + 2 * QUIET_MODULES;
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
               "shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/>"
               "<path d=\"",
               side, side, side, side);
    for (int y = 0; y < side; y++)
        for (int x = 0, run; x < side; x += run) {
            bool dark = is_dark(code, x, y);
            for (run = 1; x + run < side && is_dark(code, x + run, y) == dark; run++)
                continue;
            if (dark)
                buf_printf(out, "M%d %dh%dv1h-%dz", x, y, run, run);
        }
    buf_string(out, "\"/></svg>");
}

/* Light modules are drawn: terminals are dark. */
static void put_half_blocks(const QRcode *code, struct buf *out)
{
    static const char *const blocks[] = {" ", "\u2584", "\u2580", "\u2588"};
    int side = code->width + 2 * QUIET_MODULES;
    for (int y = 0; y < side; y += 2) {
        for (int x = 0; x < side; x++) {
            unsigned upper = !is_dark(code, x, y);
            unsigned lower = y + 1 < side && !is_dark(code, x, y + 1);
            buf_string(out, blocks[upper << 1 | lower]);
        }
        buf_char(out, '\n');
    }
}

int credential_totp_picture(struct slice uri, bool svg, struct buf *out, struct err *err)
{
    QRcode *code = uri.len <= INT32_MAX
                       ? QRcode_encodeData((int)uri.len, (const uint8_t *)uri.data, 0, QR_ECLEVEL_M)
                       : NULL;
    if (!code)
        return err_set(err, ERR_LIMIT, "a text of %zu bytes does not fit into a QR code", uri.len);
    if (svg)
        put_svg(code, out);
    else
        put_half_blocks(code, out);
    QRcode_free(code);
    return ERR_OK;
}
