/* Courier: lines appended to a file that the parent opened. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/courier_output.h"

struct file_line {
    const struct config_output *config;
    int fd;       /* -1: the parent could not open it */
    bool is_torn; /* its last line has no end */
    struct buf out;
};

static void *file_open(const struct courier_line_options *options)
{
    struct file_line *l = mem_zeroed(1, sizeof(*l));
    l->config = options->config;
    l->fd = -1;
    return l;
}

static void file_close(void *line)
{
    struct file_line *l = line;
    if (l->fd >= 0)
        (void)close(l->fd);
    buf_free(&l->out);
    mem_free(l);
}

/* A kill may have cut a line: the next one begins on its own. */
static bool is_torn(int fd)
{
    struct stat about;
    char last = '\n';
    if (fstat(fd, &about) != 0 || about.st_size == 0)
        return false;
    return pread(fd, &last, 1, about.st_size - 1) != 1 || last != '\n';
}

static void file_take(void *line, int fd)
{
    struct file_line *l = line;
    if (l->fd >= 0)
        (void)close(l->fd);
    l->fd = fd;
    l->is_torn = is_torn(fd);
}

static int bytes_write(struct file_line *l, struct slice bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t n = write(l->fd, bytes.data, bytes.len);
        if (n < 0 && errno != EINTR)
            return err_set(err, ERR_IO, "%s: %s", l->config->path.data, strerror(errno));
        if (n > 0)
            bytes = slice_part(bytes, (size_t)n, SIZE_MAX);
    }
    return ERR_OK;
}

static int file_send(void *line, const struct courier_batch *batch, uint32_t *refused,
                     struct err *err)
{
    struct file_line *l = line;
    *refused = 0;
    if (l->fd < 0)
        return err_set(err, ERR_IO, "%s could not be opened: the log of the service says why",
                       l->config->path.data);
    buf_clear(&l->out);
    if (l->is_torn)
        buf_char(&l->out, '\n');
    for (uint32_t i = 0; i < batch->count; i++)
        buf_slice(&l->out, batch->items[i]);
    int rc = bytes_write(l, buf_as_slice(&l->out), err);
    l->is_torn = rc != ERR_OK && is_torn(l->fd);
    if (rc == ERR_OK && fdatasync(l->fd) != 0 && errno != EINVAL)
        rc = err_set(err, ERR_IO, "%s: %s", l->config->path.data, strerror(errno));
    return rc;
}

const struct courier_kind courier_file = {
    .name = "file", .open = file_open, .send = file_send, .file = file_take, .close = file_close};
