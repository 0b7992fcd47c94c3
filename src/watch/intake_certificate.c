#include "watch/intake_certificate.h"

#include <gnutls/x509.h>

#include "base/text.h"

static bool name_is_for_senders(int type)
{
    return type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME || type == GNUTLS_SAN_URI;
}

static size_t name_of(gnutls_x509_crt_t crt, char out[INTAKE_CERTIFICATE_NAME_BYTES])
{
    size_t size = INTAKE_CERTIFICATE_NAME_BYTES - 1;
    int type = 0;
    for (unsigned i = 0; type != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
        size = INTAKE_CERTIFICATE_NAME_BYTES - 1;
        type = gnutls_x509_crt_get_subject_alt_name(crt, i, out, &size, NULL);
        if (name_is_for_senders(type) && size > 0)
            return size;
    }
    size = INTAKE_CERTIFICATE_NAME_BYTES - 1;
    if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, out, &size) != 0)
        return 0;
    return size;
}

size_t intake_certificate_name(gnutls_session_t session, char out[INTAKE_CERTIFICATE_NAME_BYTES])
{
    unsigned count = 0;
    gnutls_x509_crt_t crt;
    const gnutls_datum_t *list = gnutls_certificate_get_peers(session, &count);
    size_t len = 0;
    out[0] = '\0';
    if (!list || count == 0 || gnutls_x509_crt_init(&crt) != 0)
        return 0;
    if (gnutls_x509_crt_import(crt, &list[0], GNUTLS_X509_FMT_DER) == 0)
        len = name_of(crt, out);
    gnutls_x509_crt_deinit(crt);
    if (len >= INTAKE_CERTIFICATE_NAME_BYTES)
        len = 0;
    bool is_utf8 = text_utf8_valid(slice_make(out, len)) == len;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)out[i] < ' ' || out[i] == 127 || (!is_utf8 && (out[i] & 0x80)))
            out[i] = '?';
    if (slice_starts(slice_make(out, len), SLICE("token:")))
        len = 0;
    out[len] = '\0';
    return len;
}
