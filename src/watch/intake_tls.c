#include "watch/intake_tls.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/mem.h"
#include "base/text.h"

struct intake_tls {
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    bool asks_clients;
};

struct intake_tls_session {
    gnutls_session_t session;
    char why[160]; /* its certificate is refused */
};

static const char priority_text[] = "SECURE192:+SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

static gnutls_datum_t datum_of(struct slice text)
{
    return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)text.data,
                            .size = (unsigned)text.len};
}

/* Called within the handshake. */
static int client_check(gnutls_session_t session)
{
    struct intake_tls_session *s = gnutls_session_get_ptr(session);
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    gnutls_datum_t text = {0};
    unsigned status = 0;
    int rc = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    if (rc == 0 && status == 0)
        return 0;
    if (rc == 0)
        (void)gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0);
    struct slice why = text.data ? slice_trim(slice_make((const char *)text.data, text.size))
                                 : slice_from(gnutls_strerror(rc));
    why = slice_part(why, 0, sizeof(s->why) - 1);
    memcpy(s->why, why.data, why.len);
    s->why[why.len] = '\0';
    gnutls_free(text.data);
    return GNUTLS_E_CERTIFICATE_ERROR;
}

int intake_tls_open(struct intake_tls **out, const struct listener_socket *listener,
                    struct err *err)
{
    struct intake_tls *tls = mem_zeroed(1, sizeof(*tls));
    gnutls_datum_t certificate = datum_of(listener->certificate), key = datum_of(listener->key);
    gnutls_datum_t clients = datum_of(listener->clients);
    *out = tls;
    check(gnutls_certificate_allocate_credentials(&tls->credentials) == 0);
    check(gnutls_priority_init(&tls->priority, priority_text, NULL) == 0);
    int rc = gnutls_certificate_set_x509_key_mem(tls->credentials, &certificate, &key,
                                                 GNUTLS_X509_FMT_PEM);
    if (rc < 0)
        return err_set(err, ERR_USAGE,
                       "listener %s: its certificate and key cannot be used (%s): run canh key "
                       "rotate tls, or install others (canh key install)",
                       listener->name, gnutls_strerror(rc));
    tls->asks_clients = listener->clients.len > 0;
    if (!tls->asks_clients)
        return ERR_OK;
    rc = gnutls_certificate_set_x509_trust_mem(tls->credentials, &clients, GNUTLS_X509_FMT_PEM);
    if (rc <= 0)
        return err_set(err, ERR_USAGE,
                       "listener %s: client_ca_file has no certificate of an authority (%s): it "
                       "must be PEM",
                       listener->name, rc < 0 ? gnutls_strerror(rc) : "it is empty");
    gnutls_certificate_set_verify_function(tls->credentials, client_check);
    return ERR_OK;
}

void intake_tls_close(struct intake_tls **out)
{
    struct intake_tls *tls = *out;
    if (!tls)
        return;
    gnutls_certificate_free_credentials(tls->credentials);
    gnutls_priority_deinit(tls->priority);
    mem_free(tls);
    *out = NULL;
}

struct intake_tls_session *intake_tls_begin(const struct intake_tls *tls, int fd)
{
    struct intake_tls_session *s = mem_zeroed(1, sizeof(*s));
    check(gnutls_init(&s->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
    check(gnutls_priority_set(s->session, tls->priority) == 0);
    check(gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, tls->credentials) == 0);
    gnutls_certificate_server_set_request(s->session, tls->asks_clients ? GNUTLS_CERT_REQUIRE
                                                                        : GNUTLS_CERT_IGNORE);
    gnutls_session_set_ptr(s->session, s);
    gnutls_handshake_set_timeout(s->session, 0); /* whoever calls has the clock */
    gnutls_transport_set_int(s->session, fd);
    return s;
}

void intake_tls_end(struct intake_tls_session **session)
{
    struct intake_tls_session *s = *session;
    if (!s)
        return;
    (void)gnutls_bye(s->session, GNUTLS_SHUT_WR);
    gnutls_deinit(s->session);
    mem_free(s);
    *session = NULL;
}

static int shake_failed(struct intake_tls_session *s, int rc, struct err *err)
{
    (void)gnutls_alert_send_appropriate(s->session, rc);
    if (s->why[0])
        return err_set(err, ERR_IO,
                       "its client certificate is refused (%s): give it one for TLS clients that "
                       "an authority in client_ca_file signed",
                       s->why);
    switch (rc) {
    case GNUTLS_E_NO_CERTIFICATE_FOUND:
    case GNUTLS_E_CERTIFICATE_REQUIRED:
        return err_set(err, ERR_IO,
                       "it shows no client certificate: give it one that an authority in "
                       "client_ca_file signed");
    case GNUTLS_E_UNEXPECTED_PACKET_LENGTH:
    case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
    case GNUTLS_E_UNEXPECTED_PACKET:
    case GNUTLS_E_RECORD_OVERFLOW:
        return err_set(err, ERR_IO,
                       "it speaks no TLS, or only old ones: set it to TLS 1.2 or later (%s)",
                       gnutls_strerror(rc));
    case GNUTLS_E_FATAL_ALERT_RECEIVED:
        return err_set(err, ERR_IO,
                       "it refuses (%s): it must trust the authority of this node's certificate",
                       gnutls_alert_get_name(gnutls_alert_get(s->session)));
    default:
        return err_set(err, ERR_IO, "TLS cannot be agreed on: %s", gnutls_strerror(rc));
    }
}

int intake_tls_shake(struct intake_tls_session *s, bool *writes, struct err *err)
{
    int rc;
    do
        rc = gnutls_handshake(s->session);
    while (rc == GNUTLS_E_INTERRUPTED ||
           (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc)));
    *writes = gnutls_record_get_direction(s->session) == 1;
    if (rc == GNUTLS_E_AGAIN)
        return ERR_BUSY;
    return rc == 0 ? ERR_OK : shake_failed(s, rc, err);
}

size_t intake_tls_name(struct intake_tls_session *s, char out[INTAKE_CERTIFICATE_NAME_BYTES])
{
    return intake_certificate_name(s->session, out);
}

int intake_tls_read(struct intake_tls_session *s, char *out, size_t room, size_t *got,
                    struct err *err)
{
    ssize_t rc;
    do
        rc = gnutls_record_recv(s->session, out, room);
    while (rc == GNUTLS_E_INTERRUPTED || rc == GNUTLS_E_WARNING_ALERT_RECEIVED);
    *got = rc > 0 ? (size_t)rc : 0;
    if (rc > 0)
        return ERR_OK;
    if (rc == GNUTLS_E_AGAIN)
        return ERR_BUSY;
    if (rc == 0 || rc == GNUTLS_E_PREMATURE_TERMINATION)
        return ERR_END;
    return err_set(err, ERR_IO, "TLS ended: %s", gnutls_strerror((int)rc));
}
