/* Who sends: a client certificate, a token in one of the ways that forwarders can show one, or the
 * address. */
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "watch/intake_certificate.h"
#include "watch/intake_http_inside.h"

/* So long a token that was found right is believed on its connection: one that is withdrawn is
 * refused after it. */
#define TOKEN_BELIEVED_NS ((uint64_t)10 * CLOCK_SECOND_NS)
enum { ENCODED_BYTES_MAX = 1024 };

struct slice http_header(const struct http_request *r, const char *name)
{
    return slice_trim(
        slice_from(MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name)));
}

static bool secret_take(struct slice secret, char out[HTTP_SECRET_BYTES])
{
    if (secret.len == 0 || secret.len >= HTTP_SECRET_BYTES ||
        memchr(secret.data, '\0', secret.len) != NULL)
        return false;
    memcpy(out, secret.data, secret.len);
    out[secret.len] = '\0';
    return true;
}

/* What is behind the colon of base64(anyone:secret). */
static bool secret_decode(struct slice encoded, char out[HTTP_SECRET_BYTES])
{
    struct buf plain = {0};
    bool good = encoded.len <= ENCODED_BYTES_MAX && text_base64_decode(&plain, encoded);
    struct slice secret = buf_as_slice(&plain);
    good = good && slice_find_char(secret, ':') != SLICE_NONE;
    if (good) {
        (void)slice_cut(&secret, ':');
        good = secret_take(secret, out);
    }
    if (plain.data)
        sodium_memzero(plain.data, plain.capacity);
    buf_free(&plain);
    return good;
}

bool http_identity_secret(struct slice authorization, char out[HTTP_SECRET_BYTES])
{
    struct slice rest = authorization, scheme = slice_cut(&rest, ' ');
    rest = slice_trim(rest);
    if (slice_equal_nocase(scheme, SLICE("Bearer")))
        return secret_take(rest, out);
    if (slice_equal_nocase(scheme, SLICE("Basic")))
        return secret_decode(rest, out);
    return slice_equal_nocase(scheme, SLICE("ApiKey")) &&
           (secret_decode(rest, out) || secret_take(rest, out));
}

/* ---- certificates ---- */

static gnutls_session_t session_of(const struct http_request *r)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info ? info->tls_session : NULL;
}

static bool certificate_holds(struct http_request *r)
{
    unsigned count = 0, status = 1;
    char name[INTAKE_CERTIFICATE_NAME_BYTES];
    gnutls_session_t session = session_of(r);
    gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID,
                                     (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT, 0};
    if (r->peer->has_certificate)
        return true;
    const gnutls_datum_t *chain = session ? gnutls_certificate_get_peers(session, &count) : NULL;
    if (!chain || count == 0 ||
        gnutls_certificate_verify_peers(session, &purpose, 1, &status) != GNUTLS_E_SUCCESS ||
        status != 0 || intake_certificate_name(session, name) == 0)
        return false;
    (void)snprintf(r->peer->sender, sizeof(r->peer->sender), "%s", name);
    r->peer->has_certificate = true;
    return true;
}

/* ---- tokens ---- */

static void token_hash(const char *secret, unsigned char out[HTTP_TOKEN_HASH_BYTES])
{
    check(crypto_generichash(out, HTTP_TOKEN_HASH_BYTES, (const unsigned char *)secret,
                             strlen(secret), NULL, 0) == 0);
}

static bool token_is_believed(const struct http_request *r, const char *secret)
{
    unsigned char hash[HTTP_TOKEN_HASH_BYTES];
    if (clock_monotonic_ns() >= r->peer->token_until_ns)
        return false;
    token_hash(secret, hash);
    return sodium_memcmp(hash, r->peer->token, sizeof(hash)) == 0;
}

static void token_refuse(struct http_request *r, int rc)
{
    if (rc == ERR_LIMIT)
        http_fail(r, MHD_HTTP_TOO_MANY_REQUESTS, HTTP_TEXT_TOKENS);
    else if (rc == ERR_USAGE)
        http_fail(r, MHD_HTTP_FORBIDDEN, HTTP_TEXT_TOKEN_RIGHT);
    else if (rc == ERR_BUSY || rc == ERR_CLOSED || rc == ERR_CANCELED || rc == ERR_FULL)
        http_body_unavailable(r, rc);
    else
        http_fail(r, MHD_HTTP_UNAUTHORIZED, HTTP_TEXT_TOKEN_UNKNOWN);
}

static void token_ask(struct http_request *r, const char *secret)
{
    struct err err = {0};
    struct http_peer *peer = r->peer;
    int rc = intake_shared_may(r->listener->http->shared, slice_from(secret),
                               slice_from(peer->from), RIGHT_INGEST, peer->sender, &err);
    peer->token_until_ns = 0;
    if (rc) {
        token_refuse(r, rc);
        return;
    }
    token_hash(secret, peer->token);
    peer->token_until_ns = clock_monotonic_ns() + TOKEN_BELIEVED_NS;
}

static bool secret_of(struct http_request *r, char out[HTTP_SECRET_BYTES])
{
    return http_identity_secret(http_header(r, MHD_HTTP_HEADER_AUTHORIZATION), out);
}

bool http_identity_is_known(struct http_request *r)
{
    char secret[HTTP_SECRET_BYTES];
    if (r->listener->wants_certificate && !certificate_holds(r)) {
        http_fail(r, MHD_HTTP_FORBIDDEN, HTTP_TEXT_CERTIFICATE);
        return true;
    }
    if (!r->listener->config->token)
        return true;
    bool known = secret_of(r, secret);
    if (!known)
        http_fail(r, MHD_HTTP_UNAUTHORIZED, HTTP_TEXT_TOKEN);
    known = !known || token_is_believed(r, secret);
    sodium_memzero(secret, sizeof(secret));
    return known;
}

void http_identity_check(struct http_request *r)
{
    char secret[HTTP_SECRET_BYTES];
    if (secret_of(r, secret))
        token_ask(r, secret);
    else
        http_fail(r, MHD_HTTP_UNAUTHORIZED, HTTP_TEXT_TOKEN);
    sodium_memzero(secret, sizeof(secret));
}
