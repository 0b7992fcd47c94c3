/* Messages as they come in: nothing of them is believed before it was checked. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/wire_inside.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

enum {
    SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL,
    PAYLOAD_KEPT_BYTES_MAX = 1 << 20 /* a message's buffer is used again up to this size */
};

static int file_fill(int fd, struct slice payload, struct err *err)
{
    while (payload.len > 0) {
        ssize_t put = write(fd, payload.data, payload.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return err_set_errno(err, errno, "cannot put a message into memory for a wire");
        payload = slice_part(payload, (size_t)put, payload.len);
    }
    if (fcntl(fd, F_ADD_SEALS, SEALS) != 0)
        return err_set_errno(err, errno, "cannot seal a message for a wire");
    return ERR_OK;
}

int wire_file_make(struct slice payload, int *fd, struct err *err)
{
    int made = memfd_create("canh-wire", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (made < 0 && errno == EINVAL) /* before Linux 6.3 */
        made = memfd_create("canh-wire", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (made < 0)
        return err_set_errno(err, errno, "cannot make memory for a wire's message");
    int rc = file_fill(made, payload, err);
    if (rc == ERR_OK)
        *fd = made;
    else
        (void)close(made);
    return rc;
}

/* The payload is read, not mapped: a sealed file cannot change, and a copy cannot be unmapped or
 * cut under the reader by a kernel that sees seals otherwise. */
static int file_read(int fd, uint64_t length, struct buf *out, struct err *err)
{
    struct stat about;
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS) != SEALS)
        return err_set(err, ERR_SYNTAX, "a wire's message is in a file that is not sealed");
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || (uint64_t)about.st_size != length)
        return err_set(err, ERR_SYNTAX, "a wire's message is in a file of another size");
    buf_reserve(out, (size_t)length);
    while (out->len < length) {
        ssize_t got = pread(fd, out->data + out->len, (size_t)length - out->len, (off_t)out->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? err_set_errno(err, errno, "cannot read a wire's message")
                           : err_set(err, ERR_SYNTAX, "a wire's message ends before its length");
        out->len += (size_t)got;
    }
    return ERR_OK;
}

static void message_clear(struct wire_message *message)
{
    for (uint32_t i = 0; i < message->fd_count; i++)
        if (message->fds[i] >= 0)
            (void)close(message->fds[i]);
    message->type = 0;
    message->id = 0;
    message->fd_count = 0;
    if (message->payload.capacity > PAYLOAD_KEPT_BYTES_MAX)
        buf_free(&message->payload);
    buf_clear(&message->payload);
}

void wire_message_free(struct wire_message *message)
{
    message_clear(message);
    buf_free(&message->payload);
    *message = (struct wire_message){0};
}

int wire_take_fd(struct wire_message *message, uint32_t index)
{
    if (index >= message->fd_count)
        return -1;
    int fd = message->fds[index];
    message->fds[index] = -1;
    return fd;
}

static int message_fill(struct slice datagram, const int *fds, uint32_t fd_count,
                        struct wire_message *out, struct err *err)
{
    struct bytes_in in = bytes_in(datagram);
    uint32_t magic = bytes_take_u32(&in);
    uint16_t version = bytes_take_u16(&in);
    out->type = bytes_take_u16(&in);
    uint32_t flags = bytes_take_u32(&in), announced = bytes_take_u32(&in);
    out->id = bytes_take_u64(&in);
    uint64_t length = bytes_take_u64(&in);
    if (in.bad || magic != WIRE_MAGIC)
        return err_set(err, ERR_SYNTAX, "what came on a wire is no message of Canh");
    if (version != WIRE_VERSION)
        return err_set(err, ERR_SYNTAX,
                       "a wire's message is of version %u, this program speaks %u: run the same "
                       "version on both sides",
                       version, (unsigned)WIRE_VERSION);
    if (length > WIRE_BYTES_MAX || announced > WIRE_FDS_MAX)
        return err_set(err, ERR_LIMIT, "a wire's message announces more than can be");
    uint32_t files = flags == WIRE_FLAG_FILE ? 1 : 0;
    if (flags & ~(uint32_t)WIRE_FLAG_FILE || announced + files != fd_count)
        return err_set(err, ERR_SYNTAX, "a wire's message has not the descriptors it announces");
    if (bytes_left(&in) != (files ? 0 : length))
        return err_set(err, ERR_SYNTAX, "a wire's message has not the length it announces");
    for (; out->fd_count < announced; out->fd_count++)
        out->fds[out->fd_count] = fds[files + out->fd_count];
    if (!files) {
        buf_slice(&out->payload, bytes_take(&in, (size_t)length));
        return ERR_OK;
    }
    return file_read(fds[0], length, &out->payload, err);
}

int wire_parse(struct slice datagram, const int *fds, uint32_t fd_count, struct wire_message *out,
               struct err *err)
{
    message_clear(out);
    int rc = message_fill(datagram, fds, fd_count, out, err);
    for (uint32_t i = 0; i < fd_count - out->fd_count; i++) /* the file, or what is not given out */
        (void)close(fds[i]);
    if (rc != ERR_OK)
        message_clear(out);
    return rc;
}
