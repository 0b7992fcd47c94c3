#include "program/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/sign.h"
#include "program/keys_inside.h"

static const char *const names[KEYS_FILES] = {
    [KEYS_NODE] = "node.key",   [KEYS_CA_KEY] = "ca.key", [KEYS_CA] = "ca.crt",
    [KEYS_TLS_KEY] = "tls.key", [KEYS_TLS] = "tls.crt",   [KEYS_CSR] = "tls.csr",
};

const char *keys_file_name(enum keys_file file)
{
    return names[file];
}

bool keys_file_is_secret(enum keys_file file)
{
    return file == KEYS_NODE || file == KEYS_CA_KEY || file == KEYS_TLS_KEY;
}

void keys_path(const char *data, enum keys_file file, char out[KEYS_PATH_BYTES_MAX])
{
    (void)snprintf(out, KEYS_PATH_BYTES_MAX, "%s/keys/%s", data, names[file]);
}

void keys_wipe(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->capacity);
    buf_free(buf);
}

static bool key_exists(const char *data, enum keys_file file)
{
    char path[KEYS_PATH_BYTES_MAX];
    keys_path(data, file, path);
    return access(path, F_OK) == 0;
}

static int file_check(int fd, const char *path, bool secret, struct err *err)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return err_set_errno(err, errno, "%s", path);
    if (!S_ISREG(about.st_mode) || about.st_size > KEYS_BYTES_MAX)
        return err_set(err, ERR_USAGE, "%s is no key file: move it away", path);
    if (about.st_mode & (secret ? 0077 : 0022))
        return err_set(err, ERR_USAGE,
                       "%s can be %s by others (mode %04o): run chmod %s %s, and think of it as "
                       "known to them",
                       path, secret ? "read" : "changed", (unsigned)(about.st_mode & 07777),
                       secret ? "0600" : "0644", path);
    return ERR_OK;
}

static int file_read(const char *path, bool secret, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "there is no %s: canh serve makes it at its start",
                       path);
    if (fd < 0)
        return err_set_errno(err, errno, "%s", path);
    int rc = file_check(fd, path, secret, err);
    buf_reserve(out, KEYS_BYTES_MAX + 1); /* in one block: no copy of a secret stays behind */
    while (rc == ERR_OK) {
        ssize_t got = read(fd, out->data + out->len, KEYS_BYTES_MAX + 1 - out->len);
        if (got == 0 || out->len > KEYS_BYTES_MAX)
            break;
        if (got > 0)
            out->len += (size_t)got;
        else if (errno != EINTR)
            rc = err_set_errno(err, errno, "%s", path);
    }
    (void)close(fd);
    return rc;
}

int keys_read(const char *data, enum keys_file file, struct buf *out, struct err *err)
{
    char path[KEYS_PATH_BYTES_MAX];
    keys_path(data, file, path);
    return file_read(path, keys_file_is_secret(file), out, err);
}

int keys_read_secret(const char *path, struct buf *out, struct err *err)
{
    return file_read(path, true, out, err);
}

static int folder_sync(const char *data, struct err *err)
{
    char path[KEYS_PATH_BYTES_MAX];
    (void)snprintf(path, sizeof(path), "%s/keys", data);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd >= 0 && fsync(fd) == 0 ? ERR_OK : err_set_errno(err, errno, "%s", path);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

int keys_write(const char *data, enum keys_file file, struct slice text, struct err *err)
{
    char path[KEYS_PATH_BYTES_MAX], made[KEYS_PATH_BYTES_MAX + 8];
    keys_path(data, file, path);
    (void)snprintf(made, sizeof(made), "%s.new", path);
    (void)unlink(made);
    int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                  keys_file_is_secret(file) ? 0600 : 0644);
    if (fd < 0)
        return err_set_errno(err, errno, "%s cannot be made", made);
    int rc = io_write_all(fd, text.data, text.len, err);
    if (rc == ERR_OK && fsync(fd) != 0)
        rc = err_set_errno(err, errno, "%s", made);
    (void)close(fd);
    if (rc == ERR_OK && rename(made, path) != 0)
        rc = err_set_errno(err, errno, "%s cannot be put into its place", path);
    if (rc != ERR_OK)
        (void)unlink(made);
    return rc ? rc : folder_sync(data, err);
}

int keys_put_aside(const char *data, enum keys_file file, struct err *err)
{
    char path[KEYS_PATH_BYTES_MAX], aside[KEYS_PATH_BYTES_MAX + 64], time[CLOCK_TEXT_BYTES];
    keys_path(data, file, path);
    (void)clock_text(time, clock_now_ns() / CLOCK_SECOND_NS * CLOCK_SECOND_NS);
    (void)snprintf(aside, sizeof(aside), "%s.%s", path, time);
    if (rename(path, aside) != 0 && errno != ENOENT)
        return err_set_errno(err, errno, "%s cannot be put aside", path);
    return ERR_OK;
}

/* The engine's own: it may be started without root, too (for one command). */
static int node_give(const char *data, const char *path, struct err *err)
{
    char folder[KEYS_PATH_BYTES_MAX];
    struct stat about;
    (void)snprintf(folder, sizeof(folder), "%s/keys", data);
    if (geteuid() != 0)
        return ERR_OK;
    if (stat(folder, &about) != 0 || chown(path, about.st_uid, about.st_gid) != 0)
        return err_set_errno(err, errno, "%s cannot be given to the engine's user", path);
    return ERR_OK;
}

static int node_make(const char *data, struct buf *told, struct err *err)
{
    char path[KEYS_PATH_BYTES_MAX];
    keys_path(data, KEYS_NODE, path);
    struct sign_key *key = sign_key_make();
    int rc = sign_key_write(key, path, err);
    sign_key_close(&key);
    if (rc == ERR_OK)
        rc = node_give(data, path, err);
    if (rc == ERR_OK && told)
        buf_printf(told, "%s: a new key of this node\n", path);
    return rc;
}

static int authority_make(const char *data, struct buf *told, struct err *err)
{
    struct buf key = {0}, certificate = {0};
    int rc = keys_x509_authority(&key, &certificate, err);
    if (rc == ERR_OK)
        rc = keys_write(data, KEYS_CA_KEY, buf_as_slice(&key), err);
    if (rc == ERR_OK)
        rc = keys_write(data, KEYS_CA, buf_as_slice(&certificate), err);
    if (rc == ERR_OK && told)
        buf_printf(told, "%s/keys/ca.crt: a new certificate authority of this node\n", data);
    keys_wipe(&key);
    buf_free(&certificate);
    return rc;
}

static int request_make(const struct config *config, const char *data, struct slice key,
                        struct err *err)
{
    struct buf csr = {0};
    int rc = keys_x509_request(config, key, &csr, err);
    if (rc == ERR_OK)
        rc = keys_write(data, KEYS_CSR, buf_as_slice(&csr), err);
    buf_free(&csr);
    return rc;
}

static int server_make(const struct config *config, const char *data, struct buf *told,
                       struct err *err)
{
    struct buf ca_key = {0}, ca = {0}, key = {0}, certificate = {0};
    struct keys_certificate about;
    int rc = keys_read(data, KEYS_CA_KEY, &ca_key, err);
    if (rc == ERR_OK)
        rc = keys_read(data, KEYS_CA, &ca, err);
    if (rc == ERR_OK)
        rc = keys_x509_server(config, buf_as_slice(&ca_key), buf_as_slice(&ca), &key, &certificate,
                              err);
    if (rc == ERR_OK)
        rc = keys_certificate_read(buf_as_slice(&certificate), &about, err);
    if (rc == ERR_OK)
        rc = keys_put_aside(data, KEYS_TLS_KEY, err);
    if (rc == ERR_OK)
        rc = keys_put_aside(data, KEYS_TLS, err);
    /* the certificate last: where it stands, all stands */
    if (rc == ERR_OK)
        rc = keys_write(data, KEYS_TLS_KEY, buf_as_slice(&key), err);
    if (rc == ERR_OK)
        rc = request_make(config, data, buf_as_slice(&key), err);
    if (rc == ERR_OK)
        rc = keys_write(data, KEYS_TLS, buf_as_slice(&certificate), err);
    if (rc == ERR_OK && told)
        buf_printf(told, "%s/keys/tls.crt: a new server certificate, SHA-256 fingerprint %s\n",
                   data, about.fingerprint);
    keys_wipe(&ca_key);
    keys_wipe(&key);
    buf_free(&ca);
    buf_free(&certificate);
    return rc;
}

int keys_make(const struct config *config, const char *data, struct buf *made, struct err *err)
{
    int rc = ERR_OK;
    if (!key_exists(data, KEYS_NODE))
        rc = node_make(data, made, err);
    if (rc == ERR_OK && !key_exists(data, KEYS_CA) && !key_exists(data, KEYS_TLS))
        rc = authority_make(data, made, err);
    if (rc == ERR_OK && !key_exists(data, KEYS_TLS))
        rc = server_make(config, data, made, err);
    return rc;
}

int keys_rotate_tls(const struct config *config, const char *data, struct buf *told,
                    struct err *err)
{
    int rc = key_exists(data, KEYS_CA_KEY) ? ERR_OK : authority_make(data, told, err);
    return rc ? rc : server_make(config, data, told, err);
}

int keys_rotate_node(const char *data, struct buf *told, struct err *err)
{
    int rc = keys_put_aside(data, KEYS_NODE, err);
    return rc ? rc : node_make(data, told, err);
}

int keys_web_pair(const struct config *config, const char *data, struct buf *certificate,
                  struct buf *key, struct err *err)
{
    const struct config_web *web = &config->web;
    int rc = web->certificate_file.len
                 ? file_read(web->certificate_file.data, false, certificate, err)
                 : keys_read(data, KEYS_TLS, certificate, err);
    if (rc == ERR_OK)
        rc = web->key_file.len ? file_read(web->key_file.data, true, key, err)
                               : keys_read(data, KEYS_TLS_KEY, key, err);
    return rc ? rc : keys_pair_check(buf_as_slice(certificate), buf_as_slice(key), err);
}

int keys_install(const char *data, struct slice pem, struct buf *told, struct err *err)
{
    struct buf key = {0};
    struct keys_certificate about;
    int rc = keys_read(data, KEYS_TLS_KEY, &key, err);
    if (rc == ERR_OK)
        rc = keys_certificate_read(pem, &about, err);
    if (rc == ERR_OK)
        rc = keys_pair_check(pem, buf_as_slice(&key), err);
    if (rc == ERR_OK && about.not_after_ns <= clock_now_ns())
        rc = err_set(err, ERR_USAGE, "this certificate has expired: ask for a new one");
    if (rc == ERR_OK)
        rc = keys_put_aside(data, KEYS_TLS, err);
    if (rc == ERR_OK)
        rc = keys_write(data, KEYS_TLS, pem, err);
    if (rc == ERR_OK)
        buf_printf(told, "%s/keys/tls.crt: %s, of %s, SHA-256 fingerprint %s\n", data,
                   about.subject, about.issuer, about.fingerprint);
    keys_wipe(&key);
    return rc;
}
