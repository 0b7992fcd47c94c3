#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_make.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FLIPS_A_FILE = 6 };

static int command_run(const char *program, const char *first, const char *second)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)execlp(program, program, first, second, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int bundle_check(const char *folder)
{
    char script[600];
    (void)snprintf(script, sizeof script, "%s/verify.sh", folder);
    return command_run("sh", script, NULL);
}

static void byte_flip(const char *path, long at, int bit)
{
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    int c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_not_equal(fputc(c ^ (1 << bit), f), EOF);
    assert_int_equal(fclose(f), 0);
}

struct fixture {
    struct store_make m;
    char bundle[300];
};

static void fixture_open(struct fixture *f, uint64_t seed)
{
    if (command_run("openssl", "version", NULL) != 0) {
        print_message("skipped: there is no openssl to check signatures with\n");
        skip();
    }
    store_make_open(&f->m, seed);
    store_make_rows(&f->m, 150);
    store_make_seal(&f->m);
    store_make_rows(&f->m, 100);
    store_make_stop(&f->m);
    store_make_start(&f->m, false);
    (void)snprintf(f->bundle, sizeof f->bundle, "%s/bundle", f->m.folder);
}

static void fixture_prove(struct fixture *f, uint64_t sequence)
{
    struct err err = {0};
    store_make_remove(f->bundle);
    if (store_prove(f->m.store, sequence, f->bundle, &err) != ERR_OK)
        fail_msg("store_prove: %s", err.text);
}

static void test_events_are_proved(void **state)
{
    static const uint64_t sequences[] = {1, 2, 77, 150, 151, 200, 250};
    struct fixture f;
    (void)state;
    fixture_open(&f, 1);
    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++) {
        fixture_prove(&f, sequences[i]);
        assert_int_equal(bundle_check(f.bundle), 0);
    }
    store_make_close(&f.m);
}

static void test_a_changed_bundle_fails(void **state)
{
    static const char *const names[] = {"event.txt", "path.txt",       "root.txt",     "chain.txt",
                                        "heads.txt", "heads-line.txt", "signature.bin"};
    struct fixture f;
    struct stat st;
    (void)state;
    fixture_open(&f, 2);
    fixture_prove(&f, 33);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[400];
        (void)snprintf(path, sizeof path, "%s/%s", f.bundle, names[i]);
        assert_int_equal(stat(path, &st), 0);
        for (int k = 0; k < FLIPS_A_FILE; k++) {
            long at = k == 0   ? 0
                      : k == 1 ? st.st_size - 1
                               : (long)(random_u64(&f.m.random) % (uint64_t)st.st_size);
            int bit = (int)(random_u64(&f.m.random) % 8);
            byte_flip(path, at, bit);
            if (bundle_check(f.bundle) == 0)
                fail_msg("%s: bit %d of byte %ld was flipped", names[i], bit, at);
            byte_flip(path, at, bit);
        }
    }
    assert_int_equal(bundle_check(f.bundle), 0);
    store_make_close(&f.m);
}

static void test_another_key_fails(void **state)
{
    struct fixture f;
    struct store_make other;
    char from[400], to[400];
    (void)state;
    fixture_open(&f, 3);
    fixture_prove(&f, 5);
    store_make_open(&other, 3);
    (void)snprintf(from, sizeof from, "%s/keys/notary.pub", other.folder);
    (void)snprintf(to, sizeof to, "%s/key.pem", f.bundle);
    assert_int_equal(rename(from, to), 0);
    assert_int_not_equal(bundle_check(f.bundle), 0);
    store_make_close(&other);
    store_make_close(&f.m);
}

static void test_what_cannot_be_proved_says_why(void **state)
{
    struct store_make m;
    struct err err = {0};
    char bundle[300];
    (void)state;
    store_make_open(&m, 4);
    store_make_rows(&m, 3);
    (void)snprintf(bundle, sizeof bundle, "%s/bundle", m.folder);
    assert_int_equal(store_prove(m.store, 3, bundle, &err), ERR_BUSY);
    assert_int_equal(store_prove(m.store, 99, bundle, &err), ERR_NOT_FOUND);
    store_make_stop(&m);
    store_make_start(&m, false);
    assert_int_equal(store_prove(m.store, 3, bundle, &err), ERR_OK);
    assert_int_equal(store_prove(m.store, 3, bundle, &err), ERR_BUSY);
    store_make_close(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_proved),
        cmocka_unit_test(test_a_changed_bundle_fails),
        cmocka_unit_test(test_another_key_fails),
        cmocka_unit_test(test_what_cannot_be_proved_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
