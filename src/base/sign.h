/* Signatures (Ed25519, RFC 8032, by libsodium) and their key files.
 *
 * A secret key file is PEM (PKCS #8, RFC 8410), mode 0600, so that `openssl` reads it; files that
 * others can read are refused (ERR_USAGE, says which mode to set). The public key is PEM, too
 * (SubjectPublicKeyInfo). Threads: any. Ownership: a sign_key wipes its memory when closed. */
#pragma once
#include "base/str.h"

enum { SIGN_PUBLIC_BYTES = 32, SIGN_BYTES = 64 };

struct sign_key;
/* A new pair, from the system's random numbers. */
struct sign_key *sign_key_make(void);
/* ERR_NOT_FOUND, ERR_USAGE (others can read it), ERR_SYNTAX (not such a key), ERR_IO. */
MUST_CHECK int sign_key_read(struct sign_key **out, const char *path, struct err *err);
/* Writes the secret key, which must not exist yet (ERR_BUSY), synced. */
MUST_CHECK int sign_key_write(const struct sign_key *key, const char *path, struct err *err);
void sign_key_close(struct sign_key **key);
void sign_key_public(const struct sign_key *key, uint8_t out[SIGN_PUBLIC_BYTES]);
void sign_text(const struct sign_key *key, struct slice text, uint8_t out[SIGN_BYTES]);
bool sign_check(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct slice text,
                const uint8_t signature[SIGN_BYTES]);
void sign_public_pem(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct buf *out);
/* Of a PEM text; what stands before and after the block is ignored. ERR_SYNTAX. */
MUST_CHECK int sign_secret_read(struct sign_key **out, struct slice pem, struct err *err);
MUST_CHECK int sign_public_read(uint8_t out[SIGN_PUBLIC_BYTES], struct slice pem, struct err *err);
