#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/disk_sim.h"
#include "state/credential.h"
#include "state/schema.h"

static void test_credentials_are_kept_by_number(void **state)
{
    (void)state;
    struct disk *disk = disk_sim_open(1);
    struct database *db;
    struct buf secret = {0};
    uint64_t one, two;
    assert_int_equal(database_open(&db, disk, "c.db", DATABASE_WRITE, NULL), ERR_OK);
    assert_int_equal(database_run(db, schema_credential, NULL), ERR_OK);
    assert_int_equal(credential_put(db, CREDENTIAL_TOTP, SLICE("a\0b"), 1, &one, NULL), ERR_OK);
    assert_int_equal(credential_put(db, CREDENTIAL_TOKEN, SLICE("t"), 1, &two, NULL), ERR_OK);
    assert_int_equal(credential_get(db, one, CREDENTIAL_TOTP, &secret, NULL), ERR_OK);
    assert_true(slice_equal(buf_as_slice(&secret), SLICE("a\0b")));
    assert_int_equal(credential_get(db, one, CREDENTIAL_TOKEN, &secret, NULL), ERR_NOT_FOUND);
    assert_int_equal(credential_remove(db, two, NULL), ERR_OK);
    assert_int_equal(credential_get(db, two, CREDENTIAL_TOKEN, &secret, NULL), ERR_NOT_FOUND);
    assert_int_equal(credential_put(db, CREDENTIAL_TOKEN, SLICE("t"), 1, &one, NULL), ERR_OK);
    assert_true(one > two); /* never given again */
    buf_free(&secret);
    database_close(&db);
    disk_sim_close(&disk);
}

static void test_passwords(void **state)
{
    (void)state;
    struct buf stored = {0};
    struct err err;
    uint64_t before = credential_argon_count();
    assert_int_equal(credential_hash_password(SLICE("ngan"), true, &stored, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "ngắn"));
    assert_int_equal(credential_hash_password(SLICE("MatKhau123"), false, &stored, &err),
                     ERR_USAGE);
    assert_int_equal(credential_hash_password(SLICE("zzzzzzzzzzzz"), false, &stored, &err),
                     ERR_USAGE);
    assert_int_equal(credential_hash_password(SLICE("abcdefghijklmn"), false, &stored, &err),
                     ERR_USAGE);
    assert_int_equal(credential_argon_count(), before);
    assert_int_equal(credential_hash_password(SLICE("tre làng xanh"), false, &stored, &err),
                     ERR_OK);
    assert_true(slice_starts(buf_as_slice(&stored), SLICE("$argon2id$v=19$m=65536,")));
    assert_true(credential_check_password(SLICE("tre làng xanh"), buf_as_slice(&stored)));
    assert_false(credential_check_password(SLICE("tre lang xanh"), buf_as_slice(&stored)));
    assert_false(credential_check_password(SLICE(""), buf_as_slice(&stored)));
    before = credential_argon_count();
    assert_false(credential_check_password(SLICE("tre làng xanh"), SLICE("")));
    assert_int_equal(credential_argon_count(), before + 1); /* nobody costs the same */
    buf_free(&stored);
}

/* RFC 6238 appendix B, SHA-1, of whose eight digits the last six are taken. */
static void test_totp_vectors(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *code;
    } vectors[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                   {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    const uint8_t *secret = (const uint8_t *)"12345678901234567890";
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint64_t step = 0, own = (uint64_t)vectors[i].seconds / 30;
        struct slice code = slice_from(vectors[i].code);
        if (vectors[i].seconds > 9000000000)
            continue; /* past 2262 in nanoseconds */
        int64_t now_ns = vectors[i].seconds * CLOCK_SECOND_NS;
        assert_true(credential_totp_check(secret, code, now_ns, 0, &step));
        assert_int_equal(step, own);
        assert_false(credential_totp_check(secret, code, now_ns, own, &step)); /* a replay */
        assert_true(credential_totp_check(secret, code, now_ns + 30 * CLOCK_SECOND_NS, 0, &step));
        assert_false(credential_totp_check(secret, code, now_ns + 61 * CLOCK_SECOND_NS, 0, &step));
    }
    uint64_t step;
    assert_true(credential_totp_check(secret, SLICE("287 082"), 59 * CLOCK_SECOND_NS, 0, &step));
    assert_false(credential_totp_check(secret, SLICE("28708"), 59 * CLOCK_SECOND_NS, 0, &step));
    assert_false(credential_totp_check(secret, SLICE("28708a"), 59 * CLOCK_SECOND_NS, 0, &step));
    assert_false(credential_totp_check(secret, SLICE("2870820"), 59 * CLOCK_SECOND_NS, 0, &step));
}

static void test_totp_uri(void **state)
{
    (void)state;
    struct buf uri = {0};
    credential_totp_uri((const uint8_t *)"12345678901234567890", SLICE("an nguyễn"), SLICE("Canh"),
                        &uri);
    assert_string_equal(buf_text(&uri),
                        "otpauth://totp/Canh:an%20nguy%E1%BB%85n?secret="
                        "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Canh&algorithm=SHA1&digits=6"
                        "&period=30");
    buf_free(&uri);
}

enum { SIDE_MAX = 100, SCALE = 6 };
struct bitmap {
    bool dark[SIDE_MAX][SIDE_MAX];
    int side;
};

static void bitmap_of_blocks(struct bitmap *b, const char *text)
{
    int x = 0, y = 0;
    *b = (struct bitmap){0};
    while (*text) {
        bool upper = false, lower = false;
        if (*text == '\n') {
            b->side = x;
            x = 0;
            y += 2;
            text++;
            continue;
        }
        upper = strncmp(text, "\u2580", 3) == 0 || strncmp(text, "\u2588", 3) == 0;
        lower = strncmp(text, "\u2584", 3) == 0 || strncmp(text, "\u2588", 3) == 0;
        text += *text == ' ' ? 1 : 3;
        assert_true(x < SIDE_MAX && y + 1 < SIDE_MAX);
        b->dark[y][x] = !upper;
        b->dark[y + 1][x++] = !lower;
    }
}

/* The runs "Mx yhNv1h-Nz" of the second path. */
static void bitmap_of_svg(struct bitmap *b, const char *text)
{
    *b = (struct bitmap){0};
    text = strstr(text, "<path d=\"");
    assert_non_null(text);
    text += strlen("<path d=\"");
    while (*text == 'M') {
        char *end;
        long x = strtol(text + 1, &end, 10), y = strtol(end, &end, 10), run;
        assert_int_equal(*end, 'h');
        run = strtol(end + 1, &end, 10);
        assert_true(x + run < SIDE_MAX && y < SIDE_MAX && run > 0);
        for (long i = 0; i < run; i++)
            b->dark[y][x + i] = true;
        text = strchr(end, 'z') + 1;
    }
    assert_int_equal(*text, '"');
}

static void test_totp_pictures_say_the_same(void **state)
{
    (void)state;
    struct buf svg = {0}, blocks = {0};
    struct bitmap *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
    struct slice uri = SLICE("otpauth://totp/Canh:an?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_int_equal(credential_totp_picture(uri, true, &svg, NULL), ERR_OK);
    assert_int_equal(credential_totp_picture(uri, false, &blocks, NULL), ERR_OK);
    bitmap_of_blocks(b, buf_text(&blocks));
    bitmap_of_svg(a, buf_text(&svg));
    for (int y = 0; y < b->side; y++)
        assert_memory_equal(a->dark[y], b->dark[y], (size_t)b->side);
    char long_text[4000];
    memset(long_text, 'x', sizeof long_text);
    assert_int_equal(
        credential_totp_picture(slice_make(long_text, sizeof long_text), true, &svg, NULL),
        ERR_LIMIT);
    free(a);
    free(b);
    buf_free(&svg);
    buf_free(&blocks);
}

static void picture_write(const struct bitmap *b, const char *path)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    fprintf(out, "P5 %d %d 255\n", b->side * SCALE, b->side * SCALE);
    for (int y = 0; y < b->side * SCALE; y++)
        for (int x = 0; x < b->side * SCALE; x++)
            fputc(b->dark[y / SCALE][x / SCALE] ? 0 : 255, out);
    assert_int_equal(fclose(out), 0);
}

static void test_a_phone_reads_the_picture(void **state)
{
    (void)state;
    if (access("/usr/bin/zbarimg", X_OK) != 0) {
        print_message("skipped: zbarimg not found\n");
        return;
    }
    char folder[] = "/tmp/canh-credential-XXXXXX", picture[64], text[64], command[256];
    struct buf blocks = {0};
    struct bitmap *b = calloc(1, sizeof *b);
    struct slice uri = SLICE("otpauth://totp/Canh:an?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    char read[200] = {0};
    assert_non_null(mkdtemp(folder));
    assert_int_equal(credential_totp_picture(uri, false, &blocks, NULL), ERR_OK);
    bitmap_of_blocks(b, buf_text(&blocks));
    (void)snprintf(picture, sizeof picture, "%s/code.pgm", folder);
    (void)snprintf(text, sizeof text, "%s/text", folder);
    picture_write(b, picture);
    (void)snprintf(command, sizeof command, "exec /usr/bin/zbarimg -q --raw %s >%s 2>/dev/null",
                   picture, text);
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    FILE *in = fopen(text, "rb");
    assert_non_null(in);
    size_t len = fread(read, 1, sizeof read - 1, in);
    assert_int_equal(fclose(in), 0);
    assert_true(slice_equal(slice_trim(slice_make(read, len)), uri));
    assert_int_equal(unlink(picture) | unlink(text) | rmdir(folder), 0);
    free(b);
    buf_free(&blocks);
}

static void test_recovery_codes(void **state)
{
    (void)state;
    struct buf codes = {0}, stored = {0};
    credential_recovery_make(&codes, &stored);
    assert_int_equal(stored.len, CREDENTIAL_RECOVERY_CODES * 32);
    struct slice rest = buf_as_slice(&codes), first = slice_cut(&rest, '\n'),
                 second = slice_cut(&rest, '\n');
    assert_int_equal(first.len, 14);
    assert_false(credential_recovery_use(SLICE("aaaa-aaaa-aaaa"), &stored));
    assert_false(credential_recovery_use(SLICE(""), &stored));
    assert_true(credential_recovery_use(first, &stored));
    assert_false(credential_recovery_use(first, &stored)); /* once */
    char typed[16];
    size_t len = 0;
    for (size_t i = 0; i < second.len; i++) /* as people type it */
        if (second.data[i] != '-')
            typed[len++] = second.data[i] >= 'a' ? (char)(second.data[i] - 32) : second.data[i];
    assert_true(credential_recovery_use(slice_make(typed, len), &stored));
    assert_int_equal(stored.len, (CREDENTIAL_RECOVERY_CODES - 2) * 32);
    buf_free(&codes);
    buf_free(&stored);
}

static void test_tokens(void **state)
{
    (void)state;
    char one[CREDENTIAL_TOKEN_TEXT_BYTES], two[CREDENTIAL_TOKEN_TEXT_BYTES];
    struct buf stored = {0};
    uint8_t hash[32];
    credential_token_make(one, &stored);
    credential_token_make(two, &stored);
    assert_int_equal(strlen(one), 48);
    assert_string_not_equal(one, two);
    credential_token_hash(slice_from(two), hash);
    assert_memory_equal(hash, stored.data + 32, 32);
    buf_free(&stored);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_credentials_are_kept_by_number),
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_totp_vectors),
        cmocka_unit_test(test_totp_uri),
        cmocka_unit_test(test_totp_pictures_say_the_same),
        cmocka_unit_test(test_a_phone_reads_the_picture),
        cmocka_unit_test(test_recovery_codes),
        cmocka_unit_test(test_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
