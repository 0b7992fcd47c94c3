/* canh rules update: rules from files, folders, archives or a signed bundle become a version that
 * can be enabled; what it would change is shown first. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "program/cli_rules.h"
#include "program/cli_rules_fetch.h"
#include "program/cli_rules_trial.h"
#include "program/client.h"
#include "program/engine_rules_inside.h"
#include "program/node_rules.h"
#include "watch/rules_diff.h"
#include "watch/rules_signed.h"

enum { NAMES_SHOWN = 10, PATH_BYTES = 4200, DAYS_MAX = 366 };

struct update_settings {
    struct cli_common common;
    const char *data, *config, *pack, *key, *url;
    uint64_t days;
    bool enable, dry;
};

#define AT(member) offsetof(struct update_settings, member)
static const struct option update_options[] = {
    {"data", 'd', OPTION_TEXT, AT(data), "DIR", 0, 0,
     "data folder of the node (default: store.data of canh.yaml, /var/lib/canh)",
     "thư mục dữ liệu của nút (mặc định: store.data trong canh.yaml, /var/lib/canh)"},
    {"config", 'c', OPTION_TEXT, AT(config), "FILE", 0, 0,
     "configuration (default: /etc/canh/canh.yaml)",
     "tệp cấu hình (mặc định: /etc/canh/canh.yaml)"},
    {"pack", 0, OPTION_TEXT, AT(pack), "NAME", 0, 0,
     "name of the pack, whose rules of before are replaced (default: by the path's name)",
     "tên gói, thay cho các quy tắc trước đó của gói (mặc định: theo tên đường dẫn)"},
    {"url", 0, OPTION_TEXT, AT(url), "URL", 0, 0,
     "the node fetches them from this https address (without a path: rules.update_url)",
     "nút tải về từ địa chỉ https này (không có đường dẫn: theo rules.update_url)"},
    {"days", 0, OPTION_NUMBER, AT(days), "N", 0, DAYS_MAX,
     "count findings of new rules on stored events of so many days (default 7; 0: do not)",
     "đếm kết quả của quy tắc mới trên sự kiện đã lưu trong số ngày này (mặc định 7; 0: không)"},
    {"enable", 0, OPTION_FLAG, AT(enable), NULL, 0, 0,
     "judge by them at once; without it: `canh rules enable VERSION`",
     "dùng ngay; nếu không: `canh rules enable PHIÊN-BẢN`"},
    {"dry-run", 0, OPTION_FLAG, AT(dry), NULL, 0, 0, "only show what would change",
     "chỉ cho xem thay đổi"},
    CLI_OPTIONS(update_settings, common, "auto|table"),
};
static const struct option pack_options[] = {
    {"key", 'k', OPTION_TEXT, AT(key), "FILE", 0, 0, "secret key (PEM, Ed25519) that signs it",
     "khóa bí mật (PEM, Ed25519) để ký"},
    {"pack", 0, OPTION_TEXT, AT(pack), "NAME", 0, 0, "name of the pack", "tên gói"},
    CLI_OPTIONS(update_settings, common, "auto|table"),
};

struct updating {
    const struct update_settings *settings;
    struct client *client;
    struct buf old_bytes, new_bytes;
    struct bundle old, new;
    struct rules_diff diff;
    struct buf problems;
    bool vietnamese;
};

/* The path's last part, as a name: letters, digits, dashes. */
static struct slice pack_name(const char *path, char out[BUNDLE_PACK_BYTES_MAX])
{
    struct slice rest = slice_from(path), part = SLICE("rules");
    size_t len = 0;
    while (rest.len) {
        struct slice next = slice_cut(&rest, '/');
        if (next.len)
            part = next;
    }
    for (size_t i = 0; i < part.len && len < BUNDLE_PACK_BYTES_MAX - 1; i++) {
        char c = part.data[i];
        if (c == '.' && i > 0)
            break;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        out[len++] = fits ? c : '-';
    }
    return slice_make(out, len);
}

static int paths_add(struct bundle_writer *w, const struct update_settings *settings,
                     const struct option_list *paths, struct buf *problems, struct err *err)
{
    char name[BUNDLE_PACK_BYTES_MAX];
    struct slice pack =
        settings->pack ? slice_from(settings->pack) : pack_name(paths->items[0], name);
    uint32_t before = bundle_writer_count(w);
    if (rules_set_is_local(pack))
        return err_set(err, ERR_USAGE,
                       "the pack's name %.*s is kept for rules that canh.yaml names: give another "
                       "one by --pack",
                       (int)pack.len, pack.data);
    struct bundle_pack about = {pack, SLICE(""), slice_from(paths->items[0])};
    int rc = bundle_add_pack(w, &about, err);
    if (rc == ERR_OK)
        rc = bundle_add_paths(w, BUNDLE_RULE, pack, paths, problems, err);
    if (rc == ERR_OK && bundle_writer_count(w) == before)
        rc = err_set(err, ERR_NOT_FOUND, "%s has no rules: %.300s", paths->items[0],
                     problems->len ? buf_text(problems)
                                   : "name a folder or an archive of .yml files");
    return rc;
}

/* The bundle in a signed file, of which canh.yaml has the key. */
static int signed_open(struct updating *u, struct slice bytes, struct bundle *out, struct err *err)
{
    const struct config *config = client_config(u->client);
    uint8_t key[SIGN_PUBLIC_BYTES];
    struct buf pem = {0};
    struct slice inside = SLICE("");
    bool has_key = config->rules.update_key_file.len > 0;
    int rc = ERR_OK;
    if (has_key)
        rc = io_read_file(&pem, config->rules.update_key_file.data, 1 << 16, err);
    if (rc == ERR_OK && has_key)
        rc = sign_public_read(key, buf_as_slice(&pem), err);
    if (rc == ERR_OK)
        rc = rules_signed_check(bytes, has_key ? key : NULL, &inside, err);
    if (rc == ERR_OK)
        rc = bundle_open(out, inside, err);
    buf_free(&pem);
    return rc;
}

/* Packs of the same names give way. */
static int bundle_join(struct bundle_writer *w, const struct bundle *old, const struct bundle *add,
                       struct err *err)
{
    int rc = ERR_OK;
    for (uint32_t i = 0; i < add->pack_count; i++)
        if (rules_set_is_local(add->packs[i].name))
            return err_set(err, ERR_USAGE, "the bundle's pack %.*s has a name that it may not have",
                           (int)add->packs[i].name.len, add->packs[i].name.data);
    for (uint32_t i = 0; i < old->pack_count && rc == ERR_OK; i++)
        if (!bundle_pack(add, old->packs[i].name))
            rc = bundle_add_pack(w, &old->packs[i], err);
    for (uint32_t i = 0; i < old->entry_count && rc == ERR_OK; i++)
        if (!bundle_pack(add, old->entries[i].pack))
            rc = bundle_add(w, &old->entries[i], err);
    return rc ? rc : bundle_add_bundle(w, add, SLICE(""), err);
}

static bool read_beginning(const char *path, struct buf *out)
{
    struct err err;
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode) || about.st_size < 8)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char head[8];
    bool is_one = fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) &&
                  rules_signed_is(slice_make(head, sizeof(head)));
    if (fd >= 0)
        (void)close(fd);
    return is_one && io_read_file(out, path, BUNDLE_BYTES_MAX + 128, &err) == ERR_OK;
}

/* What is active now, or would be with the files that canh.yaml names. */
static int old_open(struct updating *u, struct err *err)
{
    int rc = node_rules_read(client_data(u->client), &client_config(u->client)->rules,
                             &u->old_bytes, &u->problems, err);
    return rc ? rc : bundle_open(&u->old, buf_as_slice(&u->old_bytes), err);
}

static bool signed_is(int fd)
{
    char head[8];
    return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
           rules_signed_is(slice_make(head, sizeof(head)));
}

static int fd_read(int fd, size_t max, struct buf *out, struct err *err)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || about.st_size < 0 || (uint64_t)about.st_size > max)
        return err_set(err, ERR_LIMIT, "it has more than %zu MB", max >> 20);
    buf_reserve(out, (size_t)about.st_size + 1);
    while (out->len < (size_t)about.st_size) {
        ssize_t got =
            pread(fd, out->data + out->len, (size_t)about.st_size - out->len, (off_t)out->len);
        if (got == 0 || (got < 0 && errno != EINTR))
            return err_set_errno(err, errno, "what was fetched cannot be read");
        out->len += got > 0 ? (size_t)got : 0;
    }
    return ERR_OK;
}

/* What stands at an address, as a bundle that borrows from bytes. Where canh.yaml names a key, what
 * is not signed with it is not looked at. */
static int fetched_open(struct updating *u, const char *url, struct buf *bytes, struct bundle *add,
                        struct err *err)
{
    char name[BUNDLE_PACK_BYTES_MAX];
    const struct update_settings *s = u->settings;
    struct rules_archive archive = {.name = url,
                                    .pack = s->pack ? slice_from(s->pack) : pack_name(url, name)};
    int rc = cli_rules_fetch(u->client, url, &archive.fd, err);
    if (rc)
        return rc;
    if (signed_is(archive.fd)) {
        rc = fd_read(archive.fd, BUNDLE_BYTES_MAX + 128, bytes, err);
        if (rc == ERR_OK)
            rc = signed_open(u, buf_as_slice(bytes), add, err);
        if (rc)
            (void)err_prefix(err, "%.300s", url);
    } else if (client_config(u->client)->rules.update_key_file.len) {
        rc = err_set(err, ERR_USAGE,
                     "%.300s is no signed bundle, and canh.yaml names rules.update_key_file: what "
                     "is fetched must be signed (`canh rules pack`)",
                     url);
    } else {
        rc = cli_rules_unpack(&archive, bytes, &u->problems, err);
        if (rc == ERR_OK)
            rc = bundle_open(add, buf_as_slice(bytes), err);
    }
    (void)close(archive.fd);
    return rc;
}

static int new_make(struct updating *u, const char *url, const struct option_list *paths,
                    struct err *err)
{
    struct bundle_writer *w = bundle_writer_open();
    struct bundle add = {0};
    struct buf bytes = {0};
    char name[BUNDLE_PACK_BYTES_MAX];
    int rc;
    if (url) {
        rc = fetched_open(u, url, &bytes, &add, err);
        if (rc == ERR_OK)
            rc = bundle_join(w, &u->old, &add, err);
    } else if (paths->count == 1 && read_beginning(paths->items[0], &bytes)) {
        rc = signed_open(u, buf_as_slice(&bytes), &add, err);
        if (rc == ERR_OK)
            rc = bundle_join(w, &u->old, &add, err);
        if (rc)
            (void)err_prefix(err, "%s", paths->items[0]);
    } else {
        struct slice pack =
            u->settings->pack ? slice_from(u->settings->pack) : pack_name(paths->items[0], name);
        rc = bundle_add_bundle(w, &u->old, pack, err);
        if (rc == ERR_OK)
            rc = paths_add(w, u->settings, paths, &u->problems, err);
    }
    if (rc == ERR_OK)
        rc = bundle_end(w, &u->new_bytes, err);
    bundle_writer_close(&w);
    bundle_close(&add);
    buf_free(&bytes);
    return rc ? rc : bundle_open(&u->new, buf_as_slice(&u->new_bytes), err);
}

static void diff_show(struct updating *u)
{
    struct buf out = {0};
    char version[LIVE_VERSION_BYTES];
    live_version_text(version, &u->new.digest);
    buf_printf(&out, u->vietnamese ? "phiên bản %s\n" : "version %s\n", version);
    rules_diff_text(&u->diff, u->settings->common.verbose ? UINT32_MAX : NAMES_SHOWN, u->vietnamese,
                    &out);
    (void)cli_write(&out, NULL);
    buf_free(&out);
    if (u->problems.len)
        (void)fputs(buf_text(&u->problems), stderr);
}

static int enable(struct updating *u, const char *version, struct err *err)
{
    struct client_result result = {0};
    struct command_value value = {SLICE("version"), slice_from(version)};
    int rc = client_command(u->client, SLICE("rules.enable"), &value, 1, false, &result, err);
    if (rc == ERR_OK && result.rc) {
        rc = result.rc;
        *err = result.err;
    }
    client_result_free(&result);
    return rc;
}

static int keep(struct updating *u, const char *origin, struct err *err)
{
    char version[LIVE_VERSION_BYTES];
    int fd = -1;
    int rc = engine_rules_memory(buf_as_slice(&u->new_bytes), &fd, err);
    if (rc == ERR_OK)
        rc = client_rules(u->client, origin, fd, version, err);
    if (fd >= 0)
        (void)close(fd);
    if (rc == ERR_OK && u->settings->enable)
        rc = enable(u, version, err);
    if (rc)
        return rc;
    (void)printf(u->settings->enable ? (u->vietnamese ? "đã bật\n" : "enabled\n")
                 : u->vietnamese     ? "đã lưu; bật bằng: canh rules enable %.12s\n"
                                     : "kept; to judge by it: canh rules enable %.12s\n",
                 version);
    return ERR_OK;
}

/* NULL: rules of paths are meant. */
static int url_find(const struct updating *u, const struct option_list *paths, const char **url,
                    struct err *err)
{
    const struct config_rules *rules = &client_config(u->client)->rules;
    *url = u->settings->url;
    if (paths->count && *url)
        return err_set(err, ERR_USAGE, "rules update: name paths or --url, not both");
    if (!paths->count && !*url && rules->update_url.len)
        *url = rules->update_url.data;
    if (!paths->count && !*url)
        return err_set(err, ERR_USAGE,
                       "rules update: name a folder, an archive or a signed bundle of rules, or "
                       "an address by --url or rules.update_url");
    return ERR_OK;
}

static int update(struct updating *u, const struct option_list *paths, struct err *err)
{
    const char *url = NULL;
    const struct update_settings *s = u->settings;
    struct client_settings reach = {
        .data = s->data, .config = s->config, .vietnamese = u->vietnamese};
    int rc = client_open(&u->client, &reach, err);
    if (rc == ERR_OK)
        rc = url_find(u, paths, &url, err);
    if (rc == ERR_OK)
        rc = old_open(u, err);
    if (rc == ERR_OK)
        rc = new_make(u, url, paths, err);
    if (rc == ERR_OK)
        rc = rules_diff_open(&u->diff, &client_config(u->client)->rules, &u->old, &u->new, err);
    if (rc)
        return rc;
    diff_show(u);
    if (s->days)
        cli_rules_trial(&u->diff, &(struct data_settings){s->data, s->config}, s->days,
                        u->vietnamese);
    return s->dry ? ERR_OK : keep(u, url ? url : paths->items[0], err);
}

int cli_rules_update(int argc, char **argv)
{
    struct update_settings settings = {.days = 7};
    struct option_list paths = {0};
    struct err err = {0};
    int code = cli_parse(update_options, sizeof update_options / sizeof update_options[0], argc,
                         argv, &settings, &settings.common, &paths,
                         "canh rules update [--pack NAME] [--enable] [--url URL | PATH...]\n");
    if (code < 0) {
        struct updating u = {.settings = &settings, .vietnamese = cli_vietnamese(&settings.common)};
        int rc = update(&u, &paths, &err);
        rules_diff_close(&u.diff);
        bundle_close(&u.old);
        bundle_close(&u.new);
        buf_free(&u.old_bytes);
        buf_free(&u.new_bytes);
        buf_free(&u.problems);
        client_close(&u.client);
        code = rc ? cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err) : CLI_OK;
    }
    option_list_free(&paths);
    return code;
}

/* ---- canh rules pack ---- */

static int pack(const struct update_settings *settings, const struct option_list *operands,
                struct err *err)
{
    struct option_list paths = {.items = operands->items + 1, .count = operands->count - 1};
    struct bundle_writer *w = bundle_writer_open();
    struct sign_key *key = NULL;
    struct buf bytes = {0}, out = {0}, problems = {0};
    int rc = paths_add(w, settings, &paths, &problems, err);
    if (rc == ERR_OK)
        rc = bundle_end(w, &bytes, err);
    if (rc == ERR_OK)
        rc = sign_key_read(&key, settings->key, err);
    if (rc == ERR_OK)
        rules_signed_put(key, buf_as_slice(&bytes), &out);
    int fd =
        rc ? -1
           : open(operands->items[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (rc == ERR_OK && fd < 0)
        rc = err_set_errno(err, errno, "%s", operands->items[0]);
    if (rc == ERR_OK)
        rc = io_write_all(fd, out.data, out.len, err);
    if (fd >= 0 && close(fd) != 0 && rc == ERR_OK)
        rc = err_set_errno(err, errno, "%s", operands->items[0]);
    if (problems.len)
        (void)fputs(buf_text(&problems), stderr);
    sign_key_close(&key);
    bundle_writer_close(&w);
    buf_free(&bytes);
    buf_free(&out);
    buf_free(&problems);
    return rc;
}

int cli_rules_pack(int argc, char **argv)
{
    struct update_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    int code = cli_parse(pack_options, sizeof pack_options / sizeof pack_options[0], argc, argv,
                         &settings, &settings.common, &operands,
                         "canh rules pack --key FILE [--pack NAME] OUT PATH...\n");
    if (code < 0 && (operands.count < 2 || !settings.key)) {
        (void)err_set(&err, ERR_USAGE,
                      "rules pack wants --key FILE, the file to write, and the rules' paths");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0) {
        int rc = pack(&settings, &operands, &err);
        code = rc ? cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err) : CLI_OK;
    }
    option_list_free(&operands);
    return code;
}
