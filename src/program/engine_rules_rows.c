/* Commands of the rules' versions, and a bundle that a command line sends. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/database.h"
#include "base/mem.h"
#include "formats/json.h"
#include "program/commands.h"
#include "program/engine_rules_inside.h"
#include "program/engine_store.h"

enum { ORIGIN_BYTES_MAX = 1024, VERSION_SHOWN = 12 };
#define PARAMS(list) .params = (list), .param_count = sizeof(list) / sizeof((list)[0])

/* ---- rules.record ---- */

static int active_put(struct command_call *call, struct slice version, struct err *err)
{
    struct statement *s = statement_get(
        call->db, "INSERT INTO rules_active(version, since_ns, actor) VALUES(?1, ?2, ?3)");
    statement_text(s, 1, version);
    statement_i64(s, 2, call->now_ns);
    statement_text(s, 3, call->caller.name);
    return statement_run(s, err);
}

static int record_run(struct command_call *call, struct err *err)
{
    struct statement *s = statement_get(
        call->db, "INSERT INTO rules_version(version, made_ns, origin, rules, imported)"
                  " VALUES(?1, ?2, ?3, ?4, ?5)"
                  " ON CONFLICT(version) DO UPDATE SET made_ns = max(made_ns, excluded.made_ns)");
    statement_text(s, 1, call_text(call, "version"));
    statement_i64(s, 2, call->now_ns);
    statement_text(s, 3, call_text(call, "origin"));
    statement_u64(s, 4, call_number(call, "rules"));
    statement_u64(s, 5, call_bool(call, "imported"));
    int rc = statement_run(s, err);
    call->object = SLICE("rules");
    return rc == ERR_OK && call_bool(call, "active")
               ? active_put(call, call_text(call, "version"), err)
               : rc;
}

static const struct param record_params[] = {
    {.name = "version",
     .kind = PARAM_TEXT,
     .required = true,
     .max = 64,
     .help_en = "SHA-256 of the bundle",
     .help_vi = "SHA-256 của gói"},
    {.name = "origin",
     .kind = PARAM_TEXT,
     .required = true,
     .max = ORIGIN_BYTES_MAX,
     .help_en = "what it came from",
     .help_vi = "nguồn gốc"},
    {.name = "rules",
     .kind = PARAM_NUMBER,
     .max = BUNDLE_ENTRIES_MAX,
     .help_en = "how many rules are in it",
     .help_vi = "số quy tắc"},
    {.name = "imported",
     .kind = PARAM_BOOL,
     .help_en = "it came by an update",
     .help_vi = "đến từ bản cập nhật"},
    {.name = "active",
     .kind = PARAM_BOOL,
     .help_en = "it is judged by from now on",
     .help_vi = "dùng từ lúc này"},
};
const struct command command_rules_record = {
    .name = "rules.record",
    .right = RIGHT_SETTINGS,
    .flags = COMMAND_INTERNAL | COMMAND_EVERYWHERE,
    PARAMS(record_params),
    .run = record_run,
    .title_en = "a version of the rules was kept",
    .title_vi = "đã lưu một phiên bản bộ quy tắc",
};

/* ---- rules.enable, rules.rollback ---- */

/* Behind the commit: the loop takes it from here. */
static void version_want(struct engine_call *call)
{
    if (call->engine->store)
        engine_rules_want(engine_store_rules_of(call->engine->store), call->call.object);
}

static int version_enable(struct command_call *call, struct slice version, struct err *err)
{
    struct engine_call *own = call->own;
    struct json_writer w = {.out = &call->result};
    int rc = active_put(call, version, err);
    if (rc)
        return rc;
    call->object = version;
    if (own)
        own->after = version_want;
    json_open_object(&w);
    json_key(&w, "version");
    json_string(&w, version);
    json_close_object(&w);
    return ERR_OK;
}

/* Its whole name, by a beginning that only one version has. */
static int version_find(struct command_call *call, struct slice beginning, struct slice *out,
                        struct err *err)
{
    struct statement *s = statement_get(
        call->db, "SELECT version FROM rules_version WHERE substr(version, 1, length(?1)) = ?1"
                  " ORDER BY version LIMIT 2");
    statement_text(s, 1, beginning);
    uint32_t count = 0;
    int rc;
    while ((rc = statement_step(s, err)) == ERR_OK)
        if (count++ == 0)
            *out = arena_copy(&call->arena, statement_column_text(s, 0));
    if (rc != ERR_END)
        return rc;
    if (count == 1)
        return ERR_OK;
    return call_refuse(call, err, count ? ERR_USAGE : ERR_NOT_FOUND,
                       count ? "several versions of the rules begin with %.*s: write more of it"
                             : "there is no version %.*s of the rules: `canh rules versions` "
                               "shows them",
                       count ? "có nhiều phiên bản bắt đầu bằng %.*s: hãy ghi dài hơn"
                             : "không có phiên bản %.*s: `canh rules versions` liệt kê các phiên "
                               "bản",
                       (int)beginning.len, beginning.data);
}

static int enable_run(struct command_call *call, struct err *err)
{
    struct slice version = SLICE("");
    int rc = version_find(call, call_text(call, "version"), &version, err);
    return rc ? rc : version_enable(call, version, err);
}

static int rollback_run(struct command_call *call, struct err *err)
{
    struct statement *s = statement_get(
        call->db,
        "SELECT version FROM rules_active WHERE version <>"
        " (SELECT version FROM rules_active ORDER BY id DESC LIMIT 1) ORDER BY id DESC LIMIT 1");
    int rc = statement_step(s, err);
    if (rc == ERR_END)
        return call_refuse(call, err, ERR_NOT_FOUND,
                           "the rules were never others than these: there is nothing to go back to",
                           "bộ quy tắc chưa từng thay đổi: không có phiên bản trước để quay lại");
    if (rc)
        return rc;
    struct slice version = arena_copy(&call->arena, statement_column_text(s, 0));
    statement_reset(s);
    return version_enable(call, version, err);
}

static const struct param enable_params[] = {
    {.name = "version",
     .kind = PARAM_TEXT,
     .required = true,
     .operand = true,
     .max = 64,
     .help_en = "the version, or its beginning",
     .help_vi = "phiên bản, hoặc phần đầu của nó"},
};
const struct command command_rules_enable = {
    .name = "rules.enable",
    .right = RIGHT_SETTINGS,
    .flags = COMMAND_EVERYWHERE,
    PARAMS(enable_params),
    .run = enable_run,
    .title_en = "judge by this version of the rules from now on",
    .title_vi = "dùng phiên bản bộ quy tắc này từ bây giờ",
};
const struct command command_rules_rollback = {
    .name = "rules.rollback",
    .right = RIGHT_SETTINGS,
    .flags = COMMAND_EVERYWHERE,
    .run = rollback_run,
    .title_en = "go back to the version of the rules before this one",
    .title_vi = "quay lại phiên bản bộ quy tắc trước đó",
};

/* ---- rules.resume ---- */

static void rule_resume(struct engine_call *call)
{
    if (call->engine->store)
        engine_rules_resume(engine_store_rules_of(call->engine->store), call->call.object);
}

static int resume_run(struct command_call *call, struct err *err)
{
    struct engine_call *own = call->own;
    (void)err;
    call->object = call_text(call, "rule");
    if (own)
        own->after = rule_resume;
    return ERR_OK;
}

static const struct param resume_params[] = {
    {.name = "rule",
     .kind = PARAM_TEXT,
     .required = true,
     .operand = true,
     .max = 256,
     .help_en = "id of a suspended rule",
     .help_vi = "id của quy tắc đang tạm ngừng"},
};
const struct command command_rules_resume = {
    .name = "rules.resume",
    .right = RIGHT_SETTINGS,
    .flags = COMMAND_EVERYWHERE,
    PARAMS(resume_params),
    .run = resume_run,
    .title_en = "judge by a suspended rule again",
    .title_vi = "dùng lại một quy tắc đang tạm ngừng",
};

/* ---- a bundle of a command line ---- */

struct coming {
    int fd;
    struct buf bytes;
    char version[LIVE_VERSION_BYTES], count[16];
};

static int coming_read(struct coming *c, struct err *err)
{
    enum { STEP_BYTES = 1 << 20 };
    ssize_t got;
    do {
        buf_reserve(&c->bytes, STEP_BYTES);
        got = pread(c->fd, c->bytes.data + c->bytes.len, STEP_BYTES, (off_t)c->bytes.len);
        if (got < 0 && errno != EINTR)
            return err_set_errno(err, errno, "the bundle cannot be read");
        c->bytes.len += got > 0 ? (size_t)got : 0;
        if (c->bytes.len > BUNDLE_BYTES_MAX)
            return err_set(err, ERR_LIMIT, "the bundle has more than %zu bytes", BUNDLE_BYTES_MAX);
    } while (got != 0);
    return ERR_OK;
}

/* Writer's thread. */
static void coming_keep(struct engine_call *call)
{
    struct coming *c = call->own;
    struct command_call *command = &call->call;
    struct bundle bundle = {0};
    struct disk *disk = NULL;
    int rc = coming_read(c, &command->err);
    if (rc == ERR_OK)
        rc = bundle_open(&bundle, buf_as_slice(&c->bytes), &command->err);
    if (rc == ERR_OK)
        rc = disk_open_folder(&disk, call->engine->context->data, &command->err);
    live_version_text(c->version, &bundle.digest);
    if (rc == ERR_OK)
        rc = engine_rules_write(disk, c->version, buf_as_slice(&c->bytes), &command->err);
    (void)snprintf(c->count, sizeof(c->count), "%u", bundle.entry_count);
    if (disk)
        disk_close_folder(&disk);
    bundle_close(&bundle);
    command->values[0].text = slice_from(c->version);
    command->values[2].text = slice_from(c->count);
    command->rc = rc;
    call->settled = rc != ERR_OK;
}

static void kept_answer(struct engine_call *call)
{
    struct coming *c = call->own;
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)call->call.rc);
    bytes_put_text(&payload, slice_from(call->call.rc ? call->call.err.text : c->version));
    engine_send(call->peer, MESSAGE_RULES_KEPT, call->id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
    (void)close(c->fd);
    buf_free(&c->bytes);
    mem_free(c);
}

static void new_refuse(struct engine_peer *p, uint64_t id, struct slice why)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, (uint32_t)ERR_USAGE);
    bytes_put_text(&payload, why);
    engine_send(p, MESSAGE_RULES_KEPT, id, buf_as_slice(&payload), NULL, 0);
    buf_free(&payload);
}

int engine_rules_new(struct engine *e, struct engine_peer *p, struct wire_message *m,
                     struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&m->payload));
    struct slice origin = bytes_take_text(&in, ORIGIN_BYTES_MAX);
    if (in.bad || bytes_left(&in) || m->fd_count != 1)
        return err_set(err, ERR_SYNTAX, "the message RULES_NEW is not as it must be");
    if (!engine_control_is_root(&p->who)) {
        new_refuse(p, m->id,
                   SLICE("only root and the user that runs Canh may change its rules: use sudo"));
        return ERR_OK;
    }
    struct engine_call *call = engine_call_make(e, p, m->id);
    struct command_call *c = &call->call;
    struct coming *coming = mem_zeroed(1, sizeof(*coming));
    struct buf shown = {0};
    buf_printf(&shown, "unix:%u: ", p->who.user_id);
    engine_text_clean(origin, ORIGIN_BYTES_MAX / 2, &shown);
    coming->fd = wire_take_fd(m, 0);
    const struct command_value values[] = {{SLICE("version"), SLICE("")},
                                           {SLICE("origin"), buf_as_slice(&shown)},
                                           {SLICE("rules"), SLICE("0")},
                                           {SLICE("imported"), SLICE("true")}};
    c->command = &command_rules_record;
    c->value_count = sizeof(values) / sizeof(values[0]);
    c->values = arena_zeroed(&c->arena, c->value_count, sizeof(*c->values));
    memcpy(c->values, values, sizeof(values));
    c->values[1].text = arena_copy(&c->arena, buf_as_slice(&shown));
    buf_free(&shown);
    call->own = coming;
    call->before = coming_keep;
    call->done = kept_answer;
    if (engine_call_put(call, &c->err) == ERR_OK)
        return ERR_OK;
    c->rc = ERR_BUSY;
    kept_answer(call);
    engine_call_drop(call);
    return ERR_OK;
}
