/* Vault: small files sealed under a passphrase, as a backup keeps the node's keys.
 *
 * Argon2id (RFC 9106) makes the key, XChaCha20-Poly1305 (libsodium's secretstream) seals; docs/
 * backup.md has the format. A wrong passphrase and a changed byte look the same. Limits:
 * VAULT_BYTES_MAX of contents; the parameters that a file asks for are capped, so that a foreign
 * one takes neither memory nor hours. Threads: any. Ownership: buffers are the caller's, who wipes
 * what is secret. */
#pragma once
#include "base/bytes.h"

enum {
    VAULT_FILES_MAX = 64,
    VAULT_NAME_BYTES_MAX = 64, /* a file name, no path */
    VAULT_BYTES_MAX = 4 << 20,
    VAULT_PASSPHRASE_BYTES_MIN = 12
};
struct vault_file {
    struct slice name, bytes;
};
/* ERR_USAGE: the passphrase is too short; ERR_LIMIT; ERR_IO: no memory for argon2id. */
MUST_CHECK int vault_seal(const struct vault_file *files, uint32_t count, struct slice passphrase,
                          struct buf *out, struct err *err);
/* Files borrow from plain. ERR_SYNTAX: no vault, or cut; ERR_USAGE: wrong passphrase, or changed;
 * ERR_UNSUPPORTED: of a later program. */
MUST_CHECK int vault_open(struct slice sealed, struct slice passphrase, struct buf *plain,
                          struct vault_file files[VAULT_FILES_MAX], uint32_t *count,
                          struct err *err);
