#include <sodium.h>

#include "formats/json.h"
#include "state/credential.h"
#include "state/db_commands.h"
#include "state/db_user.h"
#include "state/state.h"

static int totp_code(struct command_call *call, const struct user_row *user, struct slice code,
                     bool *fits, struct err *err)
{
    struct buf secret = {0};
    uint64_t step = 0;
    int rc = credential_get(state_credentials(call->state), user->totp_id, CREDENTIAL_TOTP, &secret,
                            err);
    *fits = rc == ERR_OK && secret.len == CREDENTIAL_TOTP_BYTES &&
            credential_totp_check((const uint8_t *)secret.data, code, call->now_ns, user->totp_step,
                                  &step);
    if (secret.data)
        sodium_memzero(secret.data, secret.len);
    buf_free(&secret);
    if (*fits)
        rc = db_change(call->db, "UPDATE user SET totp_step = ?2 WHERE id = ?1", user->id, step,
                       err);
    return rc;
}

static int recovery_code(struct command_call *call, const struct user_row *user, struct slice code,
                         bool *fits, struct err *err)
{
    struct database *credentials = state_credentials(call->state);
    struct buf stored = {0};
    uint64_t id = 0;
    *fits = false;
    if (user->recovery_id == 0)
        return ERR_OK;
    int rc = credential_get(credentials, user->recovery_id, CREDENTIAL_RECOVERY, &stored, err);
    *fits = rc == ERR_OK && credential_recovery_use(code, &stored);
    if (*fits)
        rc = credential_put(credentials, CREDENTIAL_RECOVERY, buf_as_slice(&stored), call->now_ns,
                            &id, err);
    if (*fits && rc == ERR_OK)
        rc = db_change(call->db, "UPDATE user SET recovery_id = ?2 WHERE id = ?1", user->id, id,
                       err);
    buf_free(&stored);
    return rc;
}

int user_code(struct command_call *call, const struct user_row *user, struct slice code, bool *fits,
              struct err *err)
{
    *fits = false;
    if (user->totp_id == 0)
        return ERR_OK;
    int rc = totp_code(call, user, code, fits, err);
    if (rc == ERR_OK && !*fits)
        rc = recovery_code(call, user, code, fits, err);
    return rc;
}

static int result_secret(struct command_call *call, const uint8_t secret[CREDENTIAL_TOTP_BYTES],
                         struct slice account, struct err *err)
{
    struct json_writer w = {.out = &call->result};
    struct buf text = {0}, uri = {0}, svg = {0}, blocks = {0};
    credential_totp_text(secret, &text);
    credential_totp_uri(secret, account, SLICE("Canh"), &uri);
    int rc = credential_totp_picture(buf_as_slice(&uri), true, &svg, err);
    if (rc == ERR_OK)
        rc = credential_totp_picture(buf_as_slice(&uri), false, &blocks, err);
    const struct {
        const char *key;
        struct buf *value;
    } members[] = {{"secret", &text}, {"uri", &uri}, {"svg", &svg}, {"picture", &blocks}};
    json_open_object(&w);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_key(&w, members[i].key);
        json_string(&w, buf_as_slice(members[i].value));
        if (members[i].value->data)
            sodium_memzero(members[i].value->data, members[i].value->len);
        buf_free(members[i].value);
    }
    json_close_object(&w);
    return rc;
}

static int user_totp(struct command_call *call, struct err *err)
{
    struct user_row user;
    uint8_t secret[CREDENTIAL_TOTP_BYTES];
    uint64_t id = 0;
    int rc = user_subject(call, call->caller.user_id, &user, err);
    if (rc == ERR_OK)
        rc = user_own_passed(call, &user, err);
    if (rc == ERR_OK && user.totp_id)
        return call_refuse(call, err, ERR_USAGE,
                           "the second factor is on already: remove it first (user.totp-remove)",
                           "xác thực hai bước đã bật: hãy gỡ trước (user.totp-remove)");
    if (rc != ERR_OK)
        return rc;
    credential_totp_make(secret);
    rc = credential_put(state_credentials(call->state), CREDENTIAL_TOTP,
                        slice_make((const char *)secret, sizeof secret), call->now_ns, &id, err);
    if (rc == ERR_OK)
        rc = db_change(call->db, "UPDATE user SET totp_pending_id = ?2 WHERE id = ?1", user.id, id,
                       err);
    if (rc == ERR_OK)
        rc = result_secret(call, secret, user.name, err);
    sodium_memzero(secret, sizeof secret);
    return rc;
}

static int totp_confirm(struct command_call *call, struct err *err)
{
    struct user_row user;
    bool fits = false;
    int rc = user_subject(call, call->caller.user_id, &user, err);
    if (rc == ERR_OK && user.totp_pending_id == 0)
        return call_refuse(call, err, ERR_USAGE,
                           "there is nothing to confirm: begin with user.totp",
                           "chưa có gì để xác nhận: hãy bắt đầu bằng user.totp");
    if (rc != ERR_OK)
        return rc;
    user.totp_id = user.totp_pending_id;
    rc = totp_code(call, &user, call_text(call, "code"), &fits, err);
    if (rc == ERR_OK && !fits)
        return call_refuse(call, err, ERR_USAGE,
                           "the code does not fit: look at the clock of the phone, take a new code",
                           "mã không đúng: hãy kiểm tra đồng hồ điện thoại và lấy mã mới");
    if (rc == ERR_OK)
        rc = db_change(call->db,
                       "UPDATE user SET totp_id = totp_pending_id, totp_pending_id = NULL"
                       " WHERE id = ?1",
                       user.id, 0, err);
    if (rc == ERR_OK)
        db_done(call, "user", user.id, user.name);
    return rc;
}

static int remove_prepare(struct command_call *call, struct err *err)
{
    return call_given(call, "user") ? ERR_OK : user_own_prepare(call, err);
}

/* One's own only with password and code; that of another ends the other's sessions. */
static int totp_remove(struct command_call *call, struct err *err)
{
    struct user_row user;
    bool own = !call_given(call, "user"), fits = !own;
    int rc = user_subject(call, own ? call->caller.user_id : call_ref(call, "user"), &user, err);
    if (rc == ERR_OK && !own && user.id == call->caller.user_id)
        return call_refuse(call, err, ERR_USAGE, "for yourself leave out user and give a code",
                           "với chính mình: bỏ user và nhập code");
    if (rc == ERR_OK && own)
        rc = user_own_passed(call, &user, err);
    if (rc == ERR_OK && own && !user_is_barred(&user, call->now_ns))
        rc = user_code(call, &user, call_text(call, "code"), &fits, err);
    if (rc == ERR_OK && !fits) {
        call->keep = true;
        if (!user_is_barred(&user, call->now_ns))
            rc = user_failed(call, &user, err);
        return rc != ERR_OK
                   ? rc
                   : call_refuse(call, err, ERR_USAGE, "the code does not fit", "mã không đúng");
    }
    if (rc == ERR_OK)
        rc = db_change(call->db,
                       "UPDATE user SET totp_id = NULL, totp_pending_id = NULL, recovery_id = NULL"
                       " WHERE id = ?1",
                       user.id, 0, err);
    if (rc == ERR_OK && !own)
        rc = user_end_sessions(call, user.id, 0, err);
    if (rc == ERR_OK)
        db_done(call, "user", user.id, user.name);
    return rc;
}

static int user_recovery(struct command_call *call, struct err *err)
{
    struct user_row user;
    struct buf codes = {0}, stored = {0};
    struct json_writer w = {.out = &call->result};
    uint64_t id = 0;
    int rc = user_subject(call, call->caller.user_id, &user, err);
    if (rc == ERR_OK)
        rc = user_own_passed(call, &user, err);
    if (rc == ERR_OK && user.totp_id == 0)
        return call_refuse(call, err, ERR_USAGE,
                           "recovery codes stand in for the second factor: turn that on first",
                           "mã dự phòng dùng thay xác thực hai bước: hãy bật xác thực hai bước");
    if (rc != ERR_OK)
        return rc;
    credential_recovery_make(&codes, &stored);
    rc = credential_put(state_credentials(call->state), CREDENTIAL_RECOVERY, buf_as_slice(&stored),
                        call->now_ns, &id, err);
    if (rc == ERR_OK)
        rc =
            db_change(call->db, "UPDATE user SET recovery_id = ?2 WHERE id = ?1", user.id, id, err);
    json_open_object(&w);
    json_key(&w, "codes");
    json_open_array(&w);
    for (struct slice rest = buf_as_slice(&codes); rest.len > 0;)
        json_string(&w, slice_cut(&rest, '\n'));
    json_close_array(&w);
    json_close_object(&w);
    sodium_memzero(codes.data, codes.len);
    buf_free(&codes);
    buf_free(&stored);
    return rc;
}

static const struct param own_params[] = {
    {.name = "password",
     .kind = PARAM_SECRET,
     .required = true,
     .help_en = "your own password",
     .help_vi = "mật khẩu của chính bạn"},
};
const struct command command_user_totp = {
    .name = "user.totp",
    .right = RIGHT_SELF,
    DB_PARAMS(own_params),
    .prepare = user_own_prepare,
    .run = user_totp,
    .title_en = "begin with the second factor (TOTP): shows a secret once",
    .title_vi = "bắt đầu bật xác thực hai bước (TOTP): hiện khóa bí mật một lần"};

static const struct param confirm_params[] = {
    {.name = "code",
     .kind = PARAM_SECRET,
     .required = true,
     .operand = true,
     .help_en = "six digits that the app shows",
     .help_vi = "6 chữ số ứng dụng hiển thị"},
};
const struct command command_user_totp_confirm = {
    .name = "user.totp-confirm",
    .right = RIGHT_SELF,
    DB_PARAMS(confirm_params),
    .run = totp_confirm,
    .title_en = "turn the second factor on with its first code",
    .title_vi = "bật xác thực hai bước bằng mã đầu tiên"};

static const struct param remove_params[] = {
    {.name = "code",
     .kind = PARAM_SECRET,
     .help_en = "code of the app, or a recovery code",
     .help_vi = "mã của ứng dụng hoặc mã dự phòng"},
    {.name = "password",
     .kind = PARAM_SECRET,
     .help_en = "for oneself: your own password",
     .help_vi = "khi gỡ cho chính mình: mật khẩu của bạn"},
    {.name = "user",
     .kind = PARAM_REF,
     .ref = "user",
     .help_en = "another user, who lost the second factor; else oneself",
     .help_vi = "người dùng khác bị mất thiết bị; nếu bỏ trống: chính mình"},
};
const struct command command_user_totp_remove = {.name = "user.totp-remove",
                                                 .right = RIGHT_SELF,
                                                 DB_PARAMS(remove_params),
                                                 .prepare = remove_prepare,
                                                 .run = totp_remove,
                                                 .title_en = "turn the second factor off",
                                                 .title_vi = "gỡ xác thực hai bước"};

const struct command command_user_recovery = {
    .name = "user.recovery",
    .right = RIGHT_SELF,
    DB_PARAMS(own_params),
    .prepare = user_own_prepare,
    .run = user_recovery,
    .title_en = "ten new recovery codes, shown once; the old ones end",
    .title_vi = "cấp 10 mã dự phòng mới, hiện một lần; mã cũ hết hiệu lực"};
