/* Keys: DATA/keys. node.key (Ed25519: the node signs by it), ca.key and ca.crt (the node's own
 * authority), tls.key and tls.crt (its server certificate), tls.csr (for the agency's authority).
 * notary.key beside them is the store's. docs/keys.md says who reads which, rotation and loss.
 *
 * Secret keys are files of mode 0600, written once and synced. Threads: one. Ownership: the caller
 * owns what is given out and ends it by keys_wipe. */
#pragma once
#include "watch/config.h"

enum keys_file { KEYS_NODE, KEYS_CA_KEY, KEYS_CA, KEYS_TLS_KEY, KEYS_TLS, KEYS_CSR, KEYS_FILES };
enum { KEYS_TLS_DAYS = 825, KEYS_CA_DAYS = 3650, KEYS_WARN_DAYS = 30, KEYS_BYTES_MAX = 64 << 10 };
const char *keys_file_name(enum keys_file file); /* "node.key" */
bool keys_file_is_secret(enum keys_file file);
/* Makes what is missing; folder_make was before. made (may be NULL) gets a line for each, and the
 * fingerprint of a new certificate. */
MUST_CHECK int keys_make(const struct config *config, const char *data, struct buf *made,
                         struct err *err);
/* Appended. ERR_NOT_FOUND; ERR_USAGE: others may read or change it (with the mend). */
MUST_CHECK int keys_read(const char *data, enum keys_file file, struct buf *out, struct err *err);
/* A secret file that the settings name. */
MUST_CHECK int keys_read_secret(const char *path, struct buf *out, struct err *err);
void keys_wipe(struct buf *buf); /* and frees it */

struct keys_certificate {
    int64_t not_before_ns, not_after_ns;
    char fingerprint[96]; /* SHA-256, hexadecimal with colons */
    char subject[256], issuer[256];
    char names[512]; /* blanks between */
};
/* Of the first certificate in a PEM text. ERR_SYNTAX. */
MUST_CHECK int keys_certificate_read(struct slice pem, struct keys_certificate *out,
                                     struct err *err);
/* Whether key and certificate belong together: ERR_USAGE. */
MUST_CHECK int keys_pair_check(struct slice certificate, struct slice key, struct err *err);
/* What the web has: settings' files, or those of DATA/keys. */
MUST_CHECK int keys_web_pair(const struct config *config, const char *data, struct buf *certificate,
                             struct buf *key, struct err *err);
/* A new key and certificate of the own authority, or (node) a new node key; the old one is kept
 * beside with its time. */
MUST_CHECK int keys_rotate_tls(const struct config *config, const char *data, struct buf *told,
                               struct err *err);
MUST_CHECK int keys_rotate_node(const char *data, struct buf *told, struct err *err);
/* A certificate chain (PEM) that another authority made of tls.csr. */
MUST_CHECK int keys_install(const char *data, struct slice pem, struct buf *told, struct err *err);
