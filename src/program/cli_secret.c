/* Secrets from files, from standard input, and from a terminal without echo. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/io.h"
#include "program/cli_node.h"

void cli_secret_wipe(struct buf *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->capacity);
    buf_free(secret);
}

/* The first line; what follows it is refused, so that nobody takes a whole file for a password. */
static int first_line(struct buf *out, size_t start, const char *what, struct err *err)
{
    while (out->len > start && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->len--;
    if (out->len == start)
        return err_set(err, ERR_USAGE, "%s is empty: it holds the secret as one line", what);
    if (memchr(out->data + start, '\n', out->len - start) ||
        memchr(out->data + start, 0, out->len - start))
        return err_set(err, ERR_USAGE, "%s has more than one line: it holds the secret as one line",
                       what);
    return ERR_OK;
}

int cli_secret_file(const char *path, struct buf *out, struct err *err)
{
    struct stat about;
    size_t start = out->len;
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode) && (about.st_mode & 077))
        return err_set(
            err, ERR_USAGE,
            "%s can be read by others: `chmod 600 %s`, and change the secret if somebody "
            "may have seen it",
            path, path);
    buf_reserve(out, CLI_SECRET_BYTES_MAX + 1);
    int rc = io_read_file(out, path, CLI_SECRET_BYTES_MAX, err);
    return rc ? rc : first_line(out, start, path, err);
}

int cli_secret_stdin(struct buf *out, struct err *err)
{
    size_t start = out->len;
    ssize_t got = 1;
    buf_reserve(out, CLI_SECRET_BYTES_MAX + 1); /* no copies are left behind by growing */
    while (got > 0 && out->len - start <= CLI_SECRET_BYTES_MAX) {
        got =
            read(STDIN_FILENO, out->data + out->len, CLI_SECRET_BYTES_MAX + 1 - (out->len - start));
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            out->len += (size_t)got;
    }
    if (got < 0)
        return err_set_errno(err, errno, "standard input");
    if (out->len - start > CLI_SECRET_BYTES_MAX)
        return err_set(err, ERR_LIMIT, "standard input: a secret has at most %d bytes",
                       CLI_SECRET_BYTES_MAX);
    return first_line(out, start, "standard input", err);
}

static int line_ask(int fd, const char *prompt, struct buf *out, struct err *err)
{
    char c = 0;
    struct err ignored;
    size_t start = out->len;
    int rc = io_write_all(fd, prompt, strlen(prompt), err);
    buf_reserve(out, CLI_SECRET_BYTES_MAX);
    while (rc == ERR_OK && read(fd, &c, 1) == 1 && c != '\n')
        if (out->len - start < CLI_SECRET_BYTES_MAX)
            buf_char(out, c);
    (void)!io_write_all(fd, "\n", 1, &ignored);
    return rc;
}

int cli_secret_ask(const char *prompt, bool twice, bool vietnamese, struct buf *out,
                   struct err *err)
{
    struct termios before, quiet;
    struct buf again = {0};
    size_t start = out->len;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return err_set(err, ERR_USAGE,
                       vietnamese ? "không có thiết bị đầu cuối để hỏi: hãy dùng --...-stdin hoặc "
                                    "--...-file"
                                  : "there is no terminal to ask on: give the secret by "
                                    "--...-stdin or --...-file");
    }
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ICANON;
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    int rc = line_ask(fd, prompt, out, err);
    if (rc == ERR_OK && twice)
        rc = line_ask(fd, vietnamese ? "Nhập lại: " : "Once more: ", &again, err);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)close(fd);
    if (rc == ERR_OK && twice &&
        !slice_equal(slice_part(buf_as_slice(out), start, SIZE_MAX), buf_as_slice(&again)))
        rc = err_set(err, ERR_USAGE,
                     vietnamese ? "hai lần nhập không giống nhau: hãy làm lại"
                                : "the two are not the same: try again");
    if (rc == ERR_OK && out->len == start)
        rc = err_set(err, ERR_USAGE, vietnamese ? "chưa nhập gì" : "nothing was given");
    cli_secret_wipe(&again);
    return rc;
}
