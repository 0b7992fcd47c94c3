/* Intake TLS: server side of TLS for streams of messages (RFC 5425), without waiting.
 *
 * TLS 1.2 and 1.3. With authorities for clients a sender must show a certificate that one of them
 * signed, that has not expired, and that may be used by TLS clients; its name is the sender's.
 * Threads: a session is one's; the server's part is shared
 * and does not change. Ownership: sessions borrow the server's part and the descriptor. */
#pragma once
#include "watch/intake_certificate.h"
#include "watch/listener.h"

enum { INTAKE_TLS_RECORD_BYTES = 16 << 10 };

struct intake_tls;
/* ERR_USAGE: certificate, key or authorities cannot be used. */
MUST_CHECK int intake_tls_open(struct intake_tls **out, const struct listener_socket *listener,
                               struct err *err);
void intake_tls_close(struct intake_tls **tls);

struct intake_tls_session;
struct intake_tls_session *intake_tls_begin(const struct intake_tls *tls, int fd);
void intake_tls_end(struct intake_tls_session **session);
/* ERR_BUSY: call again when the socket can be read, or (*writes) written. ERR_IO: why not, and what
 * mends it. */
MUST_CHECK int intake_tls_shake(struct intake_tls_session *s, bool *writes, struct err *err);
/* intake_certificate_name of the client's. */
size_t intake_tls_name(struct intake_tls_session *s, char out[INTAKE_CERTIFICATE_NAME_BYTES]);
/* room: INTAKE_TLS_RECORD_BYTES or more. ERR_BUSY: nothing is there; ERR_END; ERR_IO. */
MUST_CHECK int intake_tls_read(struct intake_tls_session *s, char *out, size_t room, size_t *got,
                               struct err *err);
