#include "state/db_user.h"

#include "state/signin.h"

#define USER_COLUMNS                                                                               \
    "SELECT id, unit_id, name, title, role, everywhere, vietnamese, locked, removed_ns,"           \
    " password_id, totp_id, totp_pending_id, totp_step, recovery_id, failures, locks,"             \
    " locked_until_ns FROM user "

static int row_take(struct statement *s, struct arena *arena, struct user_row *out, struct err *err)
{
    int rc = statement_step(s, err);
    if (rc == ERR_END)
        return err_set(err, ERR_NOT_FOUND, "there is no such user");
    if (rc != ERR_OK)
        return rc;
    *out = (struct user_row){
        .id = statement_column_u64(s, 0),
        .unit_id = statement_column_u64(s, 1),
        .name = arena_copy(arena, statement_column_text(s, 2)),
        .title = arena_copy(arena, statement_column_text(s, 3)),
        .role = role_find(statement_column_text(s, 4)),
        .everywhere = statement_column_u64(s, 5) != 0,
        .vietnamese = statement_column_u64(s, 6) != 0,
        .locked = statement_column_u64(s, 7) != 0,
        .removed = !statement_column_is_null(s, 8),
        .password_id = statement_column_u64(s, 9),
        .totp_id = statement_column_u64(s, 10),
        .totp_pending_id = statement_column_u64(s, 11),
        .totp_step = statement_column_u64(s, 12),
        .recovery_id = statement_column_u64(s, 13),
        .failures = statement_column_u64(s, 14),
        .locks = statement_column_u64(s, 15),
        .locked_until_ns = statement_column_i64(s, 16),
    };
    statement_reset(s);
    if (!out->role)
        return err_set(err, ERR_DAMAGED, "user %llu has a role that this version does not know",
                       (unsigned long long)out->id);
    return ERR_OK;
}

int user_read(struct database *db, struct arena *arena, uint64_t id, struct user_row *out,
              struct err *err)
{
    struct statement *s = statement_get(db, USER_COLUMNS "WHERE id = ?1");
    statement_u64(s, 1, id);
    return row_take(s, arena, out, err);
}

int user_read_name(struct database *db, struct arena *arena, struct slice name,
                   struct user_row *out, struct err *err)
{
    struct statement *s = statement_get(db, USER_COLUMNS "WHERE name = ?1 AND removed_ns IS NULL");
    statement_text(s, 1, name);
    return row_take(s, arena, out, err);
}

int user_units(struct database *db, uint64_t user_id, uint64_t units[USER_UNITS_MAX],
               uint32_t *count, struct err *err)
{
    struct statement *s =
        statement_get(db, "SELECT unit_id FROM user_unit WHERE user_id = ?1 ORDER BY unit_id");
    statement_u64(s, 1, user_id);
    int rc;
    *count = 0;
    while ((rc = statement_step(s, err)) == ERR_OK && *count < USER_UNITS_MAX)
        units[(*count)++] = statement_column_u64(s, 0);
    if (rc == ERR_OK)
        statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

static int user_scope_under(struct command_call *call, const struct user_row *user, bool *under,
                            struct err *err)
{
    uint64_t units[USER_UNITS_MAX];
    uint32_t count;
    *under = call->caller.everywhere;
    if (*under || user->everywhere)
        return ERR_OK;
    int rc = user_units(call->db, user->id, units, &count, err);
    *under = rc == ERR_OK && caller_has_unit(&call->caller, user->unit_id);
    for (uint32_t i = 0; i < count; i++)
        *under = *under && caller_has_unit(&call->caller, units[i]);
    return rc;
}

int user_under(struct command_call *call, const struct user_row *user, struct err *err)
{
    bool under;
    if (user->removed)
        return call_refuse(call, err, ERR_NOT_FOUND, "the user %.*s was removed",
                           "người dùng %.*s đã bị xóa", (int)user->name.len, user->name.data);
    if (user->id == call->caller.user_id)
        return ERR_OK;
    int rc = user_scope_under(call, user, &under, err);
    if (rc == ERR_OK && !caller_may(&call->caller, user->role->rights & ~(unsigned)USER_DUTIES))
        under = false;
    if (rc == ERR_OK && !under)
        return db_deny(call, err, "this user has rights or units that you do not have",
                       "người dùng này có quyền hoặc đơn vị vượt quá phạm vi của bạn");
    return rc;
}

int user_subject(struct command_call *call, uint64_t id, struct user_row *out, struct err *err)
{
    if (id == 0)
        return call_refuse(call, err, ERR_USAGE, "say which user: user",
                           "hãy nêu rõ người dùng: user");
    if (id == call->caller.user_id && call->caller.kind == CALLER_TOKEN)
        return db_deny(call, err, "a token cannot do this for its user: sign in",
                       "mã truy cập không được làm việc này thay người dùng: hãy đăng nhập");
    if (id != call->caller.user_id && !caller_may(&call->caller, RIGHT_USERS))
        return db_deny(call, err, "this needs the right `users`", "việc này cần quyền `users`");
    int rc = user_read(call->db, &call->arena, id, out, err);
    if (rc == ERR_OK)
        rc = user_under(call, out, err);
    if (rc == ERR_OK)
        call_object(call, "user", id);
    return rc;
}

static int others_left(struct database *db, uint64_t user_id, bool *is_administrator,
                       uint64_t *others, struct err *err)
{
    uint64_t is = 0;
    int rc = db_number(db,
                       "SELECT count(*) FROM user WHERE id = ?1 AND role = 'administrator'"
                       " AND everywhere AND removed_ns IS NULL",
                       user_id, 0, &is, err);
    if (rc == ERR_OK)
        rc = db_number(db,
                       "SELECT count(*) FROM user WHERE id <> ?1 AND role = 'administrator'"
                       " AND everywhere AND removed_ns IS NULL AND NOT locked"
                       " AND password_id IS NOT NULL",
                       user_id, 0, others, err);
    *is_administrator = is > 0;
    return rc;
}

bool user_is_last_administrator(struct database *db, uint64_t user_id)
{
    bool is = false;
    uint64_t others = 0;
    return others_left(db, user_id, &is, &others, NULL) == ERR_OK && is && others == 0;
}

int user_keep_administrator(struct command_call *call, uint64_t user_id, struct err *err)
{
    bool is = false;
    uint64_t others = 0;
    int rc = others_left(call->db, user_id, &is, &others, err);
    if (rc == ERR_OK && is && others == 0)
        return call_refuse(
            call, err, ERR_USAGE,
            "this is the last administrator of all units: make another one first",
            "đây là quản trị cuối cùng của toàn bộ đơn vị: hãy tạo một quản trị khác trước");
    return rc;
}

int user_end_sessions(struct command_call *call, uint64_t user_id, uint64_t but, struct err *err)
{
    return db_change(call->db, "DELETE FROM session WHERE user_id = ?1 AND id <> ?2", user_id, but,
                     err);
}

int user_units_given(struct command_call *call, uint64_t units[USER_UNITS_MAX], uint32_t *count,
                     struct err *err)
{
    struct slice text;
    *count = 0;
    for (uint32_t at = 0; call_next(call, "unit", &at, &text);) {
        uint64_t id = 0;
        if (*count == USER_UNITS_MAX)
            return call_refuse(
                call, err, ERR_LIMIT, "at most %d units can be named: name the unit above them",
                "chỉ nêu được tối đa %d đơn vị: hãy nêu đơn vị cấp trên", USER_UNITS_MAX);
        int rc = call_resolve(call, "unit", text, &id, err);
        if (rc != ERR_OK)
            return rc;
        uint32_t place = *count;
        while (place > 0 && units[place - 1] > id)
            place--;
        if (place > 0 && units[place - 1] == id)
            continue;
        memmove(units + place + 1, units + place, (*count - place) * sizeof *units);
        units[place] = id;
        ++*count;
    }
    return ERR_OK;
}

bool user_is_barred(const struct user_row *user, int64_t now_ns)
{
    return now_ns < user->locked_until_ns &&
           user->locked_until_ns - now_ns <= SIGNIN_LOCK_S_MAX * CLOCK_SECOND_NS;
}

int user_failed(struct command_call *call, const struct user_row *user, struct err *err)
{
    enum { DOUBLINGS_MAX = 16 };
    if (user->failures + 1 < SIGNIN_FAILURES_MAX)
        return db_change(call->db, "UPDATE user SET failures = failures + 1 WHERE id = ?1",
                         user->id, 0, err);
    /* who could lock out the last administrator could lock out everybody: that one's locks stay
     * short */
    uint64_t doublings = user_is_last_administrator(call->db, user->id) ? 0 : user->locks;
    uint64_t seconds = (uint64_t)SIGNIN_LOCK_S
                       << (doublings < DOUBLINGS_MAX ? doublings : DOUBLINGS_MAX);
    seconds = seconds < SIGNIN_LOCK_S_MAX ? seconds : SIGNIN_LOCK_S_MAX;
    return db_change(call->db,
                     "UPDATE user SET failures = 0, locks = locks + 1, locked_until_ns = ?2"
                     " WHERE id = ?1",
                     user->id, (uint64_t)(call->now_ns + (int64_t)seconds * CLOCK_SECOND_NS), err);
}

int user_passed(struct command_call *call, uint64_t user_id, struct err *err)
{
    return db_change(call->db,
                     "UPDATE user SET failures = 0, locks = 0, locked_until_ns = 0 WHERE id = ?1"
                     " AND (failures OR locks OR locked_until_ns)",
                     user_id, 0, err);
}
