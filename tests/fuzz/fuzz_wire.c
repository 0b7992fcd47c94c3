/* A datagram as another process may send it: no crash, no descriptor lost or kept, and what is
 * taken is what its header says. First byte: how many descriptors come with it, and how many of the
 * last bytes are in a file. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/wire_inside.h"

static int file_of(struct slice bytes, int seals)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    check(fd >= 0);
    check(write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
    check(fcntl(fd, F_ADD_SEALS, seals) == 0);
    return fd;
}

static int lowest_free(void)
{
    int fd = dup(STDIN_FILENO);
    (void)close(fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire_message message; /* used again, as a role does */
    if (size < 1)
        return 0;
    int free_before = lowest_free();
    struct slice datagram = slice_make((const char *)data + 1, size - 1);
    size_t in_file = data[0] >> 3;
    uint32_t count = data[0] & 7u;
    if (count > WIRE_SENT_FDS_MAX)
        count = WIRE_SENT_FDS_MAX;
    if (in_file > datagram.len)
        in_file = datagram.len;
    datagram.len -= in_file;
    int fds[WIRE_SENT_FDS_MAX];
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    for (uint32_t i = 0; i < count; i++)
        fds[i] = file_of(slice_make(datagram.data + datagram.len, in_file), i == 1 ? 0 : seals);
    struct err err;
    int rc = wire_parse(datagram, fds, count, &message, &err);
    if (rc == ERR_OK) {
        bool file = bytes_u32(datagram.data + 8) == WIRE_FLAG_FILE;
        check(message.payload.len == bytes_u64(datagram.data + 24));
        check(message.payload.len == (file ? in_file : datagram.len - WIRE_HEADER_BYTES));
        check(message.fd_count == count - (file ? 1 : 0));
        for (uint32_t i = 0; i < message.fd_count; i++)
            check(fcntl(message.fds[i], F_GETFD) >= 0);
    } else {
        check(rc == err.code && err.text[0]);
        check(message.fd_count == 0 && message.payload.len == 0);
    }
    struct buf kept = message.payload;
    message.payload = (struct buf){0};
    wire_message_free(&message);
    message.payload = kept;
    check(lowest_free() == free_before);
    return 0;
}
