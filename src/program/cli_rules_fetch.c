#include "program/cli_rules_fetch.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/sandbox.h"
#include "base/sanitizers.h"
#include "program/courier_fetch.h"
#include "program/courier_url.h"
#include "watch/message.h"
#include "watch/rules_load.h"

enum { PROBLEMS_BYTES_MAX = 256 << 10, ORIGIN_BYTES_MAX = 512 };
#define RESULT_BYTES_MAX (BUNDLE_BYTES_MAX + PROBLEMS_BYTES_MAX + (64u << 10))

int cli_rules_fetch(struct client *client, const char *url, int *fd, struct err *err)
{
    struct slice text = slice_from(url);
    *fd = -1;
    if (text.len > FETCH_URL_BYTES_MAX)
        return err_set(err, ERR_USAGE, "the address has more than %d bytes", FETCH_URL_BYTES_MAX);
    int rc = courier_url_check(text, err);
    return rc ? rc : client_fetch(client, url, fd, err);
}

/* ---- the process that unpacks ---- */

/* Reading the rules is part of it: what it does to the reader it does here. */
static int rules_try(struct slice bytes, struct err *err)
{
    struct bundle bundle = {0};
    struct rules_load load = {0};
    struct sigma_options options = {0};
    int rc = bundle_open(&bundle, bytes, err);
    if (rc == ERR_OK)
        rules_load_bundle(&load, &bundle, &options);
    rules_load_free(&load);
    bundle_close(&bundle);
    return rc;
}

static int unpack(const struct rules_archive *archive, struct buf *bundle, struct buf *problems,
                  struct err *err)
{
    struct bundle_writer *w = bundle_writer_open();
    struct bundle_pack about = {archive->pack, SLICE(""),
                                slice_part(slice_from(archive->name), 0, ORIGIN_BYTES_MAX)};
    int rc = bundle_add_pack(w, &about, err);
    if (rc == ERR_OK)
        rc = bundle_add_archive(w, archive->pack, archive->name, archive->fd, problems, err);
    if (rc == ERR_OK && bundle_writer_count(w) == 0)
        rc = err_set(err, ERR_NOT_FOUND, "%.300s has no rules: %.300s", archive->name,
                     problems->len ? buf_text(problems) : "it is no archive of .yml files");
    if (rc == ERR_OK)
        rc = bundle_end(w, bundle, err);
    bundle_writer_close(&w);
    return rc ? rc : rules_try(buf_as_slice(bundle), err);
}

static int enclosed(const struct rules_archive *archive, struct buf *bundle, struct buf *problems,
                    struct err *err)
{
    const struct rlimit seconds = {RULES_UNPACK_SECONDS, RULES_UNPACK_SECONDS};
    const struct rlimit bytes = {RULES_UNPACK_MEMORY_BYTES, RULES_UNPACK_MEMORY_BYTES};
    struct sandbox sandbox = {0};
    unsigned layers;
    if (setrlimit(RLIMIT_CPU, &seconds) != 0 || (!SANITIZERS && setrlimit(RLIMIT_AS, &bytes) != 0))
        return err_set_errno(err, errno, "the process that unpacks cannot be limited");
    int rc = sandbox_enter(&sandbox, &layers, err);
    return rc ? rc : unpack(archive, bundle, problems, err);
}

static void child_run(const struct rules_archive *archive, int out)
{
    struct buf bundle = {0}, problems = {0}, result = {0};
    struct err err = {0};
    int rc = enclosed(archive, &bundle, &problems, &err);
    bytes_put_u32(&result, (uint32_t)rc);
    bytes_put_text(&result, slice_from(rc ? err.text : ""));
    message_put_long(&result, slice_part(buf_as_slice(&problems), 0, PROBLEMS_BYTES_MAX));
    message_put_long(&result, rc ? SLICE("") : buf_as_slice(&bundle));
    rc = io_write_all(out, result.data, result.len, &err);
    _exit(rc == ERR_OK ? 0 : 1);
}

/* ---- who waits for it ---- */

static int result_read(int from, struct buf *out, struct err *err)
{
    enum { STEP_BYTES = 1 << 20 };
    ssize_t got;
    do {
        buf_reserve(out, STEP_BYTES);
        got = pread(from, out->data + out->len, STEP_BYTES, (off_t)out->len);
        if (got < 0 && errno != EINTR)
            return err_set_errno(err, errno, "what was unpacked cannot be read");
        out->len += got > 0 ? (size_t)got : 0;
        if (out->len > RESULT_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "what was unpacked has more than %zu bytes",
                           RESULT_BYTES_MAX);
    } while (got != 0);
    return ERR_OK;
}

static int result_take(int from, struct buf *bundle, struct buf *problems, struct err *err)
{
    struct buf bytes = {0};
    int rc = result_read(from, &bytes, err);
    struct bytes_in in = bytes_in(buf_as_slice(&bytes));
    int code = (int32_t)bytes_take_u32(&in);
    struct slice why = bytes_take_text(&in, ERR_TEXT_BYTES);
    struct slice told = message_take_long(&in, PROBLEMS_BYTES_MAX);
    struct slice made = message_take_long(&in, BUNDLE_BYTES_MAX);
    if (rc == ERR_OK && (in.bad || bytes_left(&in)))
        rc = err_set(err, ERR_DAMAGED, "the process that unpacks said what cannot be read");
    else if (rc == ERR_OK && code)
        rc = err_set(err, code < 0 ? code : ERR_DAMAGED, "%.*s", (int)why.len, why.data);
    if (rc == ERR_OK) {
        buf_slice(problems, told);
        buf_slice(bundle, made);
    }
    buf_free(&bytes);
    return rc;
}

static int ended(const struct rules_archive *archive, int status, struct err *err)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return ERR_OK;
    if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL))
        return err_set(err, ERR_LIMIT,
                       "%.300s takes more than %d seconds to unpack and read: it is refused",
                       archive->name, RULES_UNPACK_SECONDS);
    return err_set(err, ERR_DAMAGED,
                   "%.300s brought the process that unpacks it to an end (%d), or needs more than "
                   "%zu MB: it is refused",
                   archive->name, WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                   RULES_UNPACK_MEMORY_BYTES >> 20);
}

int cli_rules_unpack(const struct rules_archive *archive, struct buf *bundle, struct buf *problems,
                     struct err *err)
{
    int status = 0, rc = ERR_OK;
    int out = memfd_create("canh-unpacked", MFD_CLOEXEC);
    if (out < 0)
        return err_set_errno(err, errno, "cannot make memory for the rules");
    pid_t child = fork();
    if (child == 0)
        child_run(archive, out);
    if (child < 0)
        rc = err_set_errno(err, errno, "cannot start the process that unpacks");
    while (rc == ERR_OK && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (rc == ERR_OK)
        rc = ended(archive, status, err);
    if (rc == ERR_OK)
        rc = result_take(out, bundle, problems, err);
    (void)close(out);
    return rc;
}
