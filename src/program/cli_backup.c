/* canh backup: state, store and keys of a node into a folder that can be kept elsewhere. */
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/mem.h"
#include "formats/json.h"
#include "program/backup.h"
#include "program/cli_node.h"
#include "program/client_inside.h"
#include "program/keys.h"
#include "program/manifest.h"
#include "program/output.h"
#include "program/tree.h"
#include "program/vault.h"

struct backup_settings {
    struct cli_common common;
    struct data_settings data;
    const char *passphrase;
};

static const struct option backup_options[] = {
    {"passphrase-file", 0, OPTION_TEXT, offsetof(struct backup_settings, passphrase), "FILE", 0, 0,
     "passphrase that seals the keys (else it is asked for)",
     "tệp chứa cụm mật khẩu để niêm các khóa (nếu không: hỏi trên màn hình)"},
    DATA_OPTIONS(backup_settings, data),
    CLI_OPTIONS(backup_settings, common, "auto|table|ndjson"),
};

struct backup {
    const struct backup_settings *settings;
    bool vietnamese;
    const char *folder; /* where to */
    struct client *client;
    struct buf passphrase;
    struct tree_counts counts;
};

int backup_passphrase(const char *file, bool is_new, bool vietnamese, struct buf *out,
                      struct err *err)
{
    if (file)
        return cli_secret_file(file, out, err);
    return cli_secret_ask(
        vietnamese ? "Cụm mật khẩu của bản sao lưu: " : "Passphrase of the backup: ", is_new,
        vietnamese, out, err);
}

/* The node copies state and store, in this order, into a folder of its own; it is moved here. */
static int node_copy(struct backup *b, struct err *err)
{
    struct client_result result = {0};
    struct buf folder = {0};
    int rc = client_command(b->client, SLICE("node.backup"), NULL, 0, false, &result, err);
    if (rc == ERR_OK && result.rc) {
        *err = result.err;
        rc = result.rc;
    }
    if (rc == ERR_OK && !client_answer_text(buf_as_slice(&result.json), "folder", &folder))
        rc = err_set(err, ERR_DAMAGED, "the node does not say where its backup is");
    if (rc == ERR_OK)
        rc = tree_move(buf_text(&folder), b->folder, err);
    client_result_free(&result);
    buf_free(&folder);
    return rc;
}

struct keeping {
    struct vault_file files[VAULT_FILES_MAX];
    struct buf bytes[VAULT_FILES_MAX];
    struct buf names[VAULT_FILES_MAX];
    uint32_t count;
    struct err *err;
};

static int key_keep(void *context, const char *path)
{
    struct keeping *k = context;
    if (k->count == VAULT_FILES_MAX)
        return err_set(k->err, ERR_LIMIT,
                       "DATA/keys has more than %d files: move old ones to a safe place",
                       VAULT_FILES_MAX);
    struct buf *bytes = &k->bytes[k->count];
    buf_reserve(bytes, KEYS_BYTES_MAX + 1);
    int rc = io_read_file(bytes, path, KEYS_BYTES_MAX, k->err);
    buf_string(&k->names[k->count], strrchr(path, '/') + 1);
    k->files[k->count] =
        (struct vault_file){buf_as_slice(&k->names[k->count]), buf_as_slice(bytes)};
    k->count++;
    return rc;
}

static int keys_seal(struct backup *b, struct err *err)
{
    struct keeping *k = mem_zeroed(1, sizeof *k);
    struct buf path = {0}, sealed = {0};
    k->err = err;
    buf_printf(&path, "%s/keys", client_data(b->client));
    int rc = io_walk(buf_text(&path), key_keep, NULL, k, err);
    if (rc == ERR_OK)
        rc = vault_seal(k->files, k->count, buf_as_slice(&b->passphrase), &sealed, err);
    buf_clear(&path);
    buf_printf(&path, "%s/" BACKUP_KEYS, b->folder);
    if (rc == ERR_OK)
        rc = tree_write(buf_text(&path), buf_as_slice(&sealed), 0600, err);
    for (uint32_t i = 0; i < k->count; i++) {
        cli_secret_wipe(&k->bytes[i]);
        buf_free(&k->names[i]);
    }
    mem_free(k);
    buf_free(&path);
    buf_free(&sealed);
    return rc;
}

static int settings_keep(struct backup *b, struct err *err)
{
    struct buf path = {0}, yaml = {0};
    buf_printf(&path, "%s/" BACKUP_SETTINGS, b->folder);
    config_print(client_config(b->client), &yaml);
    int rc = tree_write(buf_text(&path), buf_as_slice(&yaml), 0600, err);
    buf_free(&path);
    buf_free(&yaml);
    return rc;
}

/* Last of all: a backup without it is none. */
static int manifest_put(struct backup *b, struct err *err)
{
    struct buf path = {0}, text = {0};
    char time[CLOCK_TEXT_BYTES];
    buf_printf(&path, "%s/" MANIFEST_FILE, b->folder);
    buf_printf(&text, "# format: %d\n# made: %.*s\n# data: %s\n", BACKUP_FORMAT,
               (int)clock_text(time, clock_now_ns()), time, client_data(b->client));
    int rc = manifest_make(b->folder, &text, err);
    if (rc == ERR_OK)
        rc = tree_write(buf_text(&path), buf_as_slice(&text), 0600, err);
    if (rc == ERR_OK)
        rc = tree_count(b->folder, &b->counts, err);
    buf_free(&path);
    buf_free(&text);
    return rc;
}

static int backup_make(struct backup *b, struct err *err)
{
    const struct backup_settings *s = b->settings;
    struct server_settings here = {0};
    int rc = backup_passphrase(s->passphrase, true, b->vietnamese, &b->passphrase, err);
    if (rc == ERR_OK && b->passphrase.len < VAULT_PASSPHRASE_BYTES_MIN)
        rc = err_set(err, ERR_USAGE,
                     b->vietnamese ? "cụm mật khẩu quá ngắn: hãy dùng ít nhất %d ký tự, vài từ"
                                   : "the passphrase is too short: take at least %d characters, "
                                     "some words",
                     VAULT_PASSPHRASE_BYTES_MIN);
    if (rc == ERR_OK)
        rc = cli_node_open(&b->client, &s->data, &here, &s->common, err);
    if (rc == ERR_OK && access(client_data(b->client), F_OK) != 0)
        rc = err_set(err, ERR_NOT_FOUND, "there is no data folder %s: name it with --data",
                     client_data(b->client));
    if (rc == ERR_OK)
        rc = tree_make_empty(b->folder, err);
    if (rc == ERR_OK)
        rc = node_copy(b, err);
    if (rc == ERR_OK)
        rc = keys_seal(b, err);
    if (rc == ERR_OK)
        rc = settings_keep(b, err);
    return rc ? rc : manifest_put(b, err);
}

static int backup_said(const struct backup *b)
{
    struct output_options output = {0};
    struct buf out = {0};
    struct err err;
    if (output_options_set(&output, b->settings->common.output, STDOUT_FILENO, &err) != ERR_OK)
        return cli_fail(CLI_USAGE, &err);
    if (output.kind == OUTPUT_NDJSON) {
        struct json_writer w = {.out = &out};
        json_open_object(&w);
        json_key(&w, "folder");
        json_string(&w, slice_from(b->folder));
        json_key(&w, "files");
        json_u64(&w, b->counts.files);
        json_key(&w, "bytes");
        json_u64(&w, b->counts.bytes);
        json_close_object(&w);
        buf_char(&out, '\n');
    } else {
        buf_printf(&out,
                   b->vietnamese
                       ? "%s: bản sao lưu gồm %llu tệp, %.1f MB. Hãy chuyển sang máy khác và giữ "
                         "cụm mật khẩu ở nơi riêng: thiếu nó thì không khôi phục được các khóa.\n"
                       : "%s: a backup of %llu files, %.1f MB. Keep it on another machine, and the "
                         "passphrase somewhere else: without it the keys cannot be restored.\n",
                   b->folder, (unsigned long long)b->counts.files, (double)b->counts.bytes / 1e6);
    }
    int code = b->settings->common.quiet ? CLI_OK : cli_write(&out, NULL);
    buf_free(&out);
    return code;
}

int cli_backup(int argc, char **argv)
{
    struct backup_settings settings = {0};
    struct option_list operands = {0};
    struct err err = {0};
    int code = cli_parse(backup_options, sizeof backup_options / sizeof backup_options[0], argc,
                         argv, &settings, &settings.common, &operands,
                         "canh backup DIR [--passphrase-file FILE] [--data DATA]\n");
    struct backup b = {.settings = &settings, .vietnamese = cli_vietnamese(&settings.common)};
    if (code < 0 && operands.count != 1) {
        (void)err_set(&err, ERR_USAGE, "backup needs the folder to write to, once");
        code = cli_fail(CLI_USAGE, &err);
    }
    if (code < 0) {
        b.folder = operands.items[0];
        int rc = backup_make(&b, &err);
        client_close(&b.client);
        code = rc ? cli_fail(rc == ERR_USAGE ? CLI_USAGE : CLI_FAILURE, &err) : backup_said(&b);
    }
    cli_secret_wipe(&b.passphrase);
    option_list_free(&operands);
    return code;
}
