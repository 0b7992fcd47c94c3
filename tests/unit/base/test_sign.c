#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/sign.h"
#include "base/text.h"

static char folder[] = "/tmp/canh-sign-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

static const char *const names[] = {"key", "public", "text", "signature"};

static const char *path_of(const char *name)
{
    static char paths[4][64];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static int remove_folder(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(path_of(names[i]));
    return rmdir(folder);
}

static void put(const char *name, struct slice text)
{
    int fd = open(path_of(name), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(io_write_all(fd, text.data, text.len, NULL), ERR_OK);
    assert_int_equal(close(fd), 0);
}

/* Whether the command was there and ended with 0. */
static bool run(const char *const *words)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(null, 1);
        (void)dup2(null, 2);
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool has_openssl(void)
{
    return run((const char *const[]){"openssl", "version", NULL});
}

/* RFC 8032 section 7.1 tests 1 and 3; the PEM forms are those of `openssl`. */
static void test_known_answers(void **state)
{
    (void)state;
    static const char *const vectors[][4] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
         "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
         "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
         "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
         "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct buf der = {0}, pem = {0}, text = {0}, wanted = {0};
        assert_true(text_hex_decode(&der, SLICE("302e020100300506032b657004220420")));
        assert_true(text_hex_decode(&der, slice_from(vectors[i][0])));
        buf_string(&pem, "a key\n-----BEGIN PRIVATE KEY-----\n");
        text_base64(&pem, buf_as_slice(&der));
        buf_string(&pem, "\r\n-----END PRIVATE KEY-----\n");
        struct sign_key *key;
        assert_int_equal(sign_secret_read(&key, buf_as_slice(&pem), NULL), ERR_OK);
        uint8_t public_key[SIGN_PUBLIC_BYTES], signature[SIGN_BYTES];
        sign_key_public(key, public_key);
        assert_true(text_hex_decode(&wanted, slice_from(vectors[i][1])));
        assert_memory_equal(public_key, wanted.data, SIGN_PUBLIC_BYTES);
        assert_true(text_hex_decode(&text, slice_from(vectors[i][2])));
        sign_text(key, buf_as_slice(&text), signature);
        buf_clear(&wanted);
        assert_true(text_hex_decode(&wanted, slice_from(vectors[i][3])));
        assert_memory_equal(signature, wanted.data, SIGN_BYTES);
        assert_true(sign_check(public_key, buf_as_slice(&text), signature));
        signature[5] ^= 1;
        assert_false(sign_check(public_key, buf_as_slice(&text), signature));
        sign_key_close(&key);
        buf_free(&der);
        buf_free(&pem);
        buf_free(&text);
        buf_free(&wanted);
    }
}

static void test_key_files(void **state)
{
    (void)state;
    struct sign_key *key = sign_key_make(), *read = NULL;
    struct err err;
    assert_int_equal(sign_key_read(&read, path_of("key"), &err), ERR_NOT_FOUND);
    assert_int_equal(sign_key_write(key, path_of("key"), &err), ERR_OK);
    assert_int_equal(sign_key_write(key, path_of("key"), &err), ERR_BUSY);
    assert_int_equal(sign_key_write(key, path_of("none/key"), &err), ERR_IO);
    struct stat info;
    assert_int_equal(stat(path_of("key"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(sign_key_read(&read, path_of("key"), &err), ERR_OK);
    uint8_t one[SIGN_PUBLIC_BYTES], two[SIGN_PUBLIC_BYTES], signature[SIGN_BYTES];
    sign_key_public(key, one);
    sign_key_public(read, two);
    assert_memory_equal(one, two, sizeof(one));
    sign_text(read, SLICE("text"), signature);
    assert_true(sign_check(one, SLICE("text"), signature));
    assert_false(sign_check(one, SLICE("Text"), signature));
    struct sign_key *other = sign_key_make();
    sign_key_public(other, two);
    assert_memory_not_equal(one, two, sizeof(one));
    assert_false(sign_check(two, SLICE("text"), signature));
    sign_key_close(&other);
    sign_key_close(&read);
    static const mode_t open_to_others[] = {0640, 0604, 0660, 0610};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(chmod(path_of("key"), open_to_others[i]), 0);
        assert_int_equal(sign_key_read(&read, path_of("key"), &err), ERR_USAGE);
        assert_non_null(strstr(err.text, "chmod 600"));
        assert_null(read);
    }
    assert_int_equal(sign_key_read(&read, folder, &err), ERR_USAGE);
    sign_key_close(&key);
    assert_null(key);
}

static void test_what_is_no_key(void **state)
{
    (void)state;
    struct sign_key *key = sign_key_make(), *read;
    uint8_t public_key[SIGN_PUBLIC_BYTES], back[SIGN_PUBLIC_BYTES];
    struct buf pem = {0};
    sign_key_public(key, public_key);
    sign_public_pem(public_key, &pem);
    assert_int_equal(sign_public_read(back, buf_as_slice(&pem), NULL), ERR_OK);
    assert_memory_equal(back, public_key, sizeof(back));
    assert_int_equal(sign_secret_read(&read, buf_as_slice(&pem), NULL), ERR_SYNTAX);
    for (size_t len = 0; len + 1 < pem.len; len++) {
        struct slice part = slice_make(pem.data, len);
        assert_int_equal(sign_public_read(back, part, NULL), ERR_SYNTAX);
    }
    size_t body = strlen("-----BEGIN PUBLIC KEY-----\n");
    for (size_t i = 0; i < 16; i++) { /* in the head of the DER every bit counts */
        pem.data[body + i] ^= 1;
        assert_int_equal(sign_public_read(back, buf_as_slice(&pem), NULL), ERR_SYNTAX);
        pem.data[body + i] ^= 1;
    }
    static const char *const wrong[] = {
        "", "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMC4CAQA=\n-----END ENCRYPTED PRIVATE KEY-----"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        put("key", slice_from(wrong[i]));
        struct err err;
        assert_int_equal(sign_key_read(&read, path_of("key"), &err), ERR_SYNTAX);
        assert_non_null(strstr(err.text, path_of("key")));
        assert_null(read);
    }
    buf_free(&pem);
    sign_key_close(&key);
}

static void test_openssl_uses_the_files(void **state)
{
    (void)state;
    if (!has_openssl())
        skip();
    struct sign_key *key = sign_key_make();
    uint8_t public_key[SIGN_PUBLIC_BYTES], signature[SIGN_BYTES];
    struct buf pem = {0}, theirs = {0};
    assert_int_equal(sign_key_write(key, path_of("key"), NULL), ERR_OK);
    sign_key_public(key, public_key);
    sign_public_pem(public_key, &pem);
    put("public", buf_as_slice(&pem));
    put("text", SLICE("what is signed"));
    sign_text(key, SLICE("what is signed"), signature);
    put("signature", slice_make((const char *)signature, sizeof(signature)));
    const char *const verify[] = {"openssl",
                                  "pkeyutl",
                                  "-verify",
                                  "-pubin",
                                  "-inkey",
                                  path_of("public"),
                                  "-rawin",
                                  "-in",
                                  path_of("text"),
                                  "-sigfile",
                                  path_of("signature"),
                                  NULL};
    assert_true(run(verify));
    put("text", SLICE("What is signed"));
    assert_false(run(verify));
    const char *const sign[] = {
        "openssl", "pkeyutl", "-sign",         "-inkey", path_of("key"),
        "-rawin",  "-in",     path_of("text"), "-out",   path_of("signature"),
        NULL};
    assert_true(run(sign));
    assert_int_equal(io_read_file(&theirs, path_of("signature"), 1000, NULL), ERR_OK);
    assert_int_equal(theirs.len, SIGN_BYTES);
    assert_true(sign_check(public_key, SLICE("What is signed"), (const uint8_t *)theirs.data));
    sign_key_close(&key);
    buf_free(&pem);
    buf_free(&theirs);
}

static void test_a_key_of_openssl(void **state)
{
    (void)state;
    if (!has_openssl())
        skip();
    const char *const make[] = {"openssl", "genpkey",      "-algorithm", "ed25519",
                                "-out",    path_of("key"), NULL};
    const char *const show[] = {"openssl",         "pkey", "-in", path_of("key"), "-pubout", "-out",
                                path_of("public"), NULL};
    struct sign_key *key;
    struct buf pem = {0}, own = {0};
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    mode_t old = umask(077);
    assert_true(run(make));
    (void)umask(old);
    assert_true(run(show));
    assert_int_equal(sign_key_read(&key, path_of("key"), NULL), ERR_OK);
    assert_int_equal(io_read_file(&pem, path_of("public"), 1000, NULL), ERR_OK);
    sign_key_public(key, public_key);
    sign_public_pem(public_key, &own);
    assert_string_equal(buf_text(&own), buf_text(&pem));
    sign_key_close(&key);
    buf_free(&pem);
    buf_free(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test_setup_teardown(test_key_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_what_is_no_key, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_openssl_uses_the_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_a_key_of_openssl, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
