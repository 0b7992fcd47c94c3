/* canh restore: a data folder out of a backup, as a new epoch. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/sign.h"
#include "formats/json.h"
#include "program/backup.h"
#include "program/cli_node.h"
#include "program/commands.h"
#include "program/folder.h"
#include "program/keys.h"
#include "program/manifest.h"
#include "program/output.h"
#include "program/tree.h"
#include "program/vault.h"
#include "state/state.h"
#include "store/store.h"

enum { PATH_BYTES = 4400 };
#define SEALED_BYTES_MAX ((size_t)8 << 20)

struct restore_settings {
    struct cli_common common;
    struct data_settings data;
    const char *passphrase;
};

static const struct option restore_options[] = {
    {"passphrase-file", 0, OPTION_TEXT, offsetof(struct restore_settings, passphrase), "FILE", 0, 0,
     "passphrase that the keys were sealed with (else it is asked for)",
     "tệp chứa cụm mật khẩu đã dùng khi sao lưu (nếu không: hỏi trên màn hình)"},
    DATA_OPTIONS(restore_settings, data),
    CLI_OPTIONS(restore_settings, common, "auto|table|ndjson"),
};

struct restore {
    const struct restore_settings *settings;
    bool vietnamese, has_store;
    const char *from;
    struct data data; /* config and path; no store */
    struct buf manifest, plain;
    struct vault_file keys[VAULT_FILES_MAX];
    uint32_t key_count;
    struct tree_counts counts;
    uint64_t epoch;
    uint32_t store_epoch;
};

static const char *path_of(char out[PATH_BYTES], const char *folder, const char *name)
{
    (void)snprintf(out, PATH_BYTES, "%s/%s", folder, name);
    return out;
}

/* Before anything is made: the backup is whole, and its keys can be opened. */
static int backup_check(struct restore *r, struct err *err)
{
    char path[PATH_BYTES];
    struct buf sealed = {0}, passphrase = {0};
    uint64_t format = 0;
    int rc = manifest_check(r->from, &r->manifest, err);
    struct slice text = manifest_value(buf_as_slice(&r->manifest), SLICE("format"));
    if (rc == ERR_OK && (!slice_to_u64(text, &format) || format > BACKUP_FORMAT))
        rc = err_set(err, ERR_UNSUPPORTED, "%s was made by a later version of Canh: use that one",
                     r->from);
    if (rc == ERR_OK)
        rc = io_read_file(&sealed, path_of(path, r->from, BACKUP_KEYS), SEALED_BYTES_MAX, err);
    if (rc == ERR_OK)
        rc = backup_passphrase(r->settings->passphrase, false, r->vietnamese, &passphrase, err);
    if (rc == ERR_OK)
        rc = vault_open(buf_as_slice(&sealed), buf_as_slice(&passphrase), &r->plain, r->keys,
                        &r->key_count, err);
    r->has_store = access(path_of(path, r->from, BACKUP_STORE), F_OK) == 0;
    cli_secret_wipe(&passphrase);
    buf_free(&sealed);
    return rc;
}

static int part_copy(struct restore *r, const char *from, const char *to, unsigned mode,
                     struct err *err)
{
    char source[PATH_BYTES], target[PATH_BYTES];
    return tree_copy(path_of(source, r->from, from), path_of(target, r->data.path, to), mode,
                     &r->counts, err);
}

static bool is_public(struct slice name)
{
    return slice_ends(name, SLICE(".crt")) || slice_ends(name, SLICE(".csr")) ||
           slice_ends(name, SLICE(".pub"));
}

static int keys_put(struct restore *r, struct err *err)
{
    char path[PATH_BYTES];
    struct stat about;
    int rc = ERR_OK;
    for (uint32_t i = 0; i < r->key_count && rc == ERR_OK; i++) {
        const struct vault_file *f = &r->keys[i];
        (void)snprintf(path, sizeof path, "%s/keys/%.*s", r->data.path, (int)f->name.len,
                       f->name.data);
        if (stat(path, &about) != 0) /* the store's snapshot has the notary's public key, too */
            rc = tree_write(path, f->bytes, is_public(f->name) ? 0640 : 0600, err);
    }
    return rc;
}

/* Bundles of rules; a backup of before them has none. */
static int rules_put(struct restore *r, const struct proc_user *engine, struct err *err)
{
    char path[PATH_BYTES];
    if (access(path_of(path, r->from, BACKUP_RULES), F_OK) != 0)
        return ERR_OK;
    (void)path_of(path, r->data.path, BACKUP_RULES);
    if (mkdir(path, 0750) != 0 || (engine->change && chown(path, engine->user, engine->group) != 0))
        return err_set_errno(err, errno, "%s cannot be made", path);
    return part_copy(r, BACKUP_RULES, BACKUP_RULES, 0640, err);
}

/* folder_make gives each part its owner and mode; what is copied takes them from there. */
static int parts_copy(struct restore *r, struct err *err)
{
    struct proc_user engine = {0};
    int rc = folder_user(r->data.config, "", &engine, err);
    if (rc == ERR_OK)
        rc = tree_make_empty(r->data.path, err);
    if (rc == ERR_OK && ((engine.change && chown(r->data.path, engine.user, engine.group) != 0) ||
                         chmod(r->data.path, 02751) != 0))
        rc = err_set_errno(err, errno, "%s: its owner cannot be set", r->data.path);
    if (rc == ERR_OK)
        rc = folder_make(r->data.config, r->data.path, &engine, err);
    if (rc == ERR_OK && r->has_store)
        rc = part_copy(r, BACKUP_STORE, ".", 0640, err);
    if (rc == ERR_OK)
        rc = rules_put(r, &engine, err);
    if (rc == ERR_OK)
        rc = part_copy(r, STATE_FOLDER, STATE_FOLDER, 0640, err);
    if (rc == ERR_OK)
        rc = part_copy(r, STATE_SECRETS, STATE_SECRETS, 0600, err);
    return rc ? rc : keys_put(r, err);
}

/* Who was signed in when the backup was made is not any more. */
static int epoch_raise(struct restore *r, struct err *err)
{
    struct disk *disk = NULL;
    struct database *db = NULL;
    int rc = disk_open_folder(&disk, r->data.path, err);
    if (rc == ERR_OK)
        rc = database_open(&db, disk, STATE_FILE, DATABASE_WRITE, err);
    if (rc == ERR_OK)
        rc = database_begin(db, err);
    if (rc == ERR_OK)
        rc = database_run(db,
                          "UPDATE meta SET value = value + 1 WHERE key = 'epoch';"
                          "DELETE FROM session;",
                          err);
    if (rc == ERR_OK)
        rc = database_commit(db, err);
    if (rc == ERR_OK)
        rc = database_checkpoint(db, true, NULL, err);
    database_close(&db);
    if (disk)
        disk_close_folder(&disk);
    return rc;
}

static int note_put(struct restore *r, struct state *state, struct err *err)
{
    struct command_call call = {.caller = caller_system()}, *calls[] = {&call};
    struct buf text = {0};
    struct slice made = manifest_value(buf_as_slice(&r->manifest), SLICE("made"));
    r->epoch = state_epoch(state);
    buf_printf(&text, "restored from the backup of %.*s as epoch %llu", (int)made.len, made.data,
               (unsigned long long)r->epoch);
    struct command_value values[] = {{SLICE("kind"), SLICE("restore")},
                                     {SLICE("text"), buf_as_slice(&text)}};
    call.command = command_find(&commands, SLICE("node.note"));
    check(call.command);
    call.values = values;
    call.value_count = 2;
    int rc = state_execute(state, calls, 1, clock_now_ns(), err);
    if (rc == ERR_OK && call.rc) {
        *err = call.err;
        rc = call.rc;
    }
    command_call_free(&call);
    buf_free(&text);
    return rc;
}

/* The first row of the new epoch says that it is one. */
static int epoch_begin(struct restore *r, struct err *err)
{
    struct state *state = NULL;
    struct sign_key *key = NULL;
    struct buf pem = {0};
    int rc = epoch_raise(r, err);
    if (rc == ERR_OK)
        rc = keys_read(r->data.path, KEYS_NODE, &pem, err);
    if (rc == ERR_OK)
        rc = sign_secret_read(&key, buf_as_slice(&pem), err);
    struct state_options options = {
        .data = r->data.path, .table = &commands, .key = key, .now_ns = clock_now_ns()};
    if (rc == ERR_OK)
        rc = state_open(&state, &options, err);
    if (rc == ERR_OK)
        rc = note_put(r, state, err);
    state_close(&state);
    sign_key_close(&key);
    keys_wipe(&pem);
    return rc;
}

static int store_look(struct restore *r, struct err *err)
{
    struct store_options options = {0};
    if (!r->has_store)
        return ERR_OK;
    int rc = store_open(&r->data.store, r->data.path, &options, err);
    if (rc == ERR_OK)
        r->store_epoch = store_epoch(r->data.store);
    return rc;
}

/* What the state's writer made here while it was root's belongs to whom the folder belongs to. */
static int owner_visit(void *context, const char *path)
{
    struct stat about;
    const struct stat *folder = context;
    if (stat(path, &about) == 0 && about.st_uid == 0 && folder->st_uid != 0)
        (void)!lchown(path, folder->st_uid, folder->st_gid);
    return ERR_OK;
}

static int owners_settle(struct restore *r, struct err *err)
{
    static const char *const parts[] = {STATE_FOLDER, STATE_SECRETS};
    char path[PATH_BYTES];
    struct stat folder;
    int rc = ERR_OK;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && rc == ERR_OK && geteuid() == 0; i++)
        if (stat(path_of(path, r->data.path, parts[i]), &folder) == 0)
            rc = io_walk(path, owner_visit, NULL, &folder, err);
    return rc;
}

static int restore_make(struct restore *r, struct err *err)
{
    int rc = data_find(&r->data, &r->settings->data, err);
    if (rc == ERR_OK)
        rc = backup_check(r, err);
    if (rc == ERR_OK)
        rc = parts_copy(r, err);
    if (rc == ERR_OK)
        rc = epoch_begin(r, err);
    if (rc == ERR_OK)
        rc = owners_settle(r, err);
    return rc ? rc : store_look(r, err);
}

static int restore_said(const struct restore *r)
{
    struct output_options output = {0};
    struct buf out = {0};
    struct err err;
    if (output_options_set(&output, r->settings->common.output, STDOUT_FILENO, &err) != ERR_OK)
        return cli_fail(CLI_USAGE, &err);
    if (output.kind == OUTPUT_NDJSON) {
        struct json_writer w = {.out = &out};
        json_open_object(&w);
        json_key(&w, "data");
        json_string(&w, slice_from(r->data.path));
        json_key(&w, "files");
        json_u64(&w, r->counts.files);
        json_key(&w, "epoch");
        json_u64(&w, r->epoch);
        json_key(&w, "store_epoch");
        json_u64(&w, r->store_epoch);
        json_close_object(&w);
        buf_char(&out, '\n');
    } else {
        buf_printf(&out,
                   r->vietnamese
                       ? "%s: đã khôi phục %llu tệp, %.1f MB. Đây là kỷ nguyên %llu của dữ liệu "
                         "quản lý, %u của kho sự kiện: mọi phiên đăng nhập cũ đã kết thúc, mã sự "
                         "kiện mới bắt đầu bằng số này. Không chạy nút cũ nữa.\n"
                       : "%s: %llu files, %.1f MB restored. This is epoch %llu of the state, %u of "
                         "the store: all sessions are ended, ids of new events begin with that "
                         "number. Do not run the old node any more.\n",
                   r->data.path, (unsigned long long)r->counts.files, (double)r->counts.bytes / 1e6,
                   (unsigned long long)r->epoch, (unsigned)r->store_epoch);
    }
    int code = r->settings->common.quiet ? CLI_OK : cli_write(&out, NULL);
    buf_free(&out);
    return code;
}

int cli_restore(int argc, char **argv)
{
    struct restore_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    int code = cli_parse(restore_options, sizeof restore_options / sizeof restore_options[0], argc,
                         argv, &settings, &settings.common, &operands,
                         "canh restore DIR --data NEW [--passphrase-file FILE]\n");
    struct restore r = {.settings = &settings, .vietnamese = cli_vietnamese(&settings.common)};
    if (code < 0 && (operands.count != 1 || !settings.data.data)) {
        (void)err_set(&err, ERR_USAGE,
                      "restore needs the backup's folder, and with --data the new data folder");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0) {
        r.from = operands.items[0];
        int rc = restore_make(&r, &err);
        code = rc ? cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err) : restore_said(&r);
    }
    data_close(&r.data);
    cli_secret_wipe(&r.plain);
    buf_free(&r.manifest);
    option_list_free(&operands);
    return code;
}
