#include <gnutls/crypto.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ip.h"
#include "program/keys_inside.h"

enum { SERIAL_BYTES = 16, EXPORT_BYTES_MAX = 16 << 10, BACKDATED_SECONDS = 3600 };
enum { HOST_BYTES = 256, COMMON_NAME_BYTES_MAX = 64 };

int keys_gnutls(struct err *err, int code, const char *what)
{
    return err_set(err, ERR_IO, "%s: %s", what, gnutls_strerror(code));
}

static gnutls_datum_t datum(struct slice text)
{
    gnutls_datum_t d = {.size = (unsigned)text.len};
    memcpy(&d.data, &text.data, sizeof(d.data)); /* only read from */
    return d;
}

/* Appended in one block, so that no copy of a secret stays behind. */
static int key_new(gnutls_x509_privkey_t *out, struct buf *pem)
{
    size_t size = EXPORT_BYTES_MAX;
    int rc = gnutls_x509_privkey_init(out);
    if (rc >= 0)
        rc = gnutls_x509_privkey_generate(*out, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    if (rc < 0)
        return rc;
    buf_reserve(pem, size);
    rc = gnutls_x509_privkey_export_pkcs8(*out, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                          pem->data + pem->len, &size);
    if (rc >= 0)
        pem->len += size;
    return rc;
}

static int key_import(gnutls_x509_privkey_t *out, struct slice pem)
{
    gnutls_datum_t data = datum(pem);
    int rc = gnutls_x509_privkey_init(out);
    return rc < 0 ? rc : gnutls_x509_privkey_import(*out, &data, GNUTLS_X509_FMT_PEM);
}

static int certificate_import(gnutls_x509_crt_t *out, struct slice pem)
{
    gnutls_datum_t data = datum(pem);
    int rc = gnutls_x509_crt_init(out);
    return rc < 0 ? rc : gnutls_x509_crt_import(*out, &data, GNUTLS_X509_FMT_PEM);
}

static int certificate_export(gnutls_x509_crt_t certificate, struct buf *pem)
{
    gnutls_datum_t out = {0};
    int rc = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &out);
    if (rc >= 0)
        buf_append(pem, out.data, out.size);
    gnutls_free(out.data);
    return rc;
}

/* What all certificates have: version, serial number, times, key. */
static int certificate_new(gnutls_x509_crt_t *out, gnutls_x509_privkey_t key, int days)
{
    uint8_t serial[SERIAL_BYTES], id[64];
    size_t id_size = sizeof(id);
    time_t now = (time_t)(clock_now_ns() / CLOCK_SECOND_NS);
    int rc = gnutls_x509_crt_init(out);
    if (rc >= 0)
        rc = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
    serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and of full length */
    if (rc >= 0)
        rc = gnutls_x509_crt_set_version(*out, 3);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_serial(*out, serial, sizeof(serial));
    if (rc >= 0) /* the clocks of those who look may be behind */
        rc = gnutls_x509_crt_set_activation_time(*out, now - BACKDATED_SECONDS);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_expiration_time(*out, now + (time_t)days * 86400);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key(*out, key);
    if (rc >= 0)
        rc = gnutls_x509_crt_get_key_id(*out, 0, id, &id_size);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_subject_key_id(*out, id, id_size);
    return rc;
}

static void host_name(char out[HOST_BYTES])
{
    if (gethostname(out, HOST_BYTES) != 0 || !out[0])
        (void)snprintf(out, HOST_BYTES, "localhost");
    out[HOST_BYTES - 1] = '\0';
}

/* The name by which people call this node. */
static struct slice common_name(const struct config *config, const char *host)
{
    struct slice name = config->web.name;
    return name.len > 0 && name.len <= COMMON_NAME_BYTES_MAX ? name : slice_from(host);
}

int keys_x509_authority(struct buf *key_pem, struct buf *pem, struct err *err)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t ca = NULL;
    char host[HOST_BYTES], name[COMMON_NAME_BYTES_MAX + 1];
    host_name(host);
    int len = snprintf(name, sizeof(name), "Canh %.*s", COMMON_NAME_BYTES_MAX - 5, host);
    int rc = key_new(&key, key_pem);
    if (rc >= 0)
        rc = certificate_new(&ca, key, KEYS_CA_DAYS);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_dn_by_oid(ca, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)len);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(ca, 1, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(ca, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
    if (rc >= 0)
        rc = gnutls_x509_crt_sign2(ca, ca, key, GNUTLS_DIG_SHA256, 0);
    if (rc >= 0)
        rc = certificate_export(ca, pem);
    gnutls_x509_crt_deinit(ca);
    gnutls_x509_privkey_deinit(key);
    return rc < 0 ? keys_gnutls(err, rc, "cannot make a certificate authority") : ERR_OK;
}

struct named { /* one of the two */
    gnutls_x509_crt_t certificate;
    gnutls_x509_crq_t request;
};

static int name_add(const struct named *to, gnutls_x509_subject_alt_name_t kind, const void *data,
                    size_t len)
{
    if (to->certificate)
        return gnutls_x509_crt_set_subject_alt_name(to->certificate, kind, data, (unsigned)len,
                                                    GNUTLS_FSAN_APPEND);
    return gnutls_x509_crq_set_subject_alt_name(to->request, kind, data, (unsigned)len,
                                                GNUTLS_FSAN_APPEND);
}

static int name_add_text(const struct named *to, struct slice text)
{
    struct ip_address address;
    if (!ip_parse(&address, text))
        return name_add(to, GNUTLS_SAN_DNSNAME, text.data, text.len);
    bool v4 = ip_is_v4(&address);
    return name_add(to, GNUTLS_SAN_IPADDRESS, address.bytes + (v4 ? 12 : 0), v4 ? 4 : 16);
}

/* Each name once. local: those by which only this machine calls itself, too. */
static int names_add(const struct named *to, const struct config *config, bool local)
{
    char host[HOST_BYTES];
    host_name(host);
    const struct slice names[] = {config->web.name, slice_from(host), SLICE("localhost"),
                                  SLICE("127.0.0.1"), SLICE("::1")};
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < (local ? sizeof(names) / sizeof(names[0]) : 2); i++) {
        bool again = names[i].len == 0;
        for (size_t j = 0; j < i; j++)
            again = again || slice_equal_nocase(names[i], names[j]);
        if (!again)
            rc = name_add_text(to, names[i]);
    }
    return rc;
}

static int server_fill(gnutls_x509_crt_t server, const struct config *config, gnutls_x509_crt_t ca)
{
    uint8_t id[64];
    size_t id_size = sizeof(id);
    char host[HOST_BYTES];
    host_name(host);
    struct slice name = common_name(config, host);
    unsigned name_len =
        name.len > COMMON_NAME_BYTES_MAX ? COMMON_NAME_BYTES_MAX : (unsigned)name.len;
    int rc =
        gnutls_x509_crt_set_dn_by_oid(server, GNUTLS_OID_X520_COMMON_NAME, 0, name.data, name_len);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_basic_constraints(server, 0, -1);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_usage(server, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_key_purpose_oid(server, GNUTLS_KP_TLS_WWW_SERVER, 0);
    if (rc >= 0)
        rc = gnutls_x509_crt_get_subject_key_id(ca, id, &id_size, NULL);
    if (rc >= 0)
        rc = gnutls_x509_crt_set_authority_key_id(server, id, id_size);
    return rc < 0 ? rc : names_add(&(struct named){.certificate = server}, config, true);
}

int keys_x509_server(const struct config *config, struct slice ca_key_pem, struct slice ca_pem,
                     struct buf *key_pem, struct buf *pem, struct err *err)
{
    gnutls_x509_privkey_t key = NULL, ca_key = NULL;
    gnutls_x509_crt_t server = NULL, ca = NULL;
    int rc = key_import(&ca_key, ca_key_pem);
    if (rc >= 0)
        rc = certificate_import(&ca, ca_pem);
    if (rc >= 0)
        rc = key_new(&key, key_pem);
    if (rc >= 0)
        rc = certificate_new(&server, key, KEYS_TLS_DAYS);
    if (rc >= 0)
        rc = server_fill(server, config, ca);
    if (rc >= 0)
        rc = gnutls_x509_crt_sign2(server, ca, ca_key, GNUTLS_DIG_SHA256, 0);
    if (rc >= 0)
        rc = certificate_export(server, pem);
    gnutls_x509_crt_deinit(server);
    gnutls_x509_crt_deinit(ca);
    gnutls_x509_privkey_deinit(key);
    gnutls_x509_privkey_deinit(ca_key);
    return rc < 0 ? keys_gnutls(err, rc, "cannot make a server certificate") : ERR_OK;
}

int keys_x509_request(const struct config *config, struct slice key_pem, struct buf *csr,
                      struct err *err)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crq_t request = NULL;
    gnutls_datum_t out = {0};
    char host[HOST_BYTES];
    host_name(host);
    struct slice name = common_name(config, host);
    unsigned name_len =
        name.len > COMMON_NAME_BYTES_MAX ? COMMON_NAME_BYTES_MAX : (unsigned)name.len;
    int rc = key_import(&key, key_pem);
    if (rc >= 0)
        rc = gnutls_x509_crq_init(&request);
    if (rc >= 0)
        rc = gnutls_x509_crq_set_version(request, 1);
    if (rc >= 0)
        rc = gnutls_x509_crq_set_dn_by_oid(request, GNUTLS_OID_X520_COMMON_NAME, 0, name.data,
                                           name_len);
    if (rc >= 0)
        rc = gnutls_x509_crq_set_key(request, key);
    if (rc >= 0)
        rc = names_add(&(struct named){.request = request}, config, false);
    if (rc >= 0)
        rc = gnutls_x509_crq_sign2(request, key, GNUTLS_DIG_SHA256, 0);
    if (rc >= 0)
        rc = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_PEM, &out);
    if (rc >= 0)
        buf_append(csr, out.data, out.size);
    gnutls_free(out.data);
    gnutls_x509_crq_deinit(request);
    gnutls_x509_privkey_deinit(key);
    return rc < 0 ? keys_gnutls(err, rc, "cannot make a request for a certificate") : ERR_OK;
}
