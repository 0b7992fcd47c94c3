/* Files of outputs: opened for the courier, which may open nothing; and again when the path names
 * another file than before, as after a log rotation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "program/parent.h"

enum { FILE_MODE = 0640 };

/* Links are not followed, so that who may write into the folder cannot point at other files.
 * Readable: the courier looks whether the last line was cut. */
static int output_open(const char *path, struct stat *about, struct err *err)
{
    int fd =
        open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
             FILE_MODE);
    if (fd < 0) {
        (void)err_set_errno(err, errno, "%s cannot be opened for appending", path);
    } else if (fstat(fd, about) != 0 || !S_ISREG(about->st_mode)) {
        (void)err_set(err, ERR_USAGE, "%s is no file: give another path", path);
    } else if (about->st_mode & S_IWOTH) {
        (void)err_set(err, ERR_USAGE, "%s may be changed by everybody: chmod o-w %s", path, path);
    } else {
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static bool is_the_same(const struct parent_output *known, const char *path)
{
    struct stat about;
    return known->is_open && lstat(path, &about) == 0 && about.st_ino == known->inode &&
           about.st_dev == known->device;
}

static void output_send(struct parent_output *known, const struct config_output *output,
                        struct wire *wire)
{
    struct buf payload = {0};
    struct stat about;
    struct err err;
    int fd = output_open(output->path.data, &about, &err);
    if (fd < 0 && (!known->is_told || known->is_open))
        log_say(LOG_ERROR, "output", "output %.*s: %s", (int)output->row.name.len,
                output->row.name.data, err.text);
    *known = (struct parent_output){.is_open = fd >= 0, .is_told = true};
    if (fd < 0)
        return;
    known->inode = about.st_ino;
    known->device = about.st_dev;
    bytes_put_text(&payload, output->row.name);
    bytes_put_text(&payload, output->path);
    bytes_put_u64(&payload, about.st_ino);
    bytes_put_u64(&payload, about.st_dev);
    if (wire_send(wire, MESSAGE_FILE, 0, buf_as_slice(&payload), &fd, 1, &err) != ERR_OK) {
        log_err(LOG_WARNING, "output", &err);
        known->is_open = false;
    }
    buf_free(&payload);
    (void)close(fd);
}

void parent_outputs_send(struct parent *p, struct wire *wire, bool only_new)
{
    const struct config_output *outputs = p->config->outputs.items;
    for (uint32_t i = 0; i < p->config->outputs.count; i++)
        if (slice_equal(outputs[i].kind, SLICE("file")) &&
            !(only_new && is_the_same(&p->outputs[i], outputs[i].path.data)))
            output_send(&p->outputs[i], &outputs[i], wire);
}
