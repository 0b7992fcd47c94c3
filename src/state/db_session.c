#include <sodium.h>

#include "base/ip.h"
#include "formats/json.h"
#include "state/credential.h"
#include "state/db_commands.h"
#include "state/db_user.h"
#include "state/signin.h"

enum { SESSIONS_OF_USER_MAX = 32 };

/* One sentence for all that can be wrong: name, password, code, a lock. */
static int refuse_sign_in(struct command_call *call, struct err *err)
{
    return call_refuse(call, err, ERR_USAGE,
                       "name, password or code is wrong, or there were too many tries: try again, "
                       "or later",
                       "tên, mật khẩu hoặc mã không đúng, hoặc đã thử quá nhiều lần: hãy thử lại "
                       "hoặc đợi ít phút");
}

/* Whom failures are counted for: of IPv6 the network of one customer, who has all its addresses. */
static struct slice address_of(struct command_call *call)
{
    struct ip_address address;
    char text[IP_TEXT_BYTES];
    if (!ip_parse(&address, call->caller.from) || ip_is_v4(&address))
        return call->caller.from;
    memset(address.bytes + 8, 0, 8);
    size_t len = ip_text(text, &address);
    return arena_printf(&call->arena, "%.*s/64", (int)len, text);
}

int session_address_locked(struct command_call *call, struct database *db, bool *locked,
                           struct err *err)
{
    struct slice address = address_of(call);
    struct statement *s = statement_get(
        db, "SELECT 1 FROM sign_in_address WHERE address = ?1 AND since_ns > ?2 AND since_ns <= ?4"
            " AND failures >= ?3");
    statement_text(s, 1, address);
    statement_i64(s, 2, call->now_ns - SIGNIN_LOCK_S * CLOCK_SECOND_NS);
    statement_u64(s, 3, SIGNIN_ADDRESS_FAILURES_MAX);
    statement_i64(s, 4, call->now_ns + SIGNIN_LOCK_S * CLOCK_SECOND_NS);
    int rc = statement_step(s, err);
    *locked = rc == ERR_OK && address.len > 0;
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

int session_address_failed(struct command_call *call, bool *counted, struct err *err)
{
    struct slice address = address_of(call);
    int64_t since_ns = call->now_ns - SIGNIN_LOCK_S * CLOCK_SECOND_NS;
    bool locked = false;
    int rc = session_address_locked(call, call->db, &locked, err);
    *counted = rc == ERR_OK && !locked;
    if (rc != ERR_OK || locked || address.len == 0)
        return rc;
    /* later ones are of a clock that went back since */
    rc = db_change(call->db, "DELETE FROM sign_in_address WHERE since_ns <= ?1 OR since_ns > ?2",
                   (uint64_t)since_ns, (uint64_t)(call->now_ns + SIGNIN_LOCK_S * CLOCK_SECOND_NS),
                   err);
    if (rc != ERR_OK)
        return rc;
    struct statement *s = statement_get(
        call->db, "INSERT INTO sign_in_address(address, failures, since_ns) VALUES(?1, 1, ?2)"
                  " ON CONFLICT(address) DO UPDATE SET failures = failures + 1");
    statement_text(s, 1, address);
    statement_i64(s, 2, call->now_ns);
    rc = statement_run(s, err);
    if (rc == ERR_OK) /* of too many the calmest are forgotten */
        rc = db_change(call->db,
                       "DELETE FROM sign_in_address WHERE address IN (SELECT address"
                       " FROM sign_in_address ORDER BY failures DESC, since_ns DESC"
                       " LIMIT -1 OFFSET ?1)",
                       SIGNIN_ADDRESSES_MAX, 0, err);
    return rc;
}

/* The password, before the transaction. The same work is done whether the user exists, is locked
 * or has no password. prepared_id: whose password it is; the number: which one. */
static int open_prepare(struct command_call *call, struct err *err)
{
    struct database *db = state_slow_db(call->state);
    struct user_row user = {0};
    struct buf stored = {0};
    bool locked = false;
    int rc = session_address_locked(call, db, &locked, err);
    if (rc == ERR_OK && locked)
        return refuse_sign_in(call, err);
    if (rc == ERR_OK)
        rc = user_read_name(db, &call->arena, call_text(call, "name"), &user, err);
    if (rc != ERR_OK && rc != ERR_NOT_FOUND)
        return rc;
    bool may =
        rc == ERR_OK && user.password_id && !user.locked && !user_is_barred(&user, call->now_ns);
    if (may)
        rc = credential_get(state_slow_credentials(call->state), user.password_id,
                            CREDENTIAL_PASSWORD, &stored, err);
    bool fits = credential_check_password(call_text(call, "password"), buf_as_slice(&stored));
    if (stored.data)
        sodium_memzero(stored.data, stored.len);
    buf_free(&stored);
    if (!fits)
        return refuse_sign_in(call, err);
    call->prepared_id = user.id;
    db_prepared_set(call, user.password_id, SLICE(""));
    return ERR_OK;
}

/* Counted durably and audited, then refused; what comes from a locked address is refused without a
 * trace, so that it cannot fill the chain. */
static int open_failed(struct command_call *call, const struct user_row *user, struct err *err)
{
    bool counted = false;
    int rc = session_address_failed(call, &counted, err);
    if (rc == ERR_OK && counted && user && !user->locked && !user_is_barred(user, call->now_ns))
        rc = user_failed(call, user, err);
    if (rc != ERR_OK)
        return rc;
    call->keep = counted;
    return refuse_sign_in(call, err);
}

/* Sessions that ended, and a user's oldest when there are too many. */
static int make_room(struct command_call *call, const struct user_row *user, struct err *err)
{
    uint64_t count = 0;
    int rc = db_change(call->db, "DELETE FROM session WHERE expires_ns <= ?1 OR used_ns <= ?2",
                       (uint64_t)call->now_ns, (uint64_t)(call->now_ns - SIGNIN_IDLE_NS), err);
    if (rc == ERR_OK)
        rc = db_change(call->db,
                       "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE user_id = ?1"
                       " ORDER BY used_ns DESC, id DESC LIMIT -1 OFFSET ?2)",
                       user->id, SESSIONS_OF_USER_MAX - 1, err);
    if (rc == ERR_OK)
        rc = db_number(call->db, "SELECT count(*) FROM session WHERE id > ?1", 0, 0, &count, err);
    if (rc == ERR_OK && count >= SIGNIN_SESSIONS_MAX)
        return call_refuse(call, err, ERR_LIMIT, "%d sessions are open, which is the limit",
                           "đang mở %d phiên, đạt giới hạn", SIGNIN_SESSIONS_MAX);
    return rc;
}

static void result_session(struct command_call *call, const struct user_row *user, uint64_t id,
                           const char *token)
{
    struct json_writer w = {.out = &call->result};
    char time[CLOCK_TEXT_BYTES];
    json_open_object(&w);
    json_key(&w, "session");
    json_string(&w, slice_from(token));
    json_key(&w, "id");
    json_u64(&w, id);
    json_key(&w, "user");
    json_string(&w, user->name);
    json_key(&w, "user_id");
    json_u64(&w, user->id);
    json_key(&w, "title");
    json_string(&w, user->title);
    json_key(&w, "role");
    json_string(&w, slice_from(user->role->name));
    json_key(&w, "language");
    json_string(&w, user->vietnamese ? SLICE("vi") : SLICE("en"));
    json_key(&w, "totp");
    json_bool(&w, user->totp_id != 0);
    json_key(&w, "expires");
    json_string(&w, slice_make(time, clock_text(time, call->now_ns + SIGNIN_SESSION_NS)));
    json_close_object(&w);
}

static int session_make(struct command_call *call, const struct user_row *user, struct err *err)
{
    struct buf stored = {0};
    char token[CREDENTIAL_TOKEN_TEXT_BYTES];
    uint64_t credential = 0, id = 0;
    int rc = make_room(call, user, err);
    if (rc != ERR_OK)
        return rc;
    credential_token_make(token, &stored);
    rc = credential_put(state_credentials(call->state), CREDENTIAL_TOKEN, buf_as_slice(&stored),
                        call->now_ns, &credential, err);
    buf_free(&stored);
    struct statement *s = statement_get(
        call->db, "INSERT INTO session(user_id, credential_id, sent_from, made_ns, used_ns,"
                  " expires_ns) VALUES(?1, ?2, ?3, ?4, ?4, ?5)");
    statement_u64(s, 1, user->id);
    statement_u64(s, 2, credential);
    statement_text(s, 3, call->caller.from);
    statement_i64(s, 4, call->now_ns);
    statement_i64(s, 5, call->now_ns + SIGNIN_SESSION_NS);
    if (rc == ERR_OK)
        rc = statement_run(s, err);
    if (rc == ERR_OK)
        rc = db_last_id(call->db, &id, err);
    if (rc == ERR_OK)
        result_session(call, user, id, token);
    sodium_memzero(token, sizeof token);
    return rc;
}

static int session_open(struct command_call *call, struct err *err)
{
    struct user_row user;
    bool fits = true;
    int rc = user_read_name(call->db, &call->arena, call_text(call, "name"), &user, err);
    if (rc == ERR_NOT_FOUND)
        return open_failed(call, NULL, err);
    if (rc != ERR_OK)
        return rc;
    call_object(call, "user", user.id);
    if (call->prepared != ERR_OK && call->prepared != ERR_USAGE)
        return call->prepared;
    /* what prepare saw may have changed since */
    if (call->prepared != ERR_OK || call->prepared_id != user.id || user.locked ||
        user.password_id != db_prepared_number(call) || user_is_barred(&user, call->now_ns) ||
        !(user.role->rights & RIGHT_SELF))
        return open_failed(call, &user, err);
    if (user.totp_id && call_text(call, "code").len == 0) {
        struct json_writer w = {.out = &call->result};
        json_open_object(&w);
        json_key(&w, "totp");
        json_bool(&w, true);
        json_close_object(&w);
        call->keep = true; /* the result */
        return call_refuse(call, err, ERR_USAGE, "now the code of the app, or a recovery code",
                           "hãy nhập mã của ứng dụng xác thực hoặc mã dự phòng");
    }
    if (user.totp_id)
        rc = user_code(call, &user, call_text(call, "code"), &fits, err);
    if (rc == ERR_OK && !fits)
        return open_failed(call, &user, err);
    if (rc == ERR_OK)
        rc = user_passed(call, user.id, err);
    return rc == ERR_OK ? session_make(call, &user, err) : rc;
}

static int session_close(struct command_call *call, struct err *err)
{
    if (call->caller.kind != CALLER_SESSION)
        return call_refuse(call, err, ERR_USAGE, "there is no session to be closed here",
                           "không có phiên đăng nhập nào để đóng");
    call_object(call, "user", call->caller.user_id);
    return db_change(call->db, "DELETE FROM session WHERE id = ?1 AND user_id = ?2",
                     call->caller.session_id, call->caller.user_id, err);
}

static int session_remove(struct command_call *call, struct err *err)
{
    struct user_row user;
    uint64_t id = call_number(call, "session"), user_id = 0;
    int rc = db_number(call->db, "SELECT user_id FROM session WHERE id = ?1", id, 0, &user_id, err);
    if (rc == ERR_OK && user_id)
        rc = user_subject(call, user_id, &user, err);
    if (rc != ERR_OK && !call->denied)
        return rc;
    if (user_id == 0 || call->denied) /* what one may not see is not there */
        return call_refuse(call, err, ERR_NOT_FOUND, "there is no session %llu",
                           "không có phiên đăng nhập %llu", (unsigned long long)id);
    return db_change(call->db, "DELETE FROM session WHERE id = ?1", id, 0, err);
}

/* "s12:1763799000": session (t: token), seconds. */
static int session_touch(struct command_call *call, struct err *err)
{
    struct slice text;
    for (uint32_t at = 0; call_next(call, "seen", &at, &text);) {
        struct slice number = slice_cut(&text, ':');
        uint64_t id = 0, seconds = 0;
        bool token = slice_starts(number, SLICE("t"));
        if ((!token && !slice_starts(number, SLICE("s"))) ||
            !slice_to_u64(slice_part(number, 1, number.len), &id) ||
            !slice_to_u64(text, &seconds) || seconds > (uint64_t)INT64_MAX / CLOCK_SECOND_NS)
            return err_set(err, ERR_SYNTAX, "seen is not as s12:1763799000");
        int rc = db_change(call->db,
                           token ? "UPDATE token SET used_ns = ?2 WHERE id = ?1"
                                 : "UPDATE session SET used_ns = max(used_ns, ?2) WHERE id = ?1",
                           id, seconds * CLOCK_SECOND_NS, err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static const struct param open_params[] = {
    {.name = "name",
     .kind = PARAM_NAME,
     .required = true,
     .operand = true,
     .help_en = "user name",
     .help_vi = "tên đăng nhập"},
    {.name = "password",
     .kind = PARAM_SECRET,
     .required = true,
     .help_en = "password",
     .help_vi = "mật khẩu"},
    {.name = "code",
     .kind = PARAM_SECRET,
     .help_en = "second factor: code of the app, or a recovery code",
     .help_vi = "xác thực hai bước: mã của ứng dụng hoặc mã dự phòng"},
};
const struct command command_session_open = {.name = "session.open",
                                             .flags = COMMAND_OPEN,
                                             DB_PARAMS(open_params),
                                             .prepare = open_prepare,
                                             .run = session_open,
                                             .title_en = "sign in",
                                             .title_vi = "đăng nhập"};

const struct command command_session_close = {.name = "session.close",
                                              .right = RIGHT_SELF,
                                              .run = session_close,
                                              .title_en = "sign out",
                                              .title_vi = "đăng xuất"};

static const struct param remove_params[] = {
    {.name = "session",
     .kind = PARAM_NUMBER,
     .required = true,
     .operand = true,
     .min = 1,
     .help_en = "number of the session",
     .help_vi = "số của phiên đăng nhập"},
};
const struct command command_session_remove = {
    .name = "session.remove",
    .right = RIGHT_SELF,
    DB_PARAMS(remove_params),
    .run = session_remove,
    .title_en = "end a session, one's own or another user's",
    .title_vi = "kết thúc một phiên đăng nhập của mình hoặc của người khác"};

static const struct param touch_params[] = {
    {.name = "seen",
     .kind = PARAM_TEXT,
     .many = true,
     .required = true,
     .max = 48,
     .help_en = "session or token and the second of its last use",
     .help_vi = "phiên hoặc mã truy cập và thời điểm dùng gần nhất"},
};
const struct command command_session_touch = {.name = "session.touch",
                                              .flags = COMMAND_INTERNAL,
                                              DB_PARAMS(touch_params),
                                              .run = session_touch,
                                              .title_en = "keep when sessions were last used",
                                              .title_vi =
                                                  "ghi thời điểm dùng gần nhất của các phiên"};
