#include <stdio.h>

#include "base/clock.h"
#include "base/ip.h"
#include "program/keys_inside.h"

static gnutls_datum_t datum(struct slice text)
{
    gnutls_datum_t d = {.size = (unsigned)text.len};
    memcpy(&d.data, &text.data, sizeof(d.data)); /* only read from */
    return d;
}

static int first_import(gnutls_x509_crt_t *out, struct slice pem, struct err *err)
{
    gnutls_datum_t data = datum(pem);
    int rc = gnutls_x509_crt_init(out);
    if (rc >= 0)
        rc = gnutls_x509_crt_import(*out, &data, GNUTLS_X509_FMT_PEM);
    if (rc >= 0)
        return ERR_OK;
    return err_set(err, ERR_SYNTAX,
                   "this is no certificate in PEM (\"-----BEGIN CERTIFICATE-----\"): %s",
                   gnutls_strerror(rc));
}

static void names_write(gnutls_x509_crt_t certificate, char *out, size_t room)
{
    struct buf text = {0};
    for (unsigned i = 0; i < 64; i++) {
        char name[256];
        size_t size = sizeof(name);
        int kind = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            break;
        if (text.len && kind >= 0)
            buf_char(&text, ' ');
        if (kind == GNUTLS_SAN_DNSNAME) {
            buf_append(&text, name, size);
        } else if (kind == GNUTLS_SAN_IPADDRESS && (size == 4 || size == 16)) {
            struct ip_address address = {{[10] = 0xff, [11] = 0xff}};
            char shown[IP_TEXT_BYTES];
            memcpy(address.bytes + 16 - size, name, size);
            buf_append(&text, shown, ip_text(shown, &address));
        }
    }
    (void)snprintf(out, room, "%s", buf_text(&text));
    buf_free(&text);
}

int keys_certificate_read(struct slice pem, struct keys_certificate *out, struct err *err)
{
    gnutls_x509_crt_t certificate = NULL;
    uint8_t hash[32];
    size_t size = sizeof(hash), subject = sizeof(out->subject), issuer = sizeof(out->issuer);
    *out = (struct keys_certificate){0};
    int rc = first_import(&certificate, pem, err);
    if (rc == ERR_OK) {
        out->not_before_ns =
            (int64_t)gnutls_x509_crt_get_activation_time(certificate) * CLOCK_SECOND_NS;
        out->not_after_ns =
            (int64_t)gnutls_x509_crt_get_expiration_time(certificate) * CLOCK_SECOND_NS;
        (void)gnutls_x509_crt_get_dn(certificate, out->subject, &subject);
        (void)gnutls_x509_crt_get_issuer_dn(certificate, out->issuer, &issuer);
        names_write(certificate, out->names, sizeof(out->names));
        int code = gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, hash, &size);
        if (code < 0)
            rc = keys_gnutls(err, code, "cannot read a certificate");
    }
    for (size_t i = 0; rc == ERR_OK && i < size; i++)
        (void)snprintf(out->fingerprint + i * 3, 4, "%02X%s", hash[i], i + 1 < size ? ":" : "");
    gnutls_x509_crt_deinit(certificate);
    return rc;
}

int keys_pair_check(struct slice certificate, struct slice key, struct err *err)
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_x509_privkey_t privkey = NULL;
    gnutls_datum_t data = datum(key);
    uint8_t ids[2][64];
    size_t sizes[2] = {sizeof(ids[0]), sizeof(ids[1])};
    int rc = first_import(&crt, certificate, err), code = 0;
    if (rc == ERR_OK) {
        code = gnutls_x509_privkey_init(&privkey);
        if (code >= 0)
            code = gnutls_x509_privkey_import2(privkey, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (code < 0)
            rc = keys_gnutls(err, code, "the server's key cannot be read");
    }
    if (rc == ERR_OK) {
        code = gnutls_x509_crt_get_key_id(crt, 0, ids[0], &sizes[0]);
        if (code >= 0)
            code = gnutls_x509_privkey_get_key_id(privkey, 0, ids[1], &sizes[1]);
        if (code < 0)
            rc = keys_gnutls(err, code, "the server's certificate cannot be compared");
        else if (sizes[0] != sizes[1] || memcmp(ids[0], ids[1], sizes[0]) != 0)
            rc = err_set(err, ERR_USAGE,
                         "certificate and key do not belong together: give the certificate that "
                         "was made from this key's request (canh key csr)");
    }
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(privkey);
    return rc;
}
