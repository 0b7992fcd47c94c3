#include "state/credential.h"

#include <sodium.h>
#include <stdatomic.h>

enum { ARGON_PASSES = 3, SHA256_BYTES = 32 };

static atomic_uint_fast64_t argon_count;

static void library_init(void)
{
    check(sodium_init() >= 0);
}

int credential_put(struct database *db, enum credential_kind kind, struct slice secret,
                   int64_t now_ns, uint64_t *id, struct err *err)
{
    struct statement *s = statement_get(
        db, "INSERT INTO credential(kind, secret, made_ns) VALUES(?1, ?2, ?3) RETURNING id");
    statement_u64(s, 1, (uint64_t)kind);
    statement_blob(s, 2, secret);
    statement_i64(s, 3, now_ns);
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc;
    *id = statement_column_u64(s, 0);
    return statement_run(s, err);
}

int credential_get(struct database *db, uint64_t id, enum credential_kind kind, struct buf *secret,
                   struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT secret FROM credential WHERE id = ?1 AND kind = ?2");
    statement_u64(s, 1, id);
    statement_u64(s, 2, (uint64_t)kind);
    int rc = statement_step(s, err);
    if (rc == ERR_END)
        return err_set(err, ERR_NOT_FOUND, "there is no credential %llu", (unsigned long long)id);
    if (rc != ERR_OK)
        return rc;
    buf_slice(secret, statement_column_text(s, 0));
    statement_reset(s);
    return ERR_OK;
}

int credential_remove(struct database *db, uint64_t id, struct err *err)
{
    struct statement *s = statement_get(db, "DELETE FROM credential WHERE id = ?1");
    statement_u64(s, 1, id);
    return statement_run(s, err);
}

/* What guessers try first among the ones that are long enough; in lower case. */
static const char *const bad_passwords[] = {"0123456789",   "1234567890",    "12345678910",
                                            "123456789a",   "a123456789",    "987654321a",
                                            "0987654321",   "9876543210",    "1q2w3e4r5t",
                                            "1qaz2wsx3edc", "qwertyuiop",    "qwerty1234",
                                            "qwerty12345",  "qwerty123456",  "asdfghjkl1",
                                            "abc@123456",   "abc123456789",  "abcd123456",
                                            "admin12345",   "admin123456",   "admin@12345",
                                            "admin@123456", "administrator", "password12",
                                            "password123",  "password1234",  "password@123",
                                            "p@ssw0rd123",  "p@ssword123",   "passw0rd123",
                                            "matkhau123",   "matkhau1234",   "matkhau12345",
                                            "matkhau@123",  "mat khau 123",  "vietnam123",
                                            "vietnam2026",  "vietnam@123",   "anhyeuem123",
                                            "iloveyou123",  "welcome123",    "welcome@123",
                                            "changeme123",  "letmein123",    "1111111111a",
                                            "123123123123", "112233445566",  "123456@abc",
                                            "123456abc@",   "canh123456",    "canhcanhcanh",
                                            "congnghe123",  "uybannhandan",  "quantri123",
                                            "quantri@123",  "quantrivien",   NULL};

static bool password_is_bad(struct slice password)
{
    for (size_t i = 0; bad_passwords[i]; i++)
        if (slice_equal_nocase(password, slice_from(bad_passwords[i])))
            return true;
    bool same = true, rising = true, falling = true;
    for (size_t i = 1; i < password.len; i++) {
        int step = password.data[i] - password.data[i - 1];
        same = same && step == 0;
        rising = rising && step == 1;
        falling = falling && step == -1;
    }
    return same || rising || falling;
}

static int password_check_use(struct slice password, bool vietnamese, struct err *err)
{
    if (password.len < CREDENTIAL_PASSWORD_BYTES_MIN)
        return err_set(err, ERR_USAGE,
                       vietnamese ? "mật khẩu quá ngắn: cần ít nhất %d ký tự"
                                  : "the password is too short: it takes at least %d characters",
                       CREDENTIAL_PASSWORD_BYTES_MIN);
    if (password.len > CREDENTIAL_PASSWORD_BYTES_MAX)
        return err_set(err, ERR_USAGE,
                       vietnamese ? "mật khẩu quá dài: tối đa %d byte"
                                  : "the password is too long: it may have %d bytes",
                       CREDENTIAL_PASSWORD_BYTES_MAX);
    if (password_is_bad(password))
        return err_set(err, ERR_USAGE, "%s",
                       vietnamese
                           ? "mật khẩu này rất dễ đoán: hãy chọn mật khẩu khác, ví dụ vài từ "
                             "không liên quan đến nhau"
                           : "this password is among the first that guessers try: take "
                             "another one, some words that have nothing in common");
    return ERR_OK;
}

int credential_hash_password(struct slice password, bool vietnamese, struct buf *out,
                             struct err *err)
{
    library_init();
    int rc = password_check_use(password, vietnamese, err);
    if (rc != ERR_OK)
        return rc;
    char text[crypto_pwhash_STRBYTES];
    atomic_fetch_add(&argon_count, 1);
    if (crypto_pwhash_str_alg(text, password.data, password.len, ARGON_PASSES,
                              CREDENTIAL_ARGON_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return err_set(err, ERR_LIMIT, "argon2id needs %zu MiB of memory, which are not free",
                       CREDENTIAL_ARGON_BYTES >> 20);
    buf_string(out, text);
    sodium_memzero(text, sizeof text);
    return ERR_OK;
}

bool credential_check_password(struct slice password, struct slice stored)
{
    static const char nobody[crypto_pwhash_STRBYTES] =
        "$argon2id$v=19$m=65536,t=3,p=1$Q2FuaCBub2JvZHkgc2FsdA$"
        "dGhlIGhhc2ggdGhhdCBub2JvZHkncyB3b3JkIGdpdmU";
    library_init();
    char text[crypto_pwhash_STRBYTES] = {0};
    bool known = stored.len > 0 && stored.len < sizeof text;
    if (known)
        memcpy(text, stored.data, stored.len);
    else
        memcpy(text, nobody, sizeof text);
    atomic_fetch_add(&argon_count, 1);
    bool fits =
        crypto_pwhash_str_verify(text, password.data ? password.data : "", password.len) == 0;
    sodium_memzero(text, sizeof text);
    return fits && known;
}

uint64_t credential_argon_count(void)
{
    return atomic_load(&argon_count);
}

/* Recovery codes: twelve signs of this alphabet (60 bits) in groups of four; signs that look alike
 * are left out. */
static const char recovery_signs[] = "23456789abcdefghijkmnpqrstuvwxyz";
enum { RECOVERY_SIGNS = 12, RECOVERY_GROUP = 4 };
_Static_assert(sizeof recovery_signs == 33, "five bits a sign");

static void recovery_hash(const char signs[RECOVERY_SIGNS], uint8_t out[SHA256_BYTES])
{
    check(crypto_hash_sha256(out, (const uint8_t *)signs, RECOVERY_SIGNS) == 0);
}

void credential_recovery_make(struct buf *codes, struct buf *stored)
{
    library_init();
    for (int i = 0; i < CREDENTIAL_RECOVERY_CODES; i++) {
        char signs[RECOVERY_SIGNS];
        uint8_t random[RECOVERY_SIGNS], hash[SHA256_BYTES];
        randombytes_buf(random, sizeof random);
        for (int j = 0; j < RECOVERY_SIGNS; j++) {
            signs[j] = recovery_signs[random[j] % 32];
            if (j > 0 && j % RECOVERY_GROUP == 0)
                buf_char(codes, '-');
            buf_char(codes, signs[j]);
        }
        buf_char(codes, '\n');
        recovery_hash(signs, hash);
        buf_append(stored, hash, sizeof hash);
        sodium_memzero(signs, sizeof signs);
        sodium_memzero(random, sizeof random);
    }
}

/* As it was typed: blanks, hyphens and upper case do not matter. */
static bool recovery_read(struct slice code, char signs[RECOVERY_SIGNS])
{
    size_t count = 0;
    for (size_t i = 0; i < code.len; i++) {
        char c = code.data[i];
        if (c == '-' || c == ' ')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (count == RECOVERY_SIGNS || c == '\0' || !strchr(recovery_signs, c))
            return false;
        signs[count++] = c;
    }
    return count == RECOVERY_SIGNS;
}

bool credential_recovery_use(struct slice code, struct buf *stored)
{
    char signs[RECOVERY_SIGNS];
    uint8_t hash[SHA256_BYTES];
    size_t found = SLICE_NONE;
    if (!recovery_read(code, signs))
        return false;
    recovery_hash(signs, hash);
    for (size_t at = 0; at + SHA256_BYTES <= stored->len; at += SHA256_BYTES)
        if (sodium_memcmp(stored->data + at, hash, SHA256_BYTES) == 0)
            found = at;
    if (found == SLICE_NONE)
        return false;
    memmove(stored->data + found, stored->data + found + SHA256_BYTES,
            stored->len - found - SHA256_BYTES);
    stored->len -= SHA256_BYTES;
    return true;
}

void credential_token_make(char out[CREDENTIAL_TOKEN_TEXT_BYTES], struct buf *stored)
{
    library_init();
    uint8_t random[32], hash[SHA256_BYTES];
    randombytes_buf(random, sizeof random);
    memcpy(out, "canh_", 5);
    check(sodium_bin2base64(out + 5, CREDENTIAL_TOKEN_TEXT_BYTES - 5, random, sizeof random,
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    credential_token_hash(slice_from(out), hash);
    buf_append(stored, hash, sizeof hash);
    sodium_memzero(random, sizeof random);
}

void credential_token_hash(struct slice token, uint8_t out[32])
{
    check(crypto_hash_sha256(out, (const uint8_t *)token.data, token.len) == 0);
}
