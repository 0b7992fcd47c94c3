#include "state/db_commands.h"
#include "state/db_user.h"

#define ROLES "officer|handler|lead|head|administrator|auditor|machine|provider"

struct user_scope {
    const struct role_row *role;
    bool everywhere;
    uint64_t units[USER_UNITS_MAX];
    uint32_t unit_count;
    uint64_t home;
};

static int scope_allowed(struct command_call *call, struct user_scope *scope, struct err *err)
{
    if (!caller_may(&call->caller, scope->role->rights & ~(unsigned)USER_DUTIES))
        return db_deny(call, err, "this role has rights that you do not have",
                       "vai trò này có quyền mà bạn không có");
    if (scope->everywhere && scope->role->given_units)
        return call_refuse(call, err, ERR_USAGE, "this role is given units by name: unit",
                           "vai trò này phải được giao đơn vị cụ thể: unit");
    if (scope->everywhere && !call->caller.everywhere)
        return db_deny(call, err, "name the units that the user is for: unit",
                       "hãy nêu các đơn vị giao cho người dùng: unit");
    for (uint32_t i = 0; i < scope->unit_count; i++)
        if (!caller_has_unit(&call->caller, scope->units[i]))
            return db_deny(call, err, "a unit is outside of yours",
                           "có đơn vị nằm ngoài phạm vi của bạn");
    if (scope->home == 0 && !scope->everywhere)
        scope->home = scope->units[0];
    return ERR_OK;
}

static int scope_write(struct command_call *call, uint64_t id, const struct user_scope *scope,
                       struct err *err)
{
    int rc = db_change(call->db, "DELETE FROM user_unit WHERE user_id = ?1", id, 0, err);
    for (uint32_t i = 0; rc == ERR_OK && !scope->everywhere && i < scope->unit_count; i++)
        rc = db_change(call->db, "INSERT INTO user_unit(user_id, unit_id) VALUES(?1, ?2)", id,
                       scope->units[i], err);
    return rc;
}

static int add_prepare(struct command_call *call, struct err *err)
{
    if (!call_given(call, "password"))
        return ERR_OK;
    return user_password_hash(call, 0, err);
}

static int user_insert(struct command_call *call, const struct user_scope *scope, uint64_t *id,
                       struct err *err)
{
    uint64_t password_id = 0;
    int rc = call_given(call, "password") ? user_password_put(call, &password_id, err) : ERR_OK;
    if (rc != ERR_OK)
        return rc;
    struct statement *s = statement_get(
        call->db, "INSERT INTO user(name, title, role, unit_id, everywhere, vietnamese,"
                  " password_id, search, made_ns) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    struct buf search = {0};
    db_search(&search, call_text(call, "name"));
    db_search(&search, call_text(call, "title"));
    statement_text(s, 1, call_text(call, "name"));
    statement_text(s, 2, call_text(call, "title"));
    statement_text(s, 3, slice_from(scope->role->name));
    if (scope->home)
        statement_u64(s, 4, scope->home);
    statement_u64(s, 5, scope->everywhere);
    statement_u64(s, 6, !slice_equal(call_text(call, "language"), SLICE("en")));
    if (password_id)
        statement_u64(s, 7, password_id);
    statement_text(s, 8, buf_as_slice(&search));
    statement_i64(s, 9, call->now_ns);
    rc = statement_run(s, err);
    buf_free(&search);
    return rc == ERR_OK ? db_last_id(call->db, id, err) : rc;
}

static int user_add(struct command_call *call, struct err *err)
{
    struct user_scope scope = {.role = role_find(call_text(call, "role")),
                               .home = call_ref(call, "home")};
    uint64_t count = 0, id = 0;
    int rc = call->prepared;
    if (rc == ERR_OK)
        rc = user_units_given(call, scope.units, &scope.unit_count, err);
    scope.everywhere = scope.unit_count == 0;
    if (rc == ERR_OK)
        rc = scope_allowed(call, &scope, err);
    if (rc == ERR_OK)
        rc = db_number(call->db, "SELECT count(*) FROM user WHERE id > ?1", 0, 0, &count, err);
    if (rc == ERR_OK && count >= USERS_MAX)
        return call_refuse(call, err, ERR_LIMIT, "there are %d users already, which is the limit",
                           "đã có %d người dùng, đạt giới hạn", USERS_MAX);
    if (rc == ERR_OK)
        rc = db_name_free(call, "SELECT id FROM user WHERE name = ?1", 0, err);
    if (rc == ERR_OK)
        rc = user_insert(call, &scope, &id, err);
    if (rc == ERR_OK)
        rc = scope_write(call, id, &scope, err);
    if (rc == ERR_OK)
        db_done(call, "user", id, call_text(call, "name"));
    return rc;
}

/* What the user will have: as it is, with what was given in its place. */
static int scope_of_change(struct command_call *call, const struct user_row *user,
                           struct user_scope *scope, struct err *err)
{
    scope->role = call_given(call, "role") ? role_find(call_text(call, "role")) : user->role;
    scope->home = call_given(call, "home") ? call_ref(call, "home") : user->unit_id;
    int rc = user_units_given(call, scope->units, &scope->unit_count, err);
    if (rc != ERR_OK)
        return rc;
    if (call_bool(call, "everywhere") && scope->unit_count > 0)
        return call_refuse(call, err, ERR_USAGE, "give either everywhere or units",
                           "chỉ nêu everywhere hoặc unit, không nêu cả hai");
    scope->everywhere =
        call_bool(call, "everywhere") || (user->everywhere && scope->unit_count == 0);
    if (!scope->everywhere && scope->unit_count == 0)
        rc = user_units(call->db, user->id, scope->units, &scope->unit_count, err);
    return rc;
}

static int user_change(struct command_call *call, struct err *err)
{
    struct user_row user;
    struct user_scope scope = {0};
    struct buf search = {0};
    int rc = user_subject(call, call_ref(call, "user"), &user, err);
    if (rc == ERR_OK)
        rc = scope_of_change(call, &user, &scope, err);
    if (rc == ERR_OK)
        rc = scope_allowed(call, &scope, err);
    if (rc != ERR_OK)
        return rc;
    bool locked = call_given(call, "locked") ? call_bool(call, "locked") : user.locked;
    bool administers =
        scope.everywhere && !locked && strcmp(scope.role->name, "administrator") == 0;
    if (!administers)
        rc = user_keep_administrator(call, user.id, err);
    if (rc != ERR_OK)
        return rc;
    struct slice title = db_text_or(call, "title", user.title);
    bool vietnamese = call_given(call, "language")
                          ? slice_equal(call_text(call, "language"), SLICE("vi"))
                          : user.vietnamese;
    struct statement *s = statement_get(
        call->db, "UPDATE user SET title = ?1, role = ?2, unit_id = ?3, everywhere = ?4,"
                  " vietnamese = ?5, locked = ?6, search = ?7 WHERE id = ?8");
    db_search(&search, user.name);
    db_search(&search, title);
    statement_text(s, 1, title);
    statement_text(s, 2, slice_from(scope.role->name));
    if (scope.home)
        statement_u64(s, 3, scope.home);
    statement_u64(s, 4, scope.everywhere);
    statement_u64(s, 5, vietnamese);
    statement_u64(s, 6, locked);
    statement_text(s, 7, buf_as_slice(&search));
    statement_u64(s, 8, user.id);
    rc = statement_run(s, err);
    buf_free(&search);
    if (rc == ERR_OK)
        rc = scope_write(call, user.id, &scope, err);
    if (rc == ERR_OK && locked && !user.locked)
        rc = user_end_sessions(call, user.id, 0, err);
    if (rc == ERR_OK)
        db_done(call, "user", user.id, user.name);
    return rc;
}

static int user_remove(struct command_call *call, struct err *err)
{
    static const char *const steps[] = {
        "DELETE FROM session WHERE user_id = ?1",
        "DELETE FROM token WHERE user_id = ?1",
        "DELETE FROM invite WHERE user_id = ?1",
        ("UPDATE user SET password_id = NULL, totp_id = NULL, totp_pending_id = NULL,"
         " recovery_id = NULL, unix_name = NULL, removed_ns = ?2 WHERE id = ?1"),
    };
    struct user_row user;
    int rc = user_subject(call, call_ref(call, "user"), &user, err);
    if (rc == ERR_OK)
        rc = user_keep_administrator(call, user.id, err);
    for (size_t i = 0; rc == ERR_OK && i < sizeof steps / sizeof steps[0]; i++)
        rc = db_change(call->db, steps[i], user.id, (uint64_t)call->now_ns, err);
    if (rc == ERR_OK)
        db_done(call, "user", user.id, user.name);
    return rc;
}

static int user_unlock(struct command_call *call, struct err *err)
{
    struct user_row user;
    int rc = user_subject(call, call_ref(call, "user"), &user, err);
    if (rc == ERR_OK && user.id == call->caller.user_id && call->caller.kind == CALLER_SESSION)
        return db_deny(call, err, "a locked user is let in again by another administrator",
                       "người dùng bị khóa phải do quản trị khác mở khóa");
    if (rc == ERR_OK)
        rc = db_change(call->db,
                       "UPDATE user SET failures = 0, locks = 0, locked_until_ns = 0, locked = 0"
                       " WHERE id = ?1",
                       user.id, 0, err);
    if (rc == ERR_OK)
        db_done(call, "user", user.id, user.name);
    return rc;
}

/* Whom the Unix user was bound to loses that only by somebody who stands over both. */
static int bound_free(struct command_call *call, uint64_t user_id, struct slice unix_name,
                      struct err *err)
{
    struct user_row other;
    struct statement *s =
        statement_get(call->db, "SELECT id FROM user WHERE unix_name = ?1 AND id <> ?2");
    statement_text(s, 1, unix_name);
    statement_u64(s, 2, user_id);
    int rc = statement_step(s, err);
    if (rc == ERR_END)
        return ERR_OK;
    if (rc != ERR_OK)
        return rc;
    uint64_t id = statement_column_u64(s, 0);
    statement_reset(s);
    rc = user_read(call->db, &call->arena, id, &other, err);
    if (rc == ERR_OK)
        rc = user_under(call, &other, err);
    if (rc == ERR_OK)
        rc = db_change(call->db, "UPDATE user SET unix_name = NULL WHERE id = ?1", id, 0, err);
    return rc;
}

static int user_bind(struct command_call *call, struct err *err)
{
    struct user_row user;
    struct slice unix_name = call_text(call, "unix");
    int rc = user_subject(call, call_ref(call, "user"), &user, err);
    if (rc != ERR_OK)
        return rc;
    rc = bound_free(call, user.id, unix_name, err);
    if (rc != ERR_OK)
        return rc;
    struct statement *s = statement_get(call->db, "UPDATE user SET unix_name = ?1 WHERE id = ?2");
    if (unix_name.len)
        statement_text(s, 1, unix_name);
    statement_u64(s, 2, user.id);
    rc = statement_run(s, err);
    if (rc == ERR_OK)
        db_done(call, "user", user.id, user.name);
    return rc;
}

static const struct param add_params[] = {
    {.name = "name",
     .kind = PARAM_NAME,
     .required = true,
     .operand = true,
     .help_en = "name to sign in with; it is never given again",
     .help_vi = "tên đăng nhập; không cấp lại cho người khác"},
    {.name = "title",
     .kind = PARAM_TEXT,
     .required = true,
     .max = 200,
     .help_en = "full name",
     .help_vi = "họ và tên"},
    {.name = "role",
     .kind = PARAM_CHOICE,
     .required = true,
     .choices = ROLES,
     .help_en = "role",
     .help_vi = "vai trò"},
    {.name = "unit",
     .kind = PARAM_REF,
     .ref = "unit",
     .many = true,
     .help_en = "units that the user is for, those under them included; none: all units",
     .help_vi = "các đơn vị được giao, gồm cả đơn vị trực thuộc; bỏ trống: toàn bộ đơn vị"},
    {.name = "home",
     .kind = PARAM_REF,
     .ref = "unit",
     .help_en = "unit where the user works; else the first of unit",
     .help_vi = "đơn vị công tác; nếu bỏ trống: đơn vị đầu tiên được giao"},
    {.name = "language",
     .kind = PARAM_CHOICE,
     .choices = "vi|en",
     .help_en = "language; else vi",
     .help_vi = "ngôn ngữ; nếu bỏ trống: vi"},
    {.name = "password",
     .kind = PARAM_SECRET,
     .help_en = "first password; without one invite the user",
     .help_vi = "mật khẩu ban đầu; nếu không có thì gửi lời mời cho người dùng"},
};
const struct command command_user_add = {.name = "user.add",
                                         .right = RIGHT_USERS,
                                         DB_PARAMS(add_params),
                                         .prepare = add_prepare,
                                         .run = user_add,
                                         .title_en = "add a user",
                                         .title_vi = "thêm người dùng"};

static const struct param change_params[] = {
    {.name = "user",
     .kind = PARAM_REF,
     .ref = "user",
     .required = true,
     .operand = true,
     .help_en = "the user",
     .help_vi = "người dùng cần sửa"},
    {.name = "title",
     .kind = PARAM_TEXT,
     .max = 200,
     .help_en = "full name",
     .help_vi = "họ và tên"},
    {.name = "role",
     .kind = PARAM_CHOICE,
     .choices = ROLES,
     .help_en = "role",
     .help_vi = "vai trò"},
    {.name = "unit",
     .kind = PARAM_REF,
     .ref = "unit",
     .many = true,
     .help_en = "units that the user is for, in place of those before",
     .help_vi = "các đơn vị được giao, thay cho các đơn vị trước"},
    {.name = "everywhere",
     .kind = PARAM_BOOL,
     .help_en = "for all units",
     .help_vi = "giao toàn bộ đơn vị"},
    {.name = "home",
     .kind = PARAM_REF,
     .ref = "unit",
     .help_en = "unit where the user works",
     .help_vi = "đơn vị công tác"},
    {.name = "language",
     .kind = PARAM_CHOICE,
     .choices = "vi|en",
     .help_en = "language",
     .help_vi = "ngôn ngữ"},
    {.name = "locked",
     .kind = PARAM_BOOL,
     .help_en = "true: no sign-in, and the user's sessions end",
     .help_vi = "true: khóa tài khoản, kết thúc các phiên đang mở"},
};
const struct command command_user_change = {.name = "user.change",
                                            .right = RIGHT_USERS,
                                            DB_PARAMS(change_params),
                                            .run = user_change,
                                            .title_en = "change a user",
                                            .title_vi = "sửa thông tin người dùng"};

static const struct param user_params[] = {
    {.name = "user",
     .kind = PARAM_REF,
     .ref = "user",
     .required = true,
     .operand = true,
     .help_en = "the user",
     .help_vi = "người dùng"},
};
const struct command command_user_remove = {.name = "user.remove",
                                            .right = RIGHT_USERS,
                                            DB_PARAMS(user_params),
                                            .run = user_remove,
                                            .title_en = "remove a user, with sessions and tokens",
                                            .title_vi =
                                                "xóa người dùng cùng các phiên và mã truy cập"};
const struct command command_user_unlock = {.name = "user.unlock",
                                            .right = RIGHT_USERS,
                                            DB_PARAMS(user_params),
                                            .run = user_unlock,
                                            .title_en = "let a locked user sign in again",
                                            .title_vi = "mở khóa người dùng"};

static const struct param bind_params[] = {
    {.name = "user",
     .kind = PARAM_REF,
     .ref = "user",
     .required = true,
     .operand = true,
     .help_en = "the user",
     .help_vi = "người dùng"},
    {.name = "unix",
     .kind = PARAM_TEXT,
     .required = true,
     .operand = true,
     .max = 32,
     .help_en = "Unix user who acts as this user on this machine; empty: none",
     .help_vi = "tài khoản Unix được làm việc với tư cách người dùng này; rỗng: không có"},
};
const struct command command_user_bind = {.name = "user.bind",
                                          .right = RIGHT_USERS,
                                          .flags = COMMAND_LOCAL,
                                          DB_PARAMS(bind_params),
                                          .run = user_bind,
                                          .title_en = "bind a Unix user to a user",
                                          .title_vi = "gắn tài khoản Unix với người dùng"};
