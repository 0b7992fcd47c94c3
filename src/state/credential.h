/* Credentials: passwords (argon2id), TOTP secrets, recovery codes, tokens and sessions (as hashes),
 * in a database of their own. State rows name them by id; they are written first, under a new id,
 * and those that nobody names are removed on start.
 *
 * Threads: a connection's. argon2id takes CREDENTIAL_ARGON_BYTES and about a tenth of a second:
 * only on the slow thread, one at a time. DESIGN section 7; RFC 9106, RFC 6238, RFC 4226. */
#pragma once
#include "base/clock.h"
#include "base/database.h"

enum {
    CREDENTIAL_PASSWORD_BYTES_MIN = 10,
    CREDENTIAL_PASSWORD_BYTES_MAX = 256,
    CREDENTIAL_TOTP_BYTES = 20,
    CREDENTIAL_TOTP_STEP_S = 30,
    CREDENTIAL_RECOVERY_CODES = 10,
    CREDENTIAL_TOKEN_TEXT_BYTES = 64 /* "canh_" and 43 of base64url, with the closing NUL */
};
#define CREDENTIAL_ARGON_BYTES ((size_t)64 << 20)

enum credential_kind {
    CREDENTIAL_PASSWORD = 1,
    CREDENTIAL_TOTP,
    CREDENTIAL_RECOVERY,
    CREDENTIAL_TOKEN, /* tokens, sessions, one-time links */
};
/* A new row in its own transaction, durable. secret: the argon2id text, the TOTP key, the recovery
 * codes' hashes, a token's SHA-256. */
MUST_CHECK int credential_put(struct database *db, enum credential_kind kind, struct slice secret,
                              int64_t now_ns, uint64_t *id, struct err *err);
MUST_CHECK int credential_get(struct database *db, uint64_t id, enum credential_kind kind,
                              struct buf *secret, struct err *err);
MUST_CHECK int credential_remove(struct database *db, uint64_t id, struct err *err);

/* argon2id; ERR_USAGE: too short, too long, or among the well-known bad ones (sentence in both
 * languages by vietnamese). */
MUST_CHECK int credential_hash_password(struct slice password, bool vietnamese, struct buf *out,
                                        struct err *err);
/* Takes the same time for stored empty (no such user): false. */
bool credential_check_password(struct slice password, struct slice stored);
/* How often argon2id was computed by this process: a figure, and how a test sees that an unknown
 * user costs the same. Any thread. */
uint64_t credential_argon_count(void);

/* A new secret, and as otpauth:// URI; RFC 6238, SHA-1, 6 digits, 30 s. */
void credential_totp_make(uint8_t secret[CREDENTIAL_TOTP_BYTES]);
/* Base32, as apps take it when it is typed. */
void credential_totp_text(const uint8_t secret[CREDENTIAL_TOTP_BYTES], struct buf *out);
void credential_totp_uri(const uint8_t secret[CREDENTIAL_TOTP_BYTES], struct slice account,
                         struct slice issuer, struct buf *out);
/* One step of tolerance to both sides; a step up to last_step is a replay and fails. *step: the one
 * that fitted, to be stored before it is accepted. */
bool credential_totp_check(const uint8_t secret[CREDENTIAL_TOTP_BYTES], struct slice code,
                           int64_t now_ns, uint64_t last_step, uint64_t *step);
/* The URI as QR code: SVG, or half blocks for a terminal. */
MUST_CHECK int credential_totp_picture(struct slice uri, bool svg, struct buf *out,
                                       struct err *err);
/* Codes as people read them, one a line, and what is stored of them. */
void credential_recovery_make(struct buf *codes, struct buf *stored);
/* Whether the code is among stored; then stored has it no more. */
bool credential_recovery_use(struct slice code, struct buf *stored);
/* A new token and what is stored of it (SHA-256, appended). */
void credential_token_make(char out[CREDENTIAL_TOKEN_TEXT_BYTES], struct buf *stored);
void credential_token_hash(struct slice token, uint8_t out[32]);
