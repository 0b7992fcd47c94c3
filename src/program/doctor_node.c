/* What belongs to the node: folders and their rights, users, ports, certificates. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "program/doctor.h"
#include "program/folder.h"
#include "program/keys.h"

enum { PATH_BYTES = 4400, DAY_S = 86400 };

static void mode_check(struct doctor *d, const char *name, unsigned refused)
{
    char path[PATH_BYTES];
    struct stat about;
    (void)snprintf(path, sizeof path, "%s%s%s", d->data, name[0] ? "/" : "", name);
    if (stat(path, &about) != 0) {
        if (errno != ENOENT)
            doctor_say(d, DOCTOR_WARNING, "rights", "%s cannot be looked at: %s",
                       "không xem được %s: %s", path, strerror(errno));
        return;
    }
    if (about.st_mode & refused)
        doctor_say(d, DOCTOR_BAD, "rights", "%s has mode %04o: `chmod %s %s`",
                   "%s có quyền %04o: hãy `chmod %s %s`", path, (unsigned)about.st_mode & 07777,
                   refused & 04 ? "o-rwx,g-rwx" : "o-w,g-w", path);
    else
        doctor_say(d, DOCTOR_GOOD, "rights", "%s", "%s", path);
}

void doctor_folders(struct doctor *d)
{
    struct err err = {0};
    if (access(d->data, F_OK) != 0) {
        doctor_say(d, DOCTOR_WARNING, "rights", "%s is not there yet", "chưa có %s", d->data);
    } else {
        mode_check(d, "", 022);
        mode_check(d, "keys", 077);
        mode_check(d, "private", 077);
        mode_check(d, "state", 027);
        for (enum keys_file file = 0; file < KEYS_FILES; file++) {
            char name[64];
            (void)snprintf(name, sizeof name, "keys/%s", keys_file_name(file));
            if (keys_file_is_secret(file))
                mode_check(d, name, 077);
        }
    }
    const char *settings = d->settings ? d->settings : CONFIG_DEFAULT_PATH;
    if (folder_check_settings(settings, &err) != ERR_OK)
        doctor_err(d, "settings", &err);
    else if (access(settings, F_OK) == 0)
        doctor_say(d, DOCTOR_GOOD, "settings", "%s", "%s", settings);
    else
        doctor_say(d, DOCTOR_GOOD, "settings", "%s is not there: the defaults hold",
                   "không có %s: dùng giá trị mặc định", settings);
}

void doctor_users(struct doctor *d)
{
    static const char *const suffixes[] = {"", "-intake", "-query", "-web", "-courier"};
    struct proc_user user;
    struct err err = {0};
    if (geteuid() != 0) {
        doctor_say(d, DOCTOR_WARNING, "users",
                   "started without root, all roles share one user: whoever owns one role can "
                   "reach the files of the others as far as the sandbox lets it",
                   "không chạy bằng root nên mọi vai trò dùng chung một người dùng: chiếm được một "
                   "vai trò thì đọc được tệp của vai trò khác trong giới hạn sandbox");
        return;
    }
    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++)
        if (folder_user(d->config, suffixes[i], &user, &err) != ERR_OK) {
            doctor_err(d, "users", &err);
            return;
        }
    doctor_say(d, DOCTOR_GOOD, "users", "those of the roles are there",
               "đã có đủ người dùng cho các vai trò");
}

/* Whether somebody has the port: by binding it for a moment. */
static int port_try(struct slice listen)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM},
                    *found = NULL;
    struct buf host = {0}, port = {0};
    size_t at = listen.len;
    int one = 1, result = 0;
    while (at > 0 && listen.data[at - 1] != ':')
        at--;
    struct slice address = slice_part(listen, 0, at ? at - 1 : 0);
    if (address.len > 1 && address.data[0] == '[')
        address = slice_part(address, 1, address.len - 2);
    buf_slice(&host, address);
    buf_slice(&port, slice_part(listen, at, SIZE_MAX));
    if (getaddrinfo(host.len ? buf_text(&host) : NULL, buf_text(&port), &hints, &found) == 0) {
        int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
            bind(fd, found->ai_addr, found->ai_addrlen) != 0)
            result = errno;
        if (fd >= 0)
            (void)close(fd);
        freeaddrinfo(found);
    } else {
        result = EINVAL;
    }
    buf_free(&host);
    buf_free(&port);
    return result;
}

static void port_check(struct doctor *d, const char *name, struct slice listen)
{
    int error = port_try(listen);
    if (error == 0)
        doctor_say(d, d->has_daemon ? DOCTOR_BAD : DOCTOR_GOOD, "port",
                   d->has_daemon ? "%s (%.*s): the node runs, but nobody listens there"
                                 : "%s (%.*s) is free",
                   d->has_daemon ? "%s (%.*s): nút đang chạy nhưng không ai nghe ở cổng này"
                                 : "%s (%.*s) còn trống",
                   name, (int)listen.len, listen.data);
    else if (error == EADDRINUSE && d->has_daemon)
        doctor_say(d, DOCTOR_GOOD, "port", "%s (%.*s) is in use, as it should be by the node",
                   "%s (%.*s) đang được dùng, đúng như khi nút chạy", name, (int)listen.len,
                   listen.data);
    else if (error == EADDRINUSE)
        doctor_say(d, DOCTOR_BAD, "port",
                   "%s (%.*s) is taken by another program: `ss -ltnp` shows which one",
                   "%s (%.*s) bị chương trình khác chiếm: `ss -ltnp` cho biết chương trình nào",
                   name, (int)listen.len, listen.data);
    else
        doctor_say(d, DOCTOR_BAD, "port", "%s (%.*s) cannot be opened: %s",
                   "%s (%.*s) không mở được: %s", name, (int)listen.len, listen.data,
                   strerror(error));
}

void doctor_ports(struct doctor *d)
{
    const struct config_listener *listeners = d->config->listeners.items;
    if (d->config->web.listen.len)
        port_check(d, "web", d->config->web.listen);
    for (uint32_t i = 0; i < d->config->listeners.count; i++)
        port_check(d, listeners[i].row.name.data, listeners[i].listen);
}

void doctor_certificates(struct doctor *d)
{
    struct keys_certificate about;
    struct buf certificate = {0}, key = {0};
    struct err err = {0};
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/keys", d->data);
    if (access(path, F_OK) != 0) {
        doctor_say(d, DOCTOR_WARNING, "certificate",
                   "there are no keys yet: the first `canh serve` makes them",
                   "chưa có khóa: lần chạy `canh serve` đầu tiên sẽ tạo");
        return;
    }
    int rc = keys_web_pair(d->config, d->data, &certificate, &key, &err);
    if (rc == ERR_OK)
        rc = keys_certificate_read(buf_as_slice(&certificate), &about, &err);
    if (rc == ERR_OK)
        rc = keys_pair_check(buf_as_slice(&certificate), buf_as_slice(&key), &err);
    keys_wipe(&key);
    buf_free(&certificate);
    if (rc) {
        doctor_err(d, "certificate", &err);
        return;
    }
    int64_t days = (about.not_after_ns - clock_now_ns()) / CLOCK_SECOND_NS / DAY_S;
    if (about.not_before_ns > clock_now_ns() || days < 0)
        doctor_say(d, DOCTOR_BAD, "certificate",
                   "the web's certificate does not hold today (ends in %lld days): `canh key "
                   "rotate`, or install a new one",
                   "chứng thư của trang web không còn hiệu lực (còn %lld ngày): hãy `canh key "
                   "rotate` hoặc cài chứng thư mới",
                   (long long)days);
    else
        doctor_say(d, days < KEYS_WARN_DAYS ? DOCTOR_WARNING : DOCTOR_GOOD, "certificate",
                   "the web's holds for %lld more days", "chứng thư web còn hiệu lực %lld ngày",
                   (long long)days);
}
