/* What the parts of keys.h share. */
#pragma once
#include <gnutls/x509.h>

#include "program/keys.h"

enum { KEYS_PATH_BYTES_MAX = 1024 };
void keys_path(const char *data, enum keys_file file, char out[KEYS_PATH_BYTES_MAX]);
/* In place of what is there, synced. */
MUST_CHECK int keys_write(const char *data, enum keys_file file, struct slice text,
                          struct err *err);
/* The old file stays under its name and the time. */
MUST_CHECK int keys_put_aside(const char *data, enum keys_file file, struct err *err);
int keys_gnutls(struct err *err, int code, const char *what); /* ERR_IO with the library's reason */
/* keys_x509.c: PEM texts, appended. */
MUST_CHECK int keys_x509_authority(struct buf *key, struct buf *certificate, struct err *err);
MUST_CHECK int keys_x509_server(const struct config *config, struct slice ca_key, struct slice ca,
                                struct buf *key, struct buf *certificate, struct err *err);
MUST_CHECK int keys_x509_request(const struct config *config, struct slice key, struct buf *csr,
                                 struct err *err);
