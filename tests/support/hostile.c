/* canh_hostile: connections to a port of this machine that do not behave.
 *   canh_hostile MODE PORT CONNECTIONS SECONDS FILE
 * MODE: hold (sends the file, then says nothing and reads nothing), slow (a byte each 100 ms),
 * flood (the file again and again, and reads nothing), count (sends it once, reads until the other
 * side closes or the time is over). All hold their connections until the time is over. Prints how
 * many connections were made, how many the other side closed, bytes sent and read, and how often
 * "HTTP/1.1 " was read. From 127.0.0.9, or what CANH_SEND_FROM names. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 2000, FILE_BYTES_MAX = 32 << 20, SLOW_MS = 100, ANSWER_BYTES = 65536 };

enum mode { HOLD, SLOW, FLOOD, COUNT, MODES };
static const char *const mode_names[MODES] = {"hold", "slow", "flood", "count"};

static enum mode mode;
static char data[FILE_BYTES_MAX];
static size_t data_len, sent_of[CONNECTIONS_MAX];
static struct pollfd polls[CONNECTIONS_MAX];
static char answer[ANSWER_BYTES + 1];
static uint64_t made, closed, bytes_sent, bytes_read, answers;

static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static int connection_open(const char *port)
{
    const char *from = getenv("CANH_SEND_FROM");
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    struct sockaddr_in own = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), few = 4096;
    (void)inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    (void)inet_pton(AF_INET, from ? from : "127.0.0.9", &own.sin_addr);
    if (fd < 0)
        return -1;
    if (mode == FLOOD) /* it reads nothing: answers fill what little there is */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof(few));
    if (bind(fd, (const struct sockaddr *)&own, sizeof(own)) != 0 ||
        connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        (void)close(fd);
        return -1;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void connection_end(struct pollfd *p)
{
    (void)close(p->fd);
    p->fd = -1;
    closed++;
}

static void connection_send(struct pollfd *p, size_t *at)
{
    size_t most = mode == SLOW ? 1 : data_len - *at;
    if (*at == data_len)
        return;
    ssize_t sent = send(p->fd, data + *at, most, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        connection_end(p);
        return;
    }
    if (sent > 0) {
        *at += (size_t)sent;
        bytes_sent += (uint64_t)sent;
    }
    if (*at == data_len && mode == FLOOD)
        *at = 0;
}

static void connection_read(struct pollfd *p)
{
    ssize_t got = recv(p->fd, answer, ANSWER_BYTES, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN)) {
        connection_end(p);
        return;
    }
    if (got <= 0)
        return;
    answer[got] = '\0';
    bytes_read += (uint64_t)got;
    for (const char *s = answer; (s = strstr(s, "HTTP/1.1 ")) != NULL; s++)
        answers++;
}

static void turn(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool more = mode != SLOW && sent_of[i] < data_len;
        polls[i].events = (short)((more ? POLLOUT : 0) | (mode == COUNT ? POLLIN : 0));
    }
    (void)poll(polls, count, SLOW_MS);
    for (size_t i = 0; i < count; i++) {
        if (polls[i].fd < 0)
            continue;
        if (mode == SLOW || polls[i].revents & POLLOUT)
            connection_send(&polls[i], &sent_of[i]);
        if (polls[i].fd >= 0 && mode == COUNT && polls[i].revents & (POLLIN | POLLHUP | POLLERR))
            connection_read(&polls[i]);
        else if (polls[i].fd >= 0 && polls[i].revents & (POLLHUP | POLLERR))
            connection_end(&polls[i]);
    }
}

static int file_load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    if (fd < 0)
        return -1;
    while (data_len < FILE_BYTES_MAX &&
           (got = read(fd, data + data_len, FILE_BYTES_MAX - data_len)) > 0)
        data_len += (size_t)got;
    return close(fd);
}

int main(int argc, char **argv)
{
    struct rlimit files;
    if (argc != 6)
        return 2;
    while (mode < MODES && strcmp(argv[1], mode_names[mode]) != 0)
        mode++;
    size_t wanted = strtoull(argv[3], NULL, 10);
    uint64_t until = now_ms() + strtoull(argv[4], NULL, 10) * 1000u;
    if (mode == MODES || wanted > CONNECTIONS_MAX || file_load(argv[5]) != 0)
        return 2;
    (void)signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    for (size_t i = 0; i < wanted; i++) {
        polls[i].fd = connection_open(argv[2]);
        made += polls[i].fd >= 0;
    }
    while (now_ms() < until && closed < made) {
        uint64_t began = now_ms();
        turn(wanted);
        if (mode == SLOW && now_ms() - began < SLOW_MS) {
            struct timespec wait = {.tv_nsec = (long)(SLOW_MS - (now_ms() - began)) * 1000000};
            (void)nanosleep(&wait, NULL);
        }
    }
    printf("{\"connections\":%llu,\"closed\":%llu,\"sent\":%llu,\"read\":%llu,\"answers\":%llu}\n",
           (unsigned long long)made, (unsigned long long)closed, (unsigned long long)bytes_sent,
           (unsigned long long)bytes_read, (unsigned long long)answers);
    return 0;
}
