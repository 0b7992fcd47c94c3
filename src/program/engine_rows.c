/* Commands of the program itself: a backup of the node, and the audit row of a search. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "formats/json.h"
#include "program/backup.h"
#include "program/commands.h"
#include "program/engine.h"
#include "program/engine_store.h"
#include "program/tree.h"
#include "store/store.h"

enum { PATH_BYTES = 4200 };

/* ---- node.backup ---- */

static int folder_make(const char *path, struct err *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return ERR_OK;
    return err_set_errno(err, errno, "cannot make the folder %s", path);
}

/* DATA/backup/20261122T103600Z */
static struct slice folder_name(struct command_call *call)
{
    struct engine_call *own = call->own;
    struct clock_date d;
    clock_to_date(call->now_ns, 0, &d);
    return arena_printf(&call->arena, "%s/backup/%04d%02d%02dT%02d%02d%02dZ",
                        own->engine->context->data, d.year, d.month, d.day, d.hour, d.minute,
                        d.second);
}

static void backup_end(struct engine_call *call, int rc)
{
    call->call.rc = rc;
    if (rc == ERR_OK)
        return;
    buf_clear(&call->call.result);
    log_err(LOG_ERROR, "backup", &call->call.err);
}

/* Behind the commit, on the writer's connection: no command is half in it. */
static void backup_state(struct engine_call *call)
{
    char parent[PATH_BYTES];
    struct command_call *c = &call->call;
    struct slice folder = folder_name(c);
    (void)snprintf(parent, sizeof(parent), "%s/backup", call->engine->context->data);
    int rc = folder_make(parent, &c->err);
    if (rc == ERR_OK && mkdir(folder.data, 0700) != 0)
        rc = err_set_errno(&c->err, errno, "cannot make the folder of the backup %s", folder.data);
    if (rc == ERR_OK)
        rc = state_backup(call->engine->state, folder.data, &c->err);
    backup_end(call, rc);
}

/* The store comes second: no cursor in the state points past what the copy of the store has. */
static int snapshot_alone(const char *data, const char *folder, struct err *err)
{
    struct store_options options = {.write = true, .sign = true};
    struct store *store = NULL;
    struct stat about;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s/catalog.db", data);
    if (stat(path, &about) != 0)
        return ERR_OK; /* nothing was ever stored */
    int rc = store_open(&store, data, &options, err);
    if (rc == ERR_OK)
        rc = store_snapshot(store, folder, err);
    store_close(&store);
    return rc;
}

/* Versions of the rules: the state says which is active. */
static int rules_copy(const char *data, const char *folder, struct err *err)
{
    char from[PATH_BYTES], to[PATH_BYTES];
    struct tree_counts counts = {0};
    struct stat about;
    (void)snprintf(from, sizeof(from), "%s/" BACKUP_RULES, data);
    (void)snprintf(to, sizeof(to), "%s/" BACKUP_RULES, folder);
    if (stat(from, &about) != 0)
        return ERR_OK;
    int rc = folder_make(to, err);
    return rc ? rc : tree_copy(from, to, 0640, &counts, err);
}

static void backup_store(struct engine_call *call)
{
    char folder[PATH_BYTES];
    struct engine *e = call->engine;
    struct slice whole = folder_name(&call->call);
    (void)snprintf(folder, sizeof(folder), "%s/" BACKUP_STORE, whole.data);
    int rc = e->store ? engine_store_snapshot(e->store, folder, &call->call.err)
                      : snapshot_alone(e->context->data, folder, &call->call.err);
    if (rc == ERR_OK)
        rc = rules_copy(e->context->data, whole.data, &call->call.err);
    backup_end(call, rc);
}

static int backup_run(struct command_call *call, struct err *err)
{
    struct engine_call *own = call->own;
    struct json_writer w = {.out = &call->result};
    if (!own)
        return err_set(err, ERR_UNSUPPORTED, "a backup is made by the engine only");
    own->after = backup_state;
    own->slowly = backup_store;
    call->object = SLICE("node");
    json_open_object(&w);
    json_key(&w, "folder");
    json_string(&w, folder_name(call));
    json_close_object(&w);
    return ERR_OK;
}

const struct command command_node_backup = {
    .name = "node.backup",
    .right = RIGHT_SETTINGS,
    .flags = COMMAND_LOCAL | COMMAND_EVERYWHERE,
    .run = backup_run,
    .title_en = "copy state and store into a folder below backup/ of the data folder",
    .title_vi = "sao chép dữ liệu quản lý và kho sự kiện vào thư mục backup/"};

/* ---- search.run ---- */

static int search_record(struct command_call *call, struct err *err)
{
    call->object = SLICE("events");
    return engine_ask_units(call, err);
}

static const struct param search_params[] = {{.name = "kind",
                                              .kind = PARAM_CHOICE,
                                              .required = true,
                                              .choices = "search|export|hunt",
                                              .help_en = "what is asked for",
                                              .help_vi = "loại yêu cầu"},
                                             {.name = "word",
                                              .kind = PARAM_TEXT,
                                              .many = true,
                                              .max = 8192,
                                              .help_en = "the query and its options, word by word",
                                              .help_vi = "câu truy vấn và tùy chọn, từng từ"}};

const struct command command_search_run = {
    .name = "search.run",
    .right = RIGHT_SEARCH,
    .flags = COMMAND_INTERNAL,
    .params = search_params,
    .param_count = sizeof(search_params) / sizeof(search_params[0]),
    .run = search_record,
    .title_en = "search, hunt or export in stored events",
    .title_vi = "tìm kiếm, truy tìm hoặc trích xuất sự kiện đã lưu"};
