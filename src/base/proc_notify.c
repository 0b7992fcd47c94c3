#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/proc.h"

/* Kept open: a sandbox lets no socket be made later. */
static int notify_socket(void)
{
    static bool tried;
    static int fd = -1;
    const char *path = getenv("NOTIFY_SOCKET");
    if (tried || !path)
        return fd;
    tried = true;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return fd;
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* a name without a file */
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    int made = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (made >= 0 && connect(made, (const struct sockaddr *)&address, size) == 0)
        fd = made;
    else if (made >= 0)
        (void)close(made);
    return fd;
}

void proc_notify(const char *state)
{
    int fd = notify_socket();
    size_t len = strlen(state);
    if (fd >= 0 && len > 0)
        while (send(fd, state, len, MSG_NOSIGNAL) < 0 && errno == EINTR)
            continue;
}

uint64_t proc_watchdog_ns(void)
{
    const char *period = getenv("WATCHDOG_USEC"), *whose = getenv("WATCHDOG_PID");
    uint64_t period_us, pid;
    if (!slice_to_u64(slice_from(period), &period_us) || period_us > UINT64_MAX / 1000u)
        return 0;
    if (whose && (!slice_to_u64(slice_from(whose), &pid) || pid != (uint64_t)getpid()))
        return 0;
    return period_us * 1000u / 2; /* twice a period, as sd_watchdog_enabled(3) asks */
}
