#include "base/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"

enum { SEED_BYTES = 32, PEM_BYTES_MAX = 4096 };

struct sign_key {
    uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES]; /* seed, then public key */
};

/* DER before the 32 bytes of a key: OneAsymmetricKey version 0 and SubjectPublicKeyInfo with the
 * algorithm 1.3.101.112 (RFC 8410 sections 7 and 4). There is one such encoding, so no parser. */
static const uint8_t secret_head[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                      0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t public_head[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                      0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
enum { DER_BYTES_MAX = sizeof(secret_head) + SEED_BYTES };

static void library_init(void)
{
    check(sodium_init() >= 0);
}

struct sign_key *sign_key_make(void)
{
    library_init();
    struct sign_key *key = mem_zeroed(1, sizeof(*key));
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    check(crypto_sign_ed25519_keypair(public_key, key->secret) == 0);
    return key;
}

void sign_key_close(struct sign_key **key)
{
    if (!*key)
        return;
    sodium_memzero(*key, sizeof(**key));
    mem_free(*key);
    *key = NULL;
}

void sign_key_public(const struct sign_key *key, uint8_t out[SIGN_PUBLIC_BYTES])
{
    memcpy(out, key->secret + SEED_BYTES, SIGN_PUBLIC_BYTES);
}

void sign_text(const struct sign_key *key, struct slice text, uint8_t out[SIGN_BYTES])
{
    check(crypto_sign_ed25519_detached(out, NULL, (const uint8_t *)text.data, text.len,
                                       key->secret) == 0);
}

bool sign_check(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct slice text,
                const uint8_t signature[SIGN_BYTES])
{
    library_init();
    return crypto_sign_ed25519_verify_detached(signature, (const uint8_t *)text.data, text.len,
                                               public_key) == 0;
}

/* The 32 bytes of a key out of a PEM text (RFC 7468) whose DER is head and them. */
static bool pem_read(struct slice pem, const char *label, struct slice head, uint8_t out[32])
{
    char line[64];
    int len = snprintf(line, sizeof(line), "-----BEGIN %s-----", label);
    size_t begin = slice_find(pem, slice_make(line, (size_t)len));
    if (begin == SLICE_NONE)
        return false;
    struct slice body = slice_part(pem, begin + (size_t)len, SIZE_MAX);
    len = snprintf(line, sizeof(line), "-----END %s-----", label);
    size_t end = slice_find(body, slice_make(line, (size_t)len));
    if (end == SLICE_NONE)
        return false;
    uint8_t der[DER_BYTES_MAX];
    size_t der_len = 0;
    bool fits = sodium_base642bin(der, sizeof(der), body.data, end, " \t\r\n", &der_len, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0 &&
                der_len == head.len + 32 && memcmp(der, head.data, head.len) == 0;
    if (fits)
        memcpy(out, der + head.len, 32);
    sodium_memzero(der, sizeof(der));
    return fits;
}

static void pem_write(struct buf *out, const char *label, struct slice head, const uint8_t key[32])
{
    uint8_t der[DER_BYTES_MAX];
    char base64[sodium_base64_ENCODED_LEN(DER_BYTES_MAX, sodium_base64_VARIANT_ORIGINAL)];
    memcpy(der, head.data, head.len);
    memcpy(der + head.len, key, 32);
    sodium_bin2base64(base64, sizeof(base64), der, head.len + 32, sodium_base64_VARIANT_ORIGINAL);
    buf_reserve(out, 256); /* in one block: no copy of a secret stays behind */
    buf_printf(out, "-----BEGIN %s-----\n%s\n-----END %s-----\n", label, base64, label);
    sodium_memzero(der, sizeof(der));
    sodium_memzero(base64, sizeof(base64));
}

static struct slice head_of(const uint8_t *head, size_t len)
{
    return slice_make((const char *)head, len);
}

void sign_public_pem(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct buf *out)
{
    pem_write(out, "PUBLIC KEY", head_of(public_head, sizeof(public_head)), public_key);
}

int sign_public_read(uint8_t out[SIGN_PUBLIC_BYTES], struct slice pem, struct err *err)
{
    library_init();
    if (pem.len <= PEM_BYTES_MAX &&
        pem_read(pem, "PUBLIC KEY", head_of(public_head, sizeof(public_head)), out))
        return ERR_OK;
    return err_set(err, ERR_SYNTAX,
                   "this is not an Ed25519 public key in PEM (\"-----BEGIN PUBLIC KEY-----\")");
}

int sign_secret_read(struct sign_key **out, struct slice pem, struct err *err)
{
    library_init();
    *out = NULL;
    uint8_t seed[SEED_BYTES];
    if (pem.len > PEM_BYTES_MAX ||
        !pem_read(pem, "PRIVATE KEY", head_of(secret_head, sizeof(secret_head)), seed))
        return err_set(err, ERR_SYNTAX,
                       "this is not an unencrypted Ed25519 secret key in PEM: make one with "
                       "\"openssl genpkey -algorithm ed25519\"");
    struct sign_key *key = mem_zeroed(1, sizeof(*key));
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    check(crypto_sign_ed25519_seed_keypair(public_key, key->secret, seed) == 0);
    sodium_memzero(seed, sizeof(seed));
    *out = key;
    return ERR_OK;
}

static int read_private_file(int fd, const char *path, char text[PEM_BYTES_MAX], size_t *len,
                             struct err *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return err_set_errno(err, errno, "cannot read the key file %s", path);
    if (!S_ISREG(info.st_mode))
        return err_set(err, ERR_USAGE, "the key file %s is not a file", path);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(err, ERR_USAGE,
                       "others can reach the key file %s (mode %04o): make it private with "
                       "\"chmod 600\"",
                       path, (unsigned)info.st_mode & 07777u);
    for (ssize_t got = 1; got > 0 && *len < PEM_BYTES_MAX;) {
        got = read(fd, text + *len, PEM_BYTES_MAX - *len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            return err_set_errno(err, errno, "cannot read the key file %s", path);
        else
            *len += (size_t)got;
    }
    return ERR_OK;
}

int sign_key_read(struct sign_key **out, const char *path, struct err *err)
{
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        int why = errno;
        (void)err_set_errno(err, why, "cannot open the key file %s", path);
        if (err && why == ENOENT)
            err->code = ERR_NOT_FOUND;
        return why == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    char text[PEM_BYTES_MAX];
    size_t len = 0;
    int rc = read_private_file(fd, path, text, &len, err);
    (void)close(fd);
    if (rc == ERR_OK) {
        rc = sign_secret_read(out, slice_make(text, len), err);
        if (rc != ERR_OK)
            (void)err_prefix(err, "%s", path);
    }
    sodium_memzero(text, sizeof(text));
    return rc;
}

/* The name of a new file is durable only when its folder is. */
static int sync_folder_of(const char *path, struct err *err)
{
    const char *end = strrchr(path, '/');
    size_t len = end && end > path ? (size_t)(end - path) : 1;
    char *folder = mem_copy_text(end ? path : ".", len);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = ERR_OK;
    if (fd < 0 || fsync(fd) != 0)
        rc = err_set_errno(err, errno, "cannot sync the folder %s", folder);
    if (fd >= 0)
        (void)close(fd);
    mem_free(folder);
    return rc;
}

static int key_text_write(const struct sign_key *key, const char *path, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot make the key file %s", path);
    struct buf pem = {0};
    pem_write(&pem, "PRIVATE KEY", head_of(secret_head, sizeof(secret_head)), key->secret);
    int rc = io_write_all(fd, pem.data, pem.len, err);
    sodium_memzero(pem.data, pem.len);
    buf_free(&pem);
    if (rc == ERR_OK && fsync(fd) != 0)
        rc = err_set_errno(err, errno, "cannot sync the key file %s", path);
    (void)close(fd);
    return rc;
}

/* By way of another name: a process that is killed leaves no half key behind. */
int sign_key_write(const struct sign_key *key, const char *path, struct err *err)
{
    struct buf room = {0};
    buf_printf(&room, "%s.new", path);
    const char *made = buf_text(&room);
    (void)unlink(made);
    int rc = key_text_write(key, made, err);
    if (rc == ERR_OK && link(made, path) != 0)
        rc = errno == EEXIST
                 ? err_set(err, ERR_BUSY, "the key file %s is already there: it is not overwritten",
                           path)
                 : err_set_errno(err, errno, "cannot make the key file %s", path);
    (void)unlink(made);
    if (rc == ERR_OK)
        rc = sync_folder_of(path, err);
    buf_free(&room);
    return rc;
}
