/* canh_send: puts bytes on a port of this machine.
 *   canh_send udp PORT FILE...                 each file as a datagram
 *   canh_send tcp PORT FILE...                 all files over one connection
 *   canh_send udp-flood PORT COUNT BYTES RATE  numbered syslog messages, RATE a second (0: at once)
 *   canh_send tcp-flood PORT COUNT BYTES RATE
 * From 127.0.0.1, or the address of 127.0.0.0/8 that CANH_SEND_FROM names. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 8 << 20, BATCH = 64, MESSAGE_BYTES_MAX = 60000 };

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int connected(int type, const char *port)
{
    const char *from = getenv("CANH_SEND_FROM");
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    (void)inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    (void)inet_pton(AF_INET, from ? from : "127.0.0.1", &own.sin_addr);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof(own)) != 0 ||
        connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
        return -1;
    return fd;
}

static bool put(int fd, const char *data, size_t len)
{
    do {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);
        if (sent < 0)
            return false;
        data += sent;
        len -= (size_t)sent;
    } while (len > 0);
    return true;
}

/* What a pipe has goes on at once. */
static int files_send(int fd, char **paths)
{
    static char data[FILE_BYTES_MAX];
    for (; *paths; paths++) {
        ssize_t len = 0;
        int file = open(*paths, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return fail(*paths);
        while ((len = read(file, data, sizeof(data))) > 0)
            if (!put(fd, data, (size_t)len))
                return fail("send");
        (void)close(file);
    }
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t message_make(char *out, uint64_t number, size_t bytes, bool is_line)
{
    int len = snprintf(out, MESSAGE_BYTES_MAX,
                       "<38>1 2026-11-22T10:00:00Z host%llu.example app - - - number=%llu ",
                       (unsigned long long)(number % 50), (unsigned long long)number);
    while ((size_t)len < bytes)
        out[len++] = 'x';
    if (is_line)
        out[len++] = '\n';
    return (size_t)len;
}

static bool batch_send(int fd, bool is_line, uint64_t from, uint64_t count, size_t bytes)
{
    static char texts[BATCH][MESSAGE_BYTES_MAX + 1];
    static char stream[BATCH * (MESSAGE_BYTES_MAX + 1)];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec parts[BATCH];
    size_t all = 0;
    for (uint64_t i = 0; i < count; i++) {
        size_t len = message_make(texts[i], from + i, bytes, is_line);
        parts[i] = (struct iovec){texts[i], len};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        if (is_line)
            memcpy(stream + all, texts[i], len);
        all += len;
    }
    if (is_line)
        return put(fd, stream, all);
    for (uint64_t sent = 0; sent < count;) {
        int rc = sendmmsg(fd, messages + sent, (unsigned)(count - sent), 0);
        if (rc < 0)
            return false;
        sent += (uint64_t)rc;
    }
    return true;
}

static int flood(int fd, bool is_line, char **words)
{
    uint64_t count = strtoull(words[0], NULL, 10), rate = strtoull(words[2], NULL, 10);
    size_t bytes = strtoull(words[1], NULL, 10);
    uint64_t began = now_ns(), sent = 0;
    if (bytes >= MESSAGE_BYTES_MAX)
        bytes = MESSAGE_BYTES_MAX - 1;
    while (sent < count) {
        uint64_t part = count - sent < BATCH ? count - sent : BATCH;
        if (!batch_send(fd, is_line, sent, part, bytes))
            return fail("send");
        sent += part;
        uint64_t due = rate ? began + sent * 1000000000u / rate : 0, now = now_ns();
        if (due > now + 1000000) {
            struct timespec pause = {.tv_nsec = (long)((due - now) % 1000000000u)};
            (void)nanosleep(&pause, NULL);
        }
    }
    printf("{\"messages\":%llu,\"seconds\":%.3f}\n", (unsigned long long)sent,
           (double)(now_ns() - began) / 1e9);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    bool is_line = strncmp(argv[1], "tcp", 3) == 0;
    int fd = connected(is_line ? SOCK_STREAM : SOCK_DGRAM, argv[2]);
    if (fd < 0)
        return fail("connect");
    int rc = strstr(argv[1], "flood") && argc == 6 ? flood(fd, is_line, argv + 3)
                                                   : files_send(fd, argv + 3);
    (void)close(fd);
    return rc;
}
