#include "program/machine.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/listen.h"
#include "base/proc.h"

enum { PATH_BYTES = 4096, JOURNAL_WAIT_MS = 5000 };

/* Logs of Debian and its kin. twice_in: whose lines they are, too: those of the journal wherever
 * there is one, and of the general log on machines without. */
static const struct {
    const char *source, *path, *twice_in;
    bool in_journal;
} known_logs[] = {
    {"system", "syslog", NULL, true},
    {"system", "messages", NULL, true},
    {"auth", "auth.log", NULL, true},
    {"auth", "secure", NULL, true},
    {"mail", "mail.log", "system", true},
    {"mail", "maillog", NULL, true},
    {"audit", "audit/audit.log", NULL, false},
    {"nginx", "nginx/access.log", NULL, false},
    {"nginx", "nginx/error.log", NULL, false},
    {"apache", "apache2/access.log", NULL, false},
    {"apache", "apache2/other_vhosts_access.log", NULL, false},
    {"apache", "apache2/error.log", NULL, false},
    {"apache", "httpd/access_log", NULL, false},
    {"apache", "httpd/error_log", NULL, false},
    {"samba", "samba/log.smbd", NULL, false},
    {"proxy", "squid/access.log", NULL, false},
    {"ftp", "vsftpd.log", NULL, false},
    {"database", "mysql/error.log", NULL, false},
    {"rdp", "xrdp-sesman.log", NULL, false},
};

/* The group that may read it; the one that may enter its folder where not even that may be seen. */
static struct slice group_of(struct machine_look *look, const char *path)
{
    char folder[PATH_BYTES];
    struct stat about;
    const struct group *group;
    bool seen = lstat(path, &about) == 0;
    if (!seen) {
        (void)snprintf(folder, sizeof(folder), "%s", path);
        char *slash = strrchr(folder, '/');
        if (!slash)
            return SLICE("");
        *slash = '\0';
        seen = stat(folder, &about) == 0;
    }
    if (!seen || !(about.st_mode & S_IRGRP) || about.st_gid == 0)
        return SLICE("");
    group = getgrgid(about.st_gid);
    return group ? arena_copy(&look->arena, slice_from(group->gr_name)) : SLICE("");
}

void machine_look_file(struct machine_look *look, struct machine_log *log)
{
    struct stat about = {0};
    const char *path = arena_printf(&look->arena, "%.*s", (int)log->path.len, log->path.data).data;
    log->group = SLICE("");
    if (lstat(path, &about) != 0 && errno != EACCES)
        log->state = MACHINE_MISSING;
    else if (access(path, R_OK) == 0)
        log->state = S_ISREG(about.st_mode) ? MACHINE_READABLE : MACHINE_MISSING;
    else
        log->state = MACHINE_REFUSED;
    if (log->state == MACHINE_REFUSED)
        log->group = group_of(look, path);
}

static bool has_readable(const struct machine_look *look, const char *source)
{
    for (uint32_t i = 0; i < look->log_count; i++)
        if (look->logs[i].state == MACHINE_READABLE && strcmp(look->logs[i].source, source) == 0)
            return true;
    return false;
}

static void logs_look(struct machine_look *look, const char *folder)
{
    for (size_t i = 0; i < sizeof(known_logs) / sizeof(known_logs[0]); i++) {
        struct machine_log log = {.source = known_logs[i].source};
        log.path = arena_printf(&look->arena, "%s/%s", folder, known_logs[i].path);
        machine_look_file(look, &log);
        if (log.state == MACHINE_MISSING)
            continue;
        if (known_logs[i].in_journal && look->journal == MACHINE_READABLE)
            log.twice_in = "journal";
        else if (known_logs[i].twice_in && has_readable(look, known_logs[i].twice_in))
            log.twice_in = known_logs[i].twice_in;
        if (log.twice_in)
            log.state = MACHINE_TWICE;
        look->logs[look->log_count++] = log;
    }
}

void machine_log_why(const struct machine_log *log, bool vi, struct buf *out)
{
    const struct passwd *user = getpwuid(geteuid());
    const char *name = user ? user->pw_name : "USER";
    if (log->state == MACHINE_TWICE)
        buf_printf(out, vi ? "các dòng này cũng có trong nguồn %s" : "its lines come by %s, too",
                   log->twice_in);
    else if (log->state == MACHINE_MISSING)
        buf_string(out, vi ? "không có tệp này" : "there is no such file");
    else if (log->group.len)
        buf_printf(out,
                   vi ? "%s không có quyền đọc: chạy `sudo usermod -aG %.*s %s` rồi đăng nhập lại"
                      : "%s may not read it: run `sudo usermod -aG %.*s %s`, then log in anew",
                   name, (int)log->group.len, log->group.data, name);
    else
        buf_printf(out,
                   vi ? "%s không có quyền đọc: chạy bằng root (sudo)"
                      : "%s may not read it: run this as root (sudo)",
                   name);
}

/* ---- the journal ---- */

/* Whether a program writes anything to its standard output within JOURNAL_WAIT_MS. */
static int says_something(const char *const *arguments, bool *says)
{
    struct proc_start start = {
        .path = arguments[0], .arguments = arguments, .input = -1, .ends_with_parent = true};
    char bytes[256];
    struct err err;
    int ends[2], status;
    pid_t pid;
    *says = false;
    if (pipe(ends) != 0)
        return ERR_IO;
    start.output = ends[1];
    int rc = proc_start(&start, &pid, &err);
    (void)close(ends[1]);
    if (rc == ERR_OK) {
        struct pollfd readable = {.fd = ends[0], .events = POLLIN};
        *says = poll(&readable, 1, JOURNAL_WAIT_MS) > 0 && read(ends[0], bytes, sizeof(bytes)) > 0;
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
    }
    (void)close(ends[0]);
    return rc;
}

static const char *journalctl_path(void)
{
    static const char *const paths[] = {"/usr/bin/journalctl", "/bin/journalctl"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

static void journal_none(struct machine_look *look, enum machine_state state, const char *english,
                         const char *vietnamese)
{
    look->journal = state;
    look->journal_en = slice_from(english);
    look->journal_vi = slice_from(vietnamese);
}

static void journal_look(struct machine_look *look, const char *folder)
{
    const char *program = journalctl_path();
    const char *local[] = {program, "-q", "-n", "1", "-o", "cat", "--no-pager", NULL};
    bool says = false;
    if (!program) {
        journal_none(look, MACHINE_MISSING,
                     "there is no journalctl on this machine: its logs are read as files",
                     "máy này không có journalctl: nhật ký được đọc từ các tệp");
    } else if (folder) {
        look->journal = access(folder, R_OK | X_OK) == 0 ? MACHINE_READABLE : MACHINE_REFUSED;
        look->journal_en = arena_printf(&look->arena,
                                        "%s cannot be read: name a folder that "
                                        "this user may read",
                                        folder);
        look->journal_vi = arena_printf(
            &look->arena, "không đọc được %s: hãy chọn thư mục mà người dùng này đọc được", folder);
    } else if (access("/run/systemd/journal/socket", F_OK) != 0) {
        journal_none(look, MACHINE_MISSING,
                     "systemd-journald does not run here (a container?): logs are read as files",
                     "systemd-journald không chạy ở đây (container?): nhật ký được đọc từ các tệp");
    } else if (says_something(local, &says) != ERR_OK || !says) {
        journal_none(look, MACHINE_REFUSED,
                     "this user may not read it: run `sudo usermod -aG systemd-journal $USER`, "
                     "then log in anew",
                     "người dùng này không có quyền đọc: chạy `sudo usermod -aG systemd-journal "
                     "$USER` rồi đăng nhập lại");
    } else {
        look->journal = MACHINE_READABLE;
    }
}

void machine_look_open(struct machine_look *out, const char *folder, const char *journal)
{
    memset(out, 0, sizeof(*out));
    journal_look(out, journal);
    logs_look(out, folder ? folder : MACHINE_LOG_FOLDER);
}

void machine_look_close(struct machine_look *look)
{
    arena_free(&look->arena);
}

/* ---- ports ---- */

static bool port_is_free(uint16_t port, bool datagrams)
{
    char text[32];
    struct err err;
    int fd;
    (void)snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)port);
    int rc = datagrams ? listen_open_datagram(slice_from(text), &fd, &err)
                       : listen_open(slice_from(text), &fd, &err);
    if (rc == ERR_OK)
        (void)close(fd);
    return rc == ERR_OK;
}

uint16_t machine_port_free(uint16_t first, bool with_datagrams)
{
    for (unsigned i = 0; i < MACHINE_PORTS_TRIED && first + i <= UINT16_MAX; i++) {
        uint16_t port = (uint16_t)(first + i);
        if (port_is_free(port, false) && (!with_datagrams || port_is_free(port, true)))
            return port;
    }
    return 0;
}
