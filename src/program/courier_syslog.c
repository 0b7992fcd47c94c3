/* Courier: syslog over UDP, TCP, TLS. Nobody acknowledges syslog: a stream's batch counts as taken
 * when the receiver's kernel has confirmed each byte and the connection still stands. */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "program/courier_dial.h"
#include "program/courier_output.h"

enum {
    DATAGRAM_BURST = 16, /* then a pause: receivers' buffers are short */
    DATAGRAM_PAUSE_US = 2000,
    DATAGRAM_REFUSED_MS = 20, /* how long a refusal is waited for */
    CONFIRM_US_MIN = 200,
    CONFIRM_US_MAX = 20000
};

struct syslog_line {
    const struct config_output *config;
    struct output_url to;
    int fd; /* -1: not connected */
    gnutls_certificate_credentials_t trusted;
    gnutls_session_t tls; /* NULL: none */
    struct buf out;
};

static void *syslog_open(const struct courier_line_options *options)
{
    struct syslog_line *l = mem_zeroed(1, sizeof(*l));
    l->config = options->config;
    l->fd = -1;
    return l;
}

static void disconnect(struct syslog_line *l)
{
    if (l->tls) {
        (void)gnutls_bye(l->tls, GNUTLS_SHUT_WR);
        gnutls_deinit(l->tls);
    }
    if (l->trusted)
        gnutls_certificate_free_credentials(l->trusted);
    if (l->fd >= 0)
        (void)close(l->fd);
    l->tls = NULL;
    l->trusted = NULL;
    l->fd = -1;
}

static void syslog_close(void *line)
{
    struct syslog_line *l = line;
    disconnect(l);
    buf_free(&l->out);
    mem_free(l);
}

static void sleep_us(long us)
{
    const struct timespec time = {.tv_nsec = us * 1000};
    (void)nanosleep(&time, NULL);
}

/* ---- TLS ---- */

static int tls_error(int code, struct err *err)
{
    return err_set(err, ERR_IO, "TLS: %s", gnutls_strerror(code));
}

static int trust_read(struct syslog_line *l, struct err *err)
{
    int code = gnutls_certificate_allocate_credentials(&l->trusted);
    if (code < 0)
        return tls_error(code, err);
    struct slice ca_file = l->config->ca_file;
    code = ca_file.len ? gnutls_certificate_set_x509_trust_file(l->trusted, ca_file.data,
                                                                GNUTLS_X509_FMT_PEM)
                       : gnutls_certificate_set_x509_system_trust(l->trusted);
    if (code < 0)
        return err_set(err, ERR_IO, "TLS: the authorities cannot be read: %s",
                       gnutls_strerror(code));
    return code > 0 ? ERR_OK
                    : err_set(err, ERR_IO, "TLS: there are no authorities in %s",
                              ca_file.len ? ca_file.data : "the system");
}

static int certificate_wrong(struct syslog_line *l, struct err *err)
{
    gnutls_datum_t text = {0};
    unsigned status = gnutls_session_get_verify_cert_status(l->tls);
    if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) < 0)
        return err_set(err, ERR_IO, "TLS: the receiver's certificate is not trusted");
    int rc = err_set(err, ERR_IO, "TLS: %.200s", (const char *)text.data);
    gnutls_free(text.data);
    return rc;
}

static int tls_wait(struct syslog_line *l, uint64_t until_ns, struct err *err)
{
    return courier_wait(l->fd, gnutls_record_get_direction(l->tls) ? POLLOUT : POLLIN, until_ns,
                        err);
}

static int tls_begin(struct syslog_line *l, uint64_t until_ns, struct err *err)
{
    struct slice host = slice_from(l->to.host);
    int rc = trust_read(l, err);
    if (rc)
        return rc;
    check(gnutls_init(&l->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) == 0);
    check(gnutls_set_default_priority(l->tls) == 0);
    check(gnutls_credentials_set(l->tls, GNUTLS_CRD_CERTIFICATE, l->trusted) == 0);
    if (slice_find_char(host, ':') == SLICE_NONE)
        (void)gnutls_server_name_set(l->tls, GNUTLS_NAME_DNS, host.data, host.len);
    gnutls_session_set_verify_cert(l->tls, l->to.host, 0);
    gnutls_transport_set_int(l->tls, l->fd);
    for (;;) {
        int code = gnutls_handshake(l->tls);
        if (code == GNUTLS_E_SUCCESS)
            return ERR_OK;
        if (code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
            return certificate_wrong(l, err);
        if (gnutls_error_is_fatal(code))
            return tls_error(code, err);
        rc = tls_wait(l, until_ns, err);
        if (rc)
            return rc;
    }
}

/* ---- a stream ---- */

static int closed(struct err *err)
{
    return err_set(err, ERR_IO, "the receiver closed the connection");
}

/* What the receiver sends is of no use; that it closed is. */
static int still_open(struct syslog_line *l, struct err *err)
{
    char bytes[4096];
    for (int i = 0; i < 64; i++) {
        ssize_t n = l->tls ? gnutls_record_recv(l->tls, bytes, sizeof(bytes))
                           : recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (n == 0)
            return closed(err);
        if (n > 0)
            continue;
        if (l->tls)
            return n == GNUTLS_E_AGAIN || !gnutls_error_is_fatal((int)n) ? ERR_OK
                                                                         : tls_error((int)n, err);
        return errno == EAGAIN || errno == EINTR ? ERR_OK
                                                 : err_set(err, ERR_IO, "%s", strerror(errno));
    }
    return err_set(err, ERR_IO, "the receiver answers, which no receiver of syslog does");
}

static int line_connect(struct syslog_line *l, uint64_t until_ns, struct err *err)
{
    struct err ignored;
    if (l->fd >= 0 && still_open(l, &ignored) == ERR_OK)
        return ERR_OK;
    disconnect(l);
    int rc = output_url_parse(l->config->url, &l->to, err);
    if (rc == ERR_OK)
        rc = courier_dial(&l->to, until_ns, &l->fd, err);
    if (rc == ERR_OK && l->to.transport == OUTPUT_TLS)
        rc = tls_begin(l, until_ns, err);
    if (rc)
        disconnect(l);
    return rc;
}

static int stream_write(struct syslog_line *l, struct slice bytes, uint64_t until_ns,
                        struct err *err)
{
    while (bytes.len) {
        ssize_t n = l->tls ? gnutls_record_send(l->tls, bytes.data, bytes.len)
                           : send(l->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        int rc = ERR_OK;
        if (n > 0)
            bytes = slice_part(bytes, (size_t)n, SIZE_MAX);
        else if (l->tls && n < 0 && gnutls_error_is_fatal((int)n))
            rc = tls_error((int)n, err);
        else if (!l->tls && errno != EAGAIN && errno != EINTR)
            rc = err_set(err, ERR_IO, "%s", strerror(errno));
        else
            rc = l->tls ? tls_wait(l, until_ns, err) : courier_wait(l->fd, POLLOUT, until_ns, err);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

/* Until the other side's kernel has it all. */
static int stream_confirm(struct syslog_line *l, uint64_t until_ns, struct err *err)
{
    long pause_us = CONFIRM_US_MIN;
    for (;;) {
        int queued = 0, rc = still_open(l, err);
        if (rc)
            return rc;
        if (ioctl(l->fd, SIOCOUTQ, &queued) != 0)
            return err_set_errno(err, errno, "SIOCOUTQ");
        if (queued == 0)
            return still_open(l, err);
        if (clock_monotonic_ns() > until_ns)
            return err_set(err, ERR_BUSY, "the receiver did not take what was sent in time");
        sleep_us(pause_us);
        pause_us = pause_us * 2 < CONFIRM_US_MAX ? pause_us * 2 : CONFIRM_US_MAX;
    }
}

static int stream_send(struct syslog_line *l, const struct courier_batch *batch, uint64_t until_ns,
                       struct err *err)
{
    buf_clear(&l->out);
    for (uint32_t i = 0; i < batch->count; i++)
        buf_slice(&l->out, batch->items[i]);
    int rc = stream_write(l, buf_as_slice(&l->out), until_ns, err);
    return rc ? rc : stream_confirm(l, until_ns, err);
}

/* ---- datagrams ---- */

static int datagram_send(struct syslog_line *l, struct slice bytes, uint64_t until_ns,
                         struct err *err)
{
    for (;;) {
        if (send(l->fd, bytes.data, bytes.len, MSG_NOSIGNAL) >= 0)
            return ERR_OK;
        if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
            return err_set(err, ERR_IO, "%s", strerror(errno));
        int rc = courier_wait(l->fd, POLLOUT, until_ns, err);
        if (rc)
            return rc;
    }
}

/* Where nobody listens the other machine says so, when it says anything. */
static int datagrams_send(struct syslog_line *l, const struct courier_batch *batch,
                          uint64_t until_ns, struct err *err)
{
    struct err ignored;
    for (uint32_t i = 0; i < batch->count; i++) {
        int rc = datagram_send(l, batch->items[i], until_ns, err);
        if (rc)
            return rc;
        if (i % DATAGRAM_BURST == DATAGRAM_BURST - 1)
            sleep_us(DATAGRAM_PAUSE_US);
    }
    (void)!courier_wait(l->fd, POLLIN,
                        clock_monotonic_ns() + DATAGRAM_REFUSED_MS * UINT64_C(1000000), &ignored);
    char bytes[64];
    if (recv(l->fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != EINTR)
        return err_set(err, ERR_IO, "%s port %s: %s", l->to.host, l->to.port, strerror(errno));
    return ERR_OK;
}

static int syslog_send(void *line, const struct courier_batch *batch, uint32_t *refused,
                       struct err *err)
{
    struct syslog_line *l = line;
    uint64_t until_ns = clock_monotonic_ns() + l->config->timeout_ns;
    *refused = 0;
    bool udp = slice_starts(l->config->url, SLICE("udp://"));
    int rc = udp && l->fd >= 0 ? ERR_OK : line_connect(l, until_ns, err);
    if (rc)
        return rc;
    rc = udp ? datagrams_send(l, batch, until_ns, err) : stream_send(l, batch, until_ns, err);
    if (rc)
        disconnect(l);
    return rc;
}

const struct courier_kind courier_syslog = {
    .name = "syslog", .open = syslog_open, .send = syslog_send, .close = syslog_close};
