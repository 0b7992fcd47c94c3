#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "formats/evtx_io.h"

struct io {
    int fd;
    off_t at;
    bool is_open;
};

/* libbfio hands its users' handles around as pointers to a number. */
static struct io *io_of(intptr_t *handle)
{
    return (struct io *)(void *)handle;
}

static intptr_t *io_make(int fd)
{
    struct io *io = mem_zeroed(1, sizeof(*io));
    io->fd = fd;
    return (intptr_t *)(void *)io;
}

static int io_free(intptr_t **handle, libbfio_error_t **error)
{
    (void)error;
    mem_free(*handle);
    *handle = NULL;
    return 1;
}

static int io_clone(intptr_t **to, intptr_t *from, libbfio_error_t **error)
{
    (void)error;
    *to = io_make(io_of(from)->fd);
    return 1;
}

static int io_open(intptr_t *handle, int flags, libbfio_error_t **error)
{
    (void)flags;
    (void)error;
    io_of(handle)->is_open = true;
    io_of(handle)->at = 0;
    return 1;
}

static int io_close(intptr_t *handle, libbfio_error_t **error)
{
    (void)error;
    io_of(handle)->is_open = false;
    return 0;
}

static ssize_t io_read(intptr_t *handle, uint8_t *to, size_t size, libbfio_error_t **error)
{
    struct io *io = io_of(handle);
    size_t got = 0;
    (void)error;
    while (got < size) {
        ssize_t part = pread(io->fd, to + got, size - got, io->at);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return -1;
        if (part == 0)
            break;
        got += (size_t)part;
        io->at += part;
    }
    return (ssize_t)got;
}

static ssize_t io_write(intptr_t *handle, const uint8_t *from, size_t size, libbfio_error_t **error)
{
    (void)handle;
    (void)from;
    (void)size;
    (void)error;
    return -1;
}

static int io_size(intptr_t *handle, size64_t *size, libbfio_error_t **error)
{
    struct stat about;
    (void)error;
    if (fstat(io_of(handle)->fd, &about) != 0)
        return -1;
    *size = (size64_t)about.st_size;
    return 1;
}

static off64_t io_seek(intptr_t *handle, off64_t offset, int whence, libbfio_error_t **error)
{
    struct io *io = io_of(handle);
    size64_t size;
    if (whence == SEEK_CUR)
        offset += io->at;
    else if (whence == SEEK_END && io_size(handle, &size, error) == 1)
        offset += (off64_t)size;
    else if (whence != SEEK_SET)
        return -1;
    if (offset < 0)
        return -1;
    io->at = offset;
    return offset;
}

static int io_exists(intptr_t *handle, libbfio_error_t **error)
{
    (void)handle;
    (void)error;
    return 1;
}

static int io_is_open(intptr_t *handle, libbfio_error_t **error)
{
    (void)error;
    return io_of(handle)->is_open ? 1 : 0;
}

bool evtx_io_open(libbfio_handle_t **out, int fd)
{
    intptr_t *io = io_make(fd);
    *out = NULL;
    if (libbfio_handle_initialize(
            out, io, io_free, io_clone, io_open, io_close, io_read, io_write, io_seek, io_exists,
            io_is_open, io_size,
            LIBBFIO_FLAG_IO_HANDLE_MANAGED | LIBBFIO_FLAG_IO_HANDLE_CLONE_BY_FUNCTION, NULL) == 1)
        return true;
    (void)io_free(&io, NULL);
    return false;
}
