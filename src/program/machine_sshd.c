/* Which port an sshd listens on, by what the kernel says of processes and sockets. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "program/machine.h"

enum { TABLE_BYTES_MAX = 4 << 20, COMM_BYTES_MAX = 64, LISTENING = 10, SSHD_USUAL = 22 };

static bool hex_read(struct slice text, uint64_t *out)
{
    static const char digits[] = "0123456789ABCDEF";
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = text.data[i] ? strchr(digits, text.data[i]) : NULL;
        if (!digit || i == 16)
            return false;
        *out = *out << 4 | (uint64_t)(digit - digits);
    }
    return text.len > 0;
}

static struct slice word_next(struct slice *rest)
{
    while (rest->len && rest->data[0] == ' ')
        *rest = slice_part(*rest, 1, SIZE_MAX);
    return slice_cut(rest, ' ');
}

/* A line of /proc/net/tcp: a socket that listens on loopback or everywhere; 0 otherwise. */
static uint16_t listening_port(struct slice line, uint64_t *inode)
{
    uint64_t port, state;
    struct slice words[10] = {{0}};
    for (int i = 0; i < 10; i++)
        words[i] = word_next(&line);
    struct slice rest = words[1], address = slice_cut(&rest, ':');
    bool everywhere = address.len > 0;
    for (size_t i = 0; i < address.len; i++)
        everywhere = everywhere && address.data[i] == '0';
    bool loopback = slice_equal(address, SLICE("0100007F")) ||
                    slice_equal(address, SLICE("00000000000000000000000001000000"));
    if ((!everywhere && !loopback) || !hex_read(words[3], &state) || state != LISTENING ||
        !hex_read(rest, &port) || !slice_to_u64(words[9], inode))
        return 0;
    return (uint16_t)port;
}

/* Of the socket with that inode; 0: it does not listen. Without an inode: whether SSHD_USUAL is
 * listened on at all. */
static uint16_t port_of_socket(const struct buf *table, uint64_t wanted)
{
    struct slice rest = buf_as_slice(table);
    while (rest.len) {
        uint64_t inode = 0;
        uint16_t port = listening_port(slice_cut(&rest, '\n'), &inode);
        if (port && (wanted ? inode == wanted : port == SSHD_USUAL))
            return port;
    }
    return 0;
}

static uint16_t port_of_process(const struct buf *table, const char *process)
{
    char path[320], target[64];
    uint16_t port = 0;
    (void)snprintf(path, sizeof(path), "/proc/%.20s/fd", process);
    DIR *folder = opendir(path);
    if (!folder)
        return port_of_socket(table, 0);
    const struct dirent *entry;
    while (port == 0 && (entry = readdir(folder)) != NULL) {
        uint64_t inode = 0;
        (void)snprintf(path, sizeof(path), "/proc/%.20s/fd/%.20s", process, entry->d_name);
        ssize_t len = readlink(path, target, sizeof(target));
        struct slice text = slice_make(target, len > 0 ? (size_t)len : 0);
        if (!slice_starts(text, SLICE("socket:[")) || !slice_ends(text, SLICE("]")) ||
            !slice_to_u64(slice_part(text, 8, text.len - 9), &inode))
            continue;
        port = port_of_socket(table, inode);
    }
    (void)closedir(folder);
    return port;
}

static bool is_sshd(const char *process)
{
    char path[64];
    struct buf name = {0};
    struct err err;
    uint64_t number;
    if (!slice_to_u64(slice_from(process), &number))
        return false;
    (void)snprintf(path, sizeof(path), "/proc/%.20s/comm", process);
    bool is = io_read_file(&name, path, COMM_BYTES_MAX, &err) == ERR_OK &&
              slice_equal(slice_trim(buf_as_slice(&name)), SLICE("sshd"));
    buf_free(&name);
    return is;
}

uint16_t machine_port_of_sshd(void)
{
    struct buf table = {0};
    struct err err;
    uint16_t port = 0;
    if (io_read_file(&table, "/proc/net/tcp", TABLE_BYTES_MAX, &err) != ERR_OK)
        buf_clear(&table);
    if (io_read_file(&table, "/proc/net/tcp6", TABLE_BYTES_MAX, &err) != ERR_OK && !table.len)
        return 0;
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    while (folder && port == 0 && (entry = readdir(folder)) != NULL)
        if (is_sshd(entry->d_name))
            port = port_of_process(&table, entry->d_name);
    if (folder)
        (void)closedir(folder);
    buf_free(&table);
    return port;
}
