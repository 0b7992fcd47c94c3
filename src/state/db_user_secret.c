#include <sodium.h>

#include "formats/json.h"
#include "state/credential.h"
#include "state/db_commands.h"
#include "state/db_user.h"
#include "state/state.h"

#define INVITE_NS (48 * 3600 * CLOCK_SECOND_NS)

int user_password_hash(struct command_call *call, uint64_t allowed_by, struct err *err)
{
    struct buf hash = {0};
    int rc =
        credential_hash_password(call_text(call, "password"), call->caller.vietnamese, &hash, err);
    db_prepared_set(call, allowed_by, buf_as_slice(&hash));
    buf_free(&hash);
    return rc;
}

int user_password_put(struct command_call *call, uint64_t *id, struct err *err)
{
    return credential_put(state_credentials(call->state), CREDENTIAL_PASSWORD,
                          db_prepared_text(call), call->now_ns, id, err);
}

/* *password_id: which password it was, 0 when it was another. */
static int own_password(struct command_call *call, const char *param, uint64_t *password_id,
                        struct err *err)
{
    struct user_row user;
    struct buf stored = {0};
    *password_id = 0;
    int rc = user_read(state_slow_db(call->state), &call->arena, call->caller.user_id, &user, err);
    if (rc == ERR_OK && user.password_id)
        rc = credential_get(state_slow_credentials(call->state), user.password_id,
                            CREDENTIAL_PASSWORD, &stored, err);
    if (rc == ERR_OK && !user_is_barred(&user, call->now_ns) &&
        credential_check_password(call_text(call, param), buf_as_slice(&stored)))
        *password_id = user.password_id;
    if (stored.data)
        sodium_memzero(stored.data, stored.len);
    buf_free(&stored);
    return rc;
}

static int refuse_password(const struct command_call *call, struct err *err)
{
    return call_refuse(call, err, ERR_USAGE, "your password is not right, or you are locked",
                       "mật khẩu của bạn không đúng, hoặc tài khoản đang bị khóa");
}

int user_own_prepare(struct command_call *call, struct err *err)
{
    uint64_t password_id = 0;
    if (call->caller.user_id == 0 || call_text(call, "password").len == 0)
        return call_refuse(call, err, ERR_USAGE, "give your own password: password",
                           "hãy nhập mật khẩu của chính bạn: password");
    int rc = own_password(call, "password", &password_id, err);
    if (rc == ERR_OK && password_id == 0)
        return refuse_password(call, err);
    if (rc == ERR_OK)
        db_prepared_set(call, password_id, SLICE(""));
    return rc;
}

/* Counted durably, then refused as prepare said. */
static int own_failed(struct command_call *call, struct err *err)
{
    struct user_row user;
    int rc = user_subject(call, call->caller.user_id, &user, err);
    if (rc == ERR_OK && !user_is_barred(&user, call->now_ns))
        rc = user_failed(call, &user, err);
    if (rc != ERR_OK)
        return rc;
    call->keep = true;
    return call->prepared;
}

int user_own_passed(struct command_call *call, const struct user_row *user, struct err *err)
{
    if (call->prepared == ERR_USAGE && call_text(call, "password").len > 0)
        return own_failed(call, err);
    if (call->prepared != ERR_OK)
        return call->prepared;
    return user->password_id == db_prepared_number(call) ? ERR_OK : refuse_password(call, err);
}

/* For another user only who may set it makes the node reckon: else it is refused in run. */
static int password_prepare(struct command_call *call, struct err *err)
{
    uint64_t password_id = 0;
    if (call_given(call, "user"))
        return caller_may(&call->caller, RIGHT_USERS) ? user_password_hash(call, 0, err) : ERR_OK;
    if (call->caller.user_id == 0)
        return ERR_OK;
    int rc = own_password(call, "old", &password_id, err);
    if (rc == ERR_OK && password_id == 0)
        return call_refuse(call, err, ERR_USAGE, "the old password is not right",
                           "mật khẩu cũ không đúng");
    return rc == ERR_OK ? user_password_hash(call, password_id, err) : rc;
}

static int password_set(struct command_call *call, uint64_t user_id, struct err *err)
{
    uint64_t password_id = 0;
    int rc = user_password_put(call, &password_id, err);
    if (rc == ERR_OK)
        rc = db_change(call->db,
                       "UPDATE user SET password_id = ?2, failures = 0, locks = 0,"
                       " locked_until_ns = 0 WHERE id = ?1",
                       user_id, password_id, err);
    if (rc == ERR_OK)
        rc = db_change(call->db, "DELETE FROM invite WHERE user_id = ?1", user_id, 0, err);
    return rc;
}

/* Guessing at the old password counts; a new one that will not do (the old one was right) does not.
 */
static int password_refused(struct command_call *call, struct err *err)
{
    bool old_was_right = db_prepared_number(call) != 0;
    if (call_given(call, "user") || call->caller.user_id == 0 || old_was_right ||
        call->prepared != ERR_USAGE)
        return call->prepared;
    return own_failed(call, err);
}

static int user_password(struct command_call *call, struct err *err)
{
    struct user_row user;
    bool own = !call_given(call, "user");
    if (call->prepared != ERR_OK)
        return password_refused(call, err);
    int rc = user_subject(call, own ? call->caller.user_id : call_ref(call, "user"), &user, err);
    if (rc != ERR_OK)
        return rc;
    if (!own && user.id == call->caller.user_id)
        return call_refuse(call, err, ERR_USAGE, "for yourself leave out user and give old",
                           "với chính mình: bỏ user và nhập mật khẩu cũ (old)");
    if (own && user.password_id != db_prepared_number(call))
        return call_refuse(call, err, ERR_USAGE, "the password was changed meanwhile: try again",
                           "mật khẩu vừa được thay đổi: hãy thử lại");
    rc = password_set(call, user.id, err);
    if (rc == ERR_OK)
        rc = user_end_sessions(
            call, user.id, own && call->caller.kind == CALLER_SESSION ? call->caller.session_id : 0,
            err);
    if (rc == ERR_OK)
        db_done(call, "user", user.id, user.name);
    return rc;
}

static void result_invite(struct command_call *call, uint64_t user_id, const char *token,
                          int64_t expires_ns)
{
    struct json_writer w = {.out = &call->result};
    char time[CLOCK_TEXT_BYTES];
    struct buf text = {0};
    buf_printf(&text, "%llu-%s", (unsigned long long)user_id, token);
    json_open_object(&w);
    json_key(&w, "token");
    json_string(&w, buf_as_slice(&text));
    json_key(&w, "expires");
    json_string(&w, slice_make(time, clock_text(time, expires_ns)));
    json_close_object(&w);
    sodium_memzero(text.data, text.len);
    buf_free(&text);
}

static int user_invite(struct command_call *call, struct err *err)
{
    struct user_row user;
    struct buf stored = {0};
    char token[CREDENTIAL_TOKEN_TEXT_BYTES];
    uint64_t id = 0;
    int64_t expires_ns = call->now_ns + INVITE_NS;
    int rc = user_subject(call, call_ref(call, "user"), &user, err);
    if (rc == ERR_OK && user.id == call->caller.user_id)
        return call_refuse(call, err, ERR_USAGE, "change your own password with user.password",
                           "hãy đổi mật khẩu của mình bằng user.password");
    if (rc != ERR_OK)
        return rc;
    credential_token_make(token, &stored);
    rc = credential_put(state_credentials(call->state), CREDENTIAL_TOKEN, buf_as_slice(&stored),
                        call->now_ns, &id, err);
    buf_free(&stored);
    if (rc != ERR_OK)
        return rc;
    struct statement *s = statement_get(
        call->db, "INSERT OR REPLACE INTO invite(user_id, credential_id, made_ns, expires_ns)"
                  " VALUES(?1, ?2, ?3, ?4)");
    statement_u64(s, 1, user.id);
    statement_u64(s, 2, id);
    statement_i64(s, 3, call->now_ns);
    statement_i64(s, 4, expires_ns);
    rc = statement_run(s, err);
    if (rc == ERR_OK)
        result_invite(call, user.id, token, expires_ns);
    sodium_memzero(token, sizeof token);
    return rc;
}

static int refuse_invite(struct command_call *call, struct err *err)
{
    return call_refuse(call, err, ERR_USAGE,
                       "this invitation was used, replaced or is too old: ask for a new one",
                       "lời mời này đã được dùng, bị thay thế hoặc hết hạn: hãy xin lời mời mới");
}

/* The credential that the user's invitation names; 0: none that is good. */
static int invite_credential(struct command_call *call, struct database *db, uint64_t user_id,
                             uint64_t *credential, struct err *err)
{
    return db_number(db,
                     "SELECT i.credential_id FROM invite i JOIN user u ON u.id = i.user_id"
                     " WHERE i.user_id = ?1 AND i.expires_ns > ?2 AND u.removed_ns IS NULL"
                     " AND NOT u.locked",
                     user_id, (uint64_t)call->now_ns, credential, err);
}

static bool invite_read(struct slice text, uint64_t *user_id, struct slice *token)
{
    struct slice number = slice_cut(&text, '-');
    *token = text;
    return slice_to_u64(number, user_id) && text.len > 0;
}

static int accept_prepare(struct command_call *call, struct err *err)
{
    struct slice token;
    struct buf stored = {0};
    uint64_t user_id = 0, credential = 0;
    uint8_t hash[32];
    bool locked = false;
    int rc = session_address_locked(call, state_slow_db(call->state), &locked, err);
    if (rc != ERR_OK)
        return rc;
    if (locked || !invite_read(call_text(call, "token"), &user_id, &token))
        return refuse_invite(call, err);
    rc = invite_credential(call, state_slow_db(call->state), user_id, &credential, err);
    if (rc == ERR_OK && credential == 0)
        return refuse_invite(call, err);
    if (rc == ERR_OK)
        rc = credential_get(state_slow_credentials(call->state), credential, CREDENTIAL_TOKEN,
                            &stored, err);
    credential_token_hash(token, hash);
    bool fits = rc == ERR_OK && stored.len == sizeof hash &&
                sodium_memcmp(hash, stored.data, sizeof hash) == 0;
    buf_free(&stored);
    if (rc == ERR_OK && !fits)
        return refuse_invite(call, err);
    return rc == ERR_OK ? user_password_hash(call, credential, err) : rc;
}

/* A token that is none is counted; a password that will not do (the token was right) is not. */
static int accept_failed(struct command_call *call, struct err *err)
{
    bool counted = false;
    if (call->prepared != ERR_USAGE || db_prepared_number(call) != 0)
        return call->prepared;
    int rc = session_address_failed(call, &counted, err);
    if (rc != ERR_OK)
        return rc;
    call->keep = counted;
    return call->prepared;
}

static int invite_accept(struct command_call *call, struct err *err)
{
    struct user_row user;
    struct slice token;
    uint64_t user_id = 0, credential = 0;
    if (call->prepared != ERR_OK)
        return accept_failed(call, err);
    if (!invite_read(call_text(call, "token"), &user_id, &token))
        return refuse_invite(call, err);
    int rc = invite_credential(call, call->db, user_id, &credential, err);
    if (rc == ERR_OK && (credential == 0 || credential != db_prepared_number(call)))
        return refuse_invite(call, err);
    if (rc == ERR_OK)
        rc = user_read(call->db, &call->arena, user_id, &user, err);
    if (rc == ERR_OK)
        rc = password_set(call, user_id, err);
    if (rc == ERR_OK)
        rc = user_end_sessions(call, user_id, 0, err);
    if (rc == ERR_OK)
        db_done(call, "user", user_id, user.name);
    return rc;
}

static const struct param password_params[] = {
    {.name = "password",
     .kind = PARAM_SECRET,
     .required = true,
     .help_en = "the new password",
     .help_vi = "mật khẩu mới"},
    {.name = "old",
     .kind = PARAM_SECRET,
     .help_en = "for oneself: the old password",
     .help_vi = "khi đổi cho chính mình: mật khẩu cũ"},
    {.name = "user",
     .kind = PARAM_REF,
     .ref = "user",
     .help_en = "another user; else oneself",
     .help_vi = "người dùng khác; nếu bỏ trống: chính mình"},
};
const struct command command_user_password = {.name = "user.password",
                                              .right = RIGHT_SELF,
                                              DB_PARAMS(password_params),
                                              .prepare = password_prepare,
                                              .run = user_password,
                                              .title_en = "set a password; other sessions end",
                                              .title_vi = "đặt mật khẩu; các phiên khác kết thúc"};

static const struct param invite_params[] = {
    {.name = "user",
     .kind = PARAM_REF,
     .ref = "user",
     .required = true,
     .operand = true,
     .help_en = "the user",
     .help_vi = "người dùng được mời"},
};
const struct command command_user_invite = {
    .name = "user.invite",
    .right = RIGHT_USERS,
    DB_PARAMS(invite_params),
    .run = user_invite,
    .title_en = "one-time invitation to set a password, good for 48 hours",
    .title_vi = "lời mời dùng một lần để đặt mật khẩu, có hiệu lực 48 giờ"};

static const struct param accept_params[] = {
    {.name = "token",
     .kind = PARAM_SECRET,
     .required = true,
     .help_en = "what the invitation says",
     .help_vi = "mã trong lời mời"},
    {.name = "password",
     .kind = PARAM_SECRET,
     .required = true,
     .help_en = "the new password",
     .help_vi = "mật khẩu mới"},
};
const struct command command_invite_accept = {.name = "invite.accept",
                                              .flags = COMMAND_OPEN,
                                              DB_PARAMS(accept_params),
                                              .prepare = accept_prepare,
                                              .run = invite_accept,
                                              .title_en =
                                                  "accept an invitation: set the first password",
                                              .title_vi = "nhận lời mời: đặt mật khẩu đầu tiên"};
