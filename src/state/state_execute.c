#include <stdio.h>

#include "state/command_param.h"
#include "state/state_inside.h"

void state_prepare(struct state *state, struct command_call *call)
{
    struct err err = {0};
    call->state = state;
    call->was_prepared = true;
    call->prepared = ERR_OK;
    if (!call->command->prepare)
        return;
    /* what is refused here is refused again when it is executed, and audited there */
    if (command_check(call, &err) != ERR_OK)
        return;
    call->db = state->slow_db;
    call->prepared = call->command->prepare(call, &call->err);
    call->db = NULL;
}

/* What SQLite says becomes a sentence that says what to do. */
static void say_again(const struct command_call *call, struct err *err)
{
    struct err old = *err;
    const struct caller *who = &call->caller;
    switch (old.code) {
    case ERR_USAGE:
        (void)caller_refuse(who, err, old.code,
                            "this contradicts what is stored, nothing was changed: look at what is "
                            "there and send it again (%s)",
                            "yêu cầu mâu thuẫn với dữ liệu đã lưu, chưa có gì thay đổi: hãy xem "
                            "lại rồi gửi lần nữa (%s)",
                            old.text);
        break;
    case ERR_FULL:
        (void)caller_refuse(who, err, old.code,
                            "the disk of the data folder is full, nothing was changed: make room "
                            "(`canh store stat` shows what takes it) and send it again (%s)",
                            "ổ đĩa chứa dữ liệu đã đầy, chưa có gì thay đổi: hãy giải phóng chỗ "
                            "(`canh store stat` cho biết gì đang chiếm chỗ) rồi gửi lại (%s)",
                            old.text);
        break;
    case ERR_BUSY:
        (void)caller_refuse(
            who, err, old.code,
            "the state is busy, nothing was changed: send it again in a moment (%s)",
            "dữ liệu đang bận, chưa có gì thay đổi: hãy gửi lại sau giây lát (%s)", old.text);
        break;
    default:
        (void)caller_refuse(who, err, old.code,
                            "the state could not be written, nothing was changed: look at the disk "
                            "and at `canh doctor`, then send it again (%s)",
                            "không ghi được dữ liệu, chưa có gì thay đổi: hãy kiểm tra ổ đĩa và "
                            "`canh doctor` rồi gửi lại (%s)",
                            old.text);
    }
}

static int audit_call(struct state *s, struct command_call *call, struct err *err)
{
    struct buf detail = {0};
    bool done = call->rc == ERR_OK;
    if (done)
        command_detail(call, &detail);
    struct audit_row row = {.time_ns = call->now_ns,
                            .actor = call->caller.name,
                            .from = call->caller.from,
                            .user_id = call->caller.user_id,
                            .command = slice_from(call->command->name),
                            .object = call->object,
                            .unit_id = call->unit_id,
                            .code = call->rc,
                            .detail = buf_as_slice(&detail)};
    int rc = audit_add(s->audit, &row, err);
    if (rc == ERR_OK)
        call->audit_id = row.id;
    buf_free(&detail);
    return rc;
}

/* Found when the call came; it may have ended, or its user may have lost rights, while the call was
 * waiting. */
static int caller_again(struct command_call *call, struct err *err)
{
    struct caller *who = &call->caller;
    bool token = who->kind == CALLER_TOKEN;
    if (who->session_id == 0 || call->command->flags & COMMAND_OPEN ||
        (who->kind != CALLER_SESSION && !token))
        return ERR_OK;
    struct statement *s = statement_get(
        call->db, token ? "SELECT u.role FROM token k JOIN user u ON u.id = k.user_id"
                          " WHERE k.id = ?1 AND u.id = ?2 AND u.removed_ns IS NULL AND NOT u.locked"
                        : "SELECT u.role FROM session k JOIN user u ON u.id = k.user_id"
                          " WHERE k.id = ?1 AND u.id = ?2 AND u.removed_ns IS NULL AND NOT"
                          " u.locked");
    statement_u64(s, 1, who->session_id);
    statement_u64(s, 2, who->user_id);
    int rc = statement_step(s, err);
    const struct role_row *role = rc == ERR_OK ? role_find(statement_column_text(s, 0)) : NULL;
    statement_reset(s);
    if (rc != ERR_OK && rc != ERR_END)
        return rc;
    if (role) {
        who->rights &= role->rights;
        return ERR_OK;
    }
    call->denied = true;
    return caller_refuse(who, err, ERR_NOT_FOUND, "this session has ended meanwhile: sign in again",
                         "phiên làm việc vừa kết thúc: hãy đăng nhập lại");
}

/* Runs the call inside its savepoint; the savepoint is left open. */
static int run(struct command_call *call, struct err *err)
{
    check(!call->command->prepare || call->was_prepared);
    int rc = caller_again(call, err);
    if (rc == ERR_OK)
        rc = command_check(call, err);
    if (rc == ERR_OK)
        rc = command_refer(call, err);
    if (rc == ERR_OK)
        rc = call->command->run(call, err);
    if (rc == ERR_OK)
        call->denied = false;
    return rc;
}

/* ERR_OK: the call has its own outcome and the transaction goes on. Else the group failed. */
static int execute_one(struct state *s, struct command_call *call, struct err *err)
{
    struct err why = {0};
    call->state = s;
    call->db = s->db;
    call->denied = call->keep = false;
    call->audit_id = 0;
    call->object = SLICE("");
    call->unit_id = 0;
    int rc = database_run(s->db, "SAVEPOINT one", err);
    if (rc)
        return rc;
    call->rc = run(call, &why);
    if (call->rc == ERR_OK)
        call->err = (struct err){0};
    else if (why.code != ERR_OK || call->prepared == ERR_OK)
        call->err = why;                 /* else what prepare said stands */
    if (!database_in_transaction(s->db)) /* the disk: all of the group is gone */
        return err_set(err, call->rc == ERR_OK ? ERR_IO : call->rc, "%s", why.text);
    if (call->rc != ERR_OK && database_said(s->db, &why))
        say_again(call, &call->err);
    if (call->dry || (call->rc != ERR_OK && !call->keep))
        rc = database_run(s->db, "ROLLBACK TO one", err);
    if (rc == ERR_OK)
        rc = database_run(s->db, "RELEASE one", err);
    /* what everybody may send is told only where its handler counted it: nobody fills the chain */
    bool told = call->rc == ERR_OK || call->denied || call->keep;
    if (rc == ERR_OK && told && !call->dry)
        rc = audit_call(s, call, err);
    call->db = NULL;
    return rc;
}

static void all_fail(struct command_call **calls, uint32_t count, const struct err *err)
{
    for (uint32_t i = 0; i < count; i++) {
        struct command_call *call = calls[i];
        call->db = NULL;
        call->rc = err->code;
        call->err = *err;
        say_again(call, &call->err);
        buf_clear(&call->result);
        call->audit_id = 0;
        call->keep = call->denied = false;
    }
}

int state_execute(struct state *s, struct command_call **calls, uint32_t count, int64_t now_ns,
                  struct err *err)
{
    struct err why = {0};
    check(count <= STATE_GROUP_MAX);
    if (count == 0)
        return ERR_OK;
    int rc = database_begin(s->db, &why);
    for (uint32_t i = 0; rc == ERR_OK && i < count; i++) {
        if (calls[i]->now_ns == 0)
            calls[i]->now_ns = now_ns;
        rc = execute_one(s, calls[i], &why);
    }
    if (rc == ERR_OK)
        rc = audit_seal(s->audit, now_ns, &why);
    if (rc == ERR_OK)
        rc = database_commit(s->db, &why);
    else
        database_roll_back(s->db);
    audit_settled(s->audit, rc == ERR_OK);
    for (uint32_t i = 0; i < count; i++) {
        struct buf *secret = &calls[i]->secret;
        if (secret->data)
            explicit_bzero(secret->data, secret->capacity);
        buf_free(secret);
        calls[i]->was_prepared = false;
    }
    s->changed = true;
    if (rc == ERR_OK)
        return ERR_OK;
    all_fail(calls, count, &why);
    return err_set(err, rc, "%s", why.text);
}
