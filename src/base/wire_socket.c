/* Sockets that wires run on. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/wire_inside.h"

enum { SOCKET_BUFFER_BYTES = 1 << 20, LISTEN_BACKLOG = 128, CONNECT_SECONDS = 5 };

void wire_buffer_set(int fd)
{
    int wanted = SOCKET_BUFFER_BYTES;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted, sizeof(wanted));
}

int wire_pair(int out[2], struct err *err)
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, out) != 0)
        return err_set_errno(err, errno, "cannot make a wire");
    wire_buffer_set(out[0]);
    wire_buffer_set(out[1]);
    return ERR_OK;
}

int wire_peer(int fd, struct wire_peer *out, struct err *err)
{
    struct ucred who;
    socklen_t size = sizeof(who);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return err_set_errno(err, errno, "cannot tell who is at the other side of a socket");
    *out = (struct wire_peer){who.uid, who.gid, who.pid};
    return ERR_OK;
}

static int address_make(struct sockaddr_un *address, const char *path, struct err *err)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t len = strlen(path);
    if (len >= sizeof(address->sun_path))
        return err_set(err, ERR_LIMIT,
                       "%s: the path of a socket has at most %zu bytes: use a data folder with a "
                       "shorter path",
                       path, sizeof(address->sun_path) - 1);
    memcpy(address->sun_path, path, len + 1);
    return ERR_OK;
}

/* Only a socket is removed, so that a wrong path costs nobody a file. */
static int old_socket_remove(const char *path, struct err *err)
{
    struct stat about;
    if (lstat(path, &about) != 0)
        return errno == ENOENT ? ERR_OK : err_set_errno(err, errno, "%s", path);
    if (!S_ISSOCK(about.st_mode))
        return err_set(err, ERR_IO, "%s is no socket: move it away", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return err_set_errno(err, errno, "%s: cannot be replaced", path);
    return ERR_OK;
}

int wire_listen(const char *path, unsigned mode, int *fd, struct err *err)
{
    struct sockaddr_un address;
    int rc = address_make(&address, path, err);
    if (rc == ERR_OK)
        rc = old_socket_remove(path, err);
    if (rc != ERR_OK)
        return rc;
    int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return err_set_errno(err, errno, "cannot make a socket");
    /* before bind, so that the file never stands there with more rights; after it, since bind takes
     * the umask away */
    if (fchmod(made, (mode_t)mode) != 0 ||
        bind(made, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        chmod(path, (mode_t)mode) != 0 || listen(made, LISTEN_BACKLOG) != 0) {
        rc = err_set_errno(err, errno, "%s: cannot listen", path);
        (void)close(made);
        return rc;
    }
    *fd = made;
    return ERR_OK;
}

int wire_connect(const char *path, int *fd, struct err *err)
{
    struct sockaddr_un address;
    int rc = address_make(&address, path, err);
    if (rc != ERR_OK)
        return rc;
    int made = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (made < 0)
        return err_set_errno(err, errno, "cannot make a socket");
    struct timeval most = {.tv_sec = CONNECT_SECONDS};
    (void)setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
    if (connect(made, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        *fd = made;
        return ERR_OK;
    }
    if (errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED)
        rc = err_set(err, ERR_NOT_FOUND, "%s: nobody listens (is canh serve running?)", path);
    else if (errno == EAGAIN)
        rc = err_set(err, ERR_BUSY, "%s: takes no connection in %d s", path, CONNECT_SECONDS);
    else
        rc = err_set_errno(err, errno, "%s: cannot connect", path);
    (void)close(made);
    return rc;
}
