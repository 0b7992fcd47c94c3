#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/sign.h"
#include "program/folder.h"
#include "program/keys.h"

struct home {
    char path[64];
    struct config *config;
    struct buf told;
};

static int set_up(void **state)
{
    static struct home home;
    struct proc_user self = {0};
    home = (struct home){0};
    (void)snprintf(home.path, sizeof(home.path), "/tmp/canh-keys-XXXXXX");
    assert_non_null(mkdtemp(home.path));
    assert_int_equal(
        config_open_text(&home.config, SLICE("web: {name: canh.example.gov.vn}\n"), NULL), ERR_OK);
    assert_int_equal(folder_make(home.config, home.path, &self, NULL), ERR_OK);
    assert_int_equal(keys_make(home.config, home.path, &home.told, NULL), ERR_OK);
    *state = &home;
    return 0;
}

static int remove_file(void *context, const char *path)
{
    (void)context;
    return unlink(path) == 0 ? ERR_OK : ERR_IO;
}

static int tear_down(void **state)
{
    struct home *home = *state;
    static const char *const parts[] = {"/state", "/private", "/keys", ""};
    char path[96];
    assert_int_equal(io_walk(home->path, remove_file, NULL, NULL, NULL), ERR_OK);
    for (int i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof(path), "%s%s", home->path, parts[i]);
        assert_int_equal(rmdir(path), 0);
    }
    config_close(&home->config);
    buf_free(&home->told);
    return 0;
}

static void read_key(struct home *home, enum keys_file file, struct buf *out)
{
    struct err err = {0};
    buf_clear(out);
    if (keys_read(home->path, file, out, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

static void chmod_key(struct home *home, enum keys_file file, mode_t mode)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/keys/%s", home->path, keys_file_name(file));
    assert_int_equal(chmod(path, mode), 0);
}

static void test_all_are_made_once(void **state)
{
    struct home *home = *state;
    struct buf again = {0}, told = {0}, first[KEYS_FILES] = {{0}};
    for (int i = 0; i < KEYS_FILES; i++)
        read_key(home, (enum keys_file)i, &first[i]);
    assert_int_equal(keys_make(home->config, home->path, &told, NULL), ERR_OK);
    assert_int_equal(told.len, 0);
    for (int i = 0; i < KEYS_FILES; i++) {
        read_key(home, (enum keys_file)i, &again);
        assert_true(slice_equal(buf_as_slice(&again), buf_as_slice(&first[i])));
        buf_free(&first[i]);
    }
    assert_int_not_equal(slice_find(buf_as_slice(&home->told), SLICE("SHA-256 fingerprint")),
                         SLICE_NONE);
    buf_free(&again);
    buf_free(&told);
}

static void test_the_certificate_is_for_this_node(void **state)
{
    struct home *home = *state;
    struct keys_certificate about;
    struct buf pem = {0};
    read_key(home, KEYS_TLS, &pem);
    assert_int_equal(keys_certificate_read(buf_as_slice(&pem), &about, NULL), ERR_OK);
    struct slice names = slice_from(about.names);
    static const char *const wanted[] = {"canh.example.gov.vn", "localhost", "127.0.0.1", "::1"};
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(slice_find(names, slice_from(wanted[i])), SLICE_NONE);
    int64_t days = (about.not_after_ns - clock_now_ns()) / (86400 * CLOCK_SECOND_NS);
    assert_in_range(days, KEYS_TLS_DAYS - 1, KEYS_TLS_DAYS);
    read_key(home, KEYS_CA, &pem);
    assert_int_equal(keys_certificate_read(buf_as_slice(&pem), &about, NULL), ERR_OK);
    days = (about.not_after_ns - clock_now_ns()) / (86400 * CLOCK_SECOND_NS);
    assert_in_range(days, KEYS_CA_DAYS - 1, KEYS_CA_DAYS);
    buf_free(&pem);
}

static void test_rights_are_looked_at(void **state)
{
    struct home *home = *state;
    struct buf pem = {0};
    struct err err;
    static const enum keys_file secrets[] = {KEYS_NODE, KEYS_CA_KEY, KEYS_TLS_KEY};
    for (int i = 0; i < 3; i++) {
        assert_true(keys_file_is_secret(secrets[i]));
        chmod_key(home, secrets[i], 0640);
        assert_int_equal(keys_read(home->path, secrets[i], &pem, &err), ERR_USAGE);
        assert_non_null(strstr(err.text, "chmod 0600"));
        chmod_key(home, secrets[i], 0600);
        read_key(home, secrets[i], &pem);
    }
    chmod_key(home, KEYS_TLS, 0666);
    assert_int_equal(keys_read(home->path, KEYS_TLS, &pem, &err), ERR_USAGE);
    chmod_key(home, KEYS_TLS, 0644);
    keys_wipe(&pem);
}

static void test_rotation_keeps_the_authority(void **state)
{
    struct home *home = *state;
    struct buf ca[2] = {{0}}, tls[2] = {{0}}, node[2] = {{0}}, told = {0};
    struct buf certificate = {0}, key = {0};
    read_key(home, KEYS_CA, &ca[0]);
    read_key(home, KEYS_TLS, &tls[0]);
    read_key(home, KEYS_NODE, &node[0]);
    assert_int_equal(keys_rotate_tls(home->config, home->path, &told, NULL), ERR_OK);
    assert_int_equal(keys_rotate_node(home->path, &told, NULL), ERR_OK);
    read_key(home, KEYS_CA, &ca[1]);
    read_key(home, KEYS_TLS, &tls[1]);
    read_key(home, KEYS_NODE, &node[1]);
    assert_true(slice_equal(buf_as_slice(&ca[0]), buf_as_slice(&ca[1])));
    assert_false(slice_equal(buf_as_slice(&tls[0]), buf_as_slice(&tls[1])));
    assert_false(slice_equal(buf_as_slice(&node[0]), buf_as_slice(&node[1])));
    assert_int_equal(keys_web_pair(home->config, home->path, &certificate, &key, NULL), ERR_OK);
    struct buf *all[] = {&ca[0],   &ca[1], &tls[0],      &tls[1], &node[0],
                         &node[1], &told,  &certificate, &key};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        keys_wipe(all[i]);
}

/* The agency's authority is here the certificate of before: it does not fit the key of now. */
static void test_a_certificate_of_another_key_is_refused(void **state)
{
    struct home *home = *state;
    struct buf old = {0}, told = {0};
    struct err err;
    read_key(home, KEYS_TLS, &old);
    assert_int_equal(keys_install(home->path, buf_as_slice(&old), &told, NULL), ERR_OK);
    assert_int_equal(keys_rotate_tls(home->config, home->path, &told, NULL), ERR_OK);
    assert_int_equal(keys_install(home->path, buf_as_slice(&old), &told, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "do not belong together"));
    assert_int_equal(keys_install(home->path, SLICE("nonsense"), &told, &err), ERR_SYNTAX);
    buf_free(&old);
    buf_free(&told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_are_made_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_certificate_is_for_this_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rights_are_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation_keeps_the_authority, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_certificate_of_another_key_is_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
