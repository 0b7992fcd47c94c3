#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/listen.h"
#include "program/machine.h"

static char folder[64];

static void path_of(const char *name, char out[128])
{
    (void)snprintf(out, 128, "%s/%s", folder, name);
}

static void file_make(const char *name)
{
    char path[128];
    path_of(name, path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static int folder_make(void **state)
{
    char path[128];
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/canh-machine-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    path_of("journal", path);
    return mkdir(path, 0700);
}

static int folder_remove(void **state)
{
    static const char *const names[] = {"auth.log", "syslog", "mail.log", "vsftpd.log", "journal"};
    char path[128];
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        path_of(names[i], path);
        (void)remove(path);
    }
    return rmdir(folder);
}

static const struct machine_log *log_of(const struct machine_look *look, const char *name)
{
    for (uint32_t i = 0; i < look->log_count; i++)
        if (slice_ends(look->logs[i].path, slice_from(name)))
            return &look->logs[i];
    return NULL;
}

static void lines_that_come_twice_are_followed_once(void **state)
{
    struct machine_look look;
    char journal[128];
    (void)state;
    file_make("auth.log");
    file_make("syslog");
    file_make("mail.log");
    path_of("journal", journal);
    machine_look_open(&look, folder, journal);
    if (look.journal == MACHINE_READABLE) { /* where there is a journalctl */
        assert_int_equal(log_of(&look, "auth.log")->state, MACHINE_TWICE);
        assert_string_equal(log_of(&look, "mail.log")->twice_in, "journal");
    }
    machine_look_close(&look);
    machine_look_open(&look, folder, "/nonexistent");
    assert_int_not_equal(look.journal, MACHINE_READABLE);
    assert_true(look.journal_en.len > 0 && look.journal_vi.len > 0);
    assert_int_equal(log_of(&look, "auth.log")->state, MACHINE_READABLE);
    assert_string_equal(log_of(&look, "mail.log")->twice_in, "system");
    assert_null(log_of(&look, "nginx/access.log"));
    machine_look_close(&look);
}

static void what_is_no_file_is_not_followed(void **state)
{
    struct machine_look look;
    char path[128];
    (void)state;
    path_of("vsftpd.log", path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    machine_look_open(&look, folder, "/nonexistent");
    assert_null(log_of(&look, "vsftpd.log"));
    machine_look_close(&look);
}

static void a_busy_port_gives_the_next(void **state)
{
    struct err err;
    char address[32];
    int fd;
    (void)state;
    uint16_t first = machine_port_free(42000, true);
    assert_true(first >= 42000);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned)first);
    assert_int_equal(listen_open_datagram(slice_from(address), &fd, &err), ERR_OK);
    assert_true(machine_port_free(first, true) > first);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_that_come_twice_are_followed_once, folder_make,
                                        folder_remove),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_not_followed, folder_make,
                                        folder_remove),
        cmocka_unit_test(a_busy_port_gives_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
