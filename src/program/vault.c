#include "program/vault.h"

#include <sodium.h>

enum {
    VERSION = 1,
    SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
    HEADER_BYTES = crypto_secretstream_xchacha20poly1305_HEADERBYTES,
    EXTRA_BYTES = crypto_secretstream_xchacha20poly1305_ABYTES,
    KEY_BYTES = crypto_secretstream_xchacha20poly1305_KEYBYTES,
    PASSES = 4,
    PASSES_MAX = 16
};
#define MEMORY_BYTES     ((uint64_t)64 << 20)
#define MEMORY_BYTES_MAX ((uint64_t)256 << 20)

static const char magic[8] = {'c', 'a', 'n', 'h', 'k', 'e', 'y', 's'};

/* What stands before the sealed bytes; it is authenticated with them. */
struct vault_head {
    uint32_t version;
    uint64_t passes, memory_bytes;
    uint8_t salt[SALT_BYTES];
};

static int key_make(const struct vault_head *head, struct slice passphrase, uint8_t key[KEY_BYTES],
                    struct err *err)
{
    if (crypto_pwhash_argon2id(key, KEY_BYTES, passphrase.data, passphrase.len, head->salt,
                               head->passes, (size_t)head->memory_bytes,
                               crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return err_set(err, ERR_IO, "argon2id needs %llu MB of memory, which is not there",
                       (unsigned long long)(head->memory_bytes >> 20));
    return ERR_OK;
}

static void head_put(const struct vault_head *head, struct buf *out)
{
    buf_append(out, magic, sizeof magic);
    bytes_put_u32(out, head->version);
    bytes_put_u64(out, head->passes);
    bytes_put_u64(out, head->memory_bytes);
    buf_append(out, head->salt, sizeof head->salt);
}

static int files_put(const struct vault_file *files, uint32_t count, struct buf *out,
                     struct err *err)
{
    size_t total = 4;
    if (count > VAULT_FILES_MAX)
        return err_set(err, ERR_LIMIT, "a vault takes at most %d files", VAULT_FILES_MAX);
    for (uint32_t i = 0; i < count; i++)
        total += 6 + files[i].name.len + files[i].bytes.len;
    if (total > VAULT_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "a vault takes at most %d bytes", VAULT_BYTES_MAX);
    buf_reserve(out, total); /* no copies of secrets are left behind by growing */
    bytes_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        bytes_put_text(out, files[i].name);
        bytes_put_u32(out, (uint32_t)files[i].bytes.len);
        buf_slice(out, files[i].bytes);
    }
    return ERR_OK;
}

static void seal(const uint8_t key[KEY_BYTES], struct slice plain, struct buf *out)
{
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t header[HEADER_BYTES];
    size_t head_len = out->len;
    check(crypto_secretstream_xchacha20poly1305_init_push(&state, header, key) == 0);
    buf_append(out, header, sizeof header);
    buf_reserve(out, plain.len + EXTRA_BYTES);
    uint8_t *at = (uint8_t *)out->data + out->len;
    check(crypto_secretstream_xchacha20poly1305_push(
              &state, at, NULL, (const uint8_t *)plain.data, plain.len, (const uint8_t *)out->data,
              head_len, crypto_secretstream_xchacha20poly1305_TAG_FINAL) == 0);
    out->len += plain.len + EXTRA_BYTES;
    sodium_memzero(&state, sizeof state);
}

int vault_seal(const struct vault_file *files, uint32_t count, struct slice passphrase,
               struct buf *out, struct err *err)
{
    struct vault_head head = {.version = VERSION, .passes = PASSES, .memory_bytes = MEMORY_BYTES};
    struct buf plain = {0};
    uint8_t key[KEY_BYTES];
    if (passphrase.len < VAULT_PASSPHRASE_BYTES_MIN)
        return err_set(err, ERR_USAGE,
                       "the passphrase is too short: take at least %d characters, some words",
                       VAULT_PASSPHRASE_BYTES_MIN);
    check(sodium_init() >= 0);
    randombytes_buf(head.salt, sizeof head.salt);
    int rc = files_put(files, count, &plain, err);
    if (rc == ERR_OK)
        rc = key_make(&head, passphrase, key, err);
    if (rc == ERR_OK) {
        head_put(&head, out);
        seal(key, buf_as_slice(&plain), out);
    }
    sodium_memzero(key, sizeof key);
    if (plain.data)
        sodium_memzero(plain.data, plain.capacity);
    buf_free(&plain);
    return rc;
}

static int head_take(struct bytes_in *in, struct vault_head *head, struct err *err)
{
    struct slice mark = bytes_take(in, sizeof magic);
    head->version = bytes_take_u32(in);
    head->passes = bytes_take_u64(in);
    head->memory_bytes = bytes_take_u64(in);
    struct slice salt = bytes_take(in, SALT_BYTES);
    if (in->bad || memcmp(mark.data, magic, sizeof magic) != 0)
        return err_set(err, ERR_SYNTAX, "these are no keys of a backup of Canh");
    if (head->version != VERSION)
        return err_set(err, ERR_UNSUPPORTED, "the keys are of a later version of Canh (%u)",
                       head->version);
    if (head->passes == 0 || head->passes > PASSES_MAX || head->memory_bytes > MEMORY_BYTES_MAX ||
        head->memory_bytes < crypto_pwhash_argon2id_MEMLIMIT_MIN)
        return err_set(err, ERR_SYNTAX, "the keys ask for more memory or time than any of Canh's");
    memcpy(head->salt, salt.data, SALT_BYTES);
    return ERR_OK;
}

static int files_take(struct slice plain, struct vault_file files[VAULT_FILES_MAX], uint32_t *count,
                      struct err *err)
{
    struct bytes_in in = bytes_in(plain);
    uint32_t wanted = bytes_take_u32(&in);
    in.bad |= wanted > VAULT_FILES_MAX;
    for (*count = 0; *count < wanted && !in.bad; ++*count) {
        struct vault_file *f = &files[*count];
        f->name = bytes_take_text(&in, VAULT_NAME_BYTES_MAX);
        f->bytes = bytes_take(&in, bytes_take_u32(&in));
        in.bad |= f->name.len == 0 || f->name.data[0] == '.' ||
                  slice_find_char(f->name, '/') != SLICE_NONE ||
                  memchr(f->name.data, 0, f->name.len) != NULL;
    }
    if (in.bad || bytes_left(&in))
        return err_set(err, ERR_SYNTAX, "the keys of the backup cannot be read");
    return ERR_OK;
}

int vault_open(struct slice sealed, struct slice passphrase, struct buf *plain,
               struct vault_file files[VAULT_FILES_MAX], uint32_t *count, struct err *err)
{
    crypto_secretstream_xchacha20poly1305_state state;
    struct bytes_in in = bytes_in(sealed);
    struct vault_head head = {0};
    uint8_t key[KEY_BYTES], tag = 0;
    *count = 0;
    check(sodium_init() >= 0);
    int rc = head_take(&in, &head, err);
    size_t head_len = sealed.len - bytes_left(&in);
    struct slice header = bytes_take(&in, HEADER_BYTES);
    struct slice body = slice_make(in.at, bytes_left(&in));
    if (rc == ERR_OK &&
        (in.bad || body.len < EXTRA_BYTES || body.len > VAULT_BYTES_MAX + EXTRA_BYTES))
        rc = err_set(err, ERR_SYNTAX, "the keys of the backup were cut");
    if (rc == ERR_OK)
        rc = key_make(&head, passphrase, key, err);
    if (rc)
        return rc;
    buf_reserve(plain, body.len - EXTRA_BYTES + 1);
    if (crypto_secretstream_xchacha20poly1305_init_pull(&state, (const uint8_t *)header.data,
                                                        key) != 0 ||
        crypto_secretstream_xchacha20poly1305_pull(&state, (uint8_t *)plain->data, NULL, &tag,
                                                   (const uint8_t *)body.data, body.len,
                                                   (const uint8_t *)sealed.data, head_len) != 0 ||
        tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL)
        rc = err_set(err, ERR_USAGE,
                     "the keys cannot be opened: the passphrase is wrong, or the file was changed");
    sodium_memzero(key, sizeof key);
    sodium_memzero(&state, sizeof state);
    if (rc)
        return rc;
    plain->len = body.len - EXTRA_BYTES;
    return files_take(buf_as_slice(plain), files, count, err);
}
