#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/sandbox_try.h"

struct sandbox_try sandbox_try;

static void file_make(struct buf *path, const char *folder)
{
    buf_printf(path, "%s/file", folder);
    int fd = open(buf_text(path), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0 && write(fd, "text", 4) == 4);
    assert_int_equal(close(fd), 0);
}

int sandbox_try_make(void **state)
{
    (void)state;
    struct sandbox_try *t = &sandbox_try;
    static const char name[] = "/tmp/canh-sandbox-XXXXXX";
    memcpy(t->inside, name, sizeof(name));
    memcpy(t->outside, name, sizeof(name));
    if (!mkdtemp(t->inside) || !mkdtemp(t->outside))
        return -1;
    file_make(&t->inside_file, t->inside);
    file_make(&t->outside_file, t->outside);
    buf_printf(&t->inside_new, "%s/new", t->inside);
    (void)buf_text(&t->inside_new);
    return 0;
}

int sandbox_try_remove(void **state)
{
    (void)state;
    struct sandbox_try *t = &sandbox_try;
    (void)unlink(t->inside_new.data);
    int rc = unlink(t->inside_file.data) | unlink(t->outside_file.data) | rmdir(t->inside) |
             rmdir(t->outside);
    buf_free(&t->inside_file);
    buf_free(&t->outside_file);
    buf_free(&t->inside_new);
    return rc;
}

int sandbox_try_run(unsigned may, bool landlock, sandbox_try_body *body)
{
    const struct sandbox_path path = {.path = sandbox_try.inside,
                                      .write = (may & SANDBOX_WRITE) != 0};
    const struct sandbox sandbox = {
        .may = may, .paths = &path, .path_count = 1, .without_landlock = !landlock};
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        unsigned layers = 0, wanted = sandbox_offered(NULL);
        struct err err;
        if (!landlock)
            wanted &= ~(unsigned)SANDBOX_LANDLOCK;
        if (sandbox_enter(&sandbox, &layers, &err) != ERR_OK) {
            (void)!write(2, err.text, strlen(err.text));
            _exit(SANDBOX_TRY_UNWANTED + 1);
        }
        _exit(layers == wanted ? body() : SANDBOX_TRY_UNWANTED + 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}
