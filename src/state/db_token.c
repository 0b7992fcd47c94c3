#include <sodium.h>

#include "formats/json.h"
#include "state/credential.h"
#include "state/db_commands.h"
#include "state/db_user.h"
#include "state/state.h"

enum { TOKENS_MAX = 10000, TOKENS_OF_USER_MAX = 100 };
#define TOKEN_NS_MAX (2 * 365 * 86400 * CLOCK_SECOND_NS)
#define RIGHTS       "read|watch|search|incident|register|users|settings|audit|sign|ingest"

struct token_scope {
    unsigned rights;
    uint64_t units[USER_UNITS_MAX];
    uint32_t unit_count;
    int64_t expires_ns;
};

/* Rights: some of its user's; for another user also some of the caller's own, but for machines,
 * whose right to send events is given by those who do not have it. */
static int token_rights(struct command_call *call, const struct user_row *user, unsigned *rights,
                        struct err *err)
{
    struct slice text;
    *rights = 0;
    for (uint32_t at = 0; call_next(call, "right", &at, &text);)
        *rights |= right_find(text);
    unsigned beyond = *rights & ~user->role->rights;
    if (user->id != call->caller.user_id)
        beyond |= *rights & ~(call->caller.rights | RIGHT_INGEST);
    if (beyond)
        return db_deny(
            call, err,
            "a token has only rights that its user and you have: for a program that sends "
            "events make a user with the role machine, and its token with --user",
            "mã truy cập chỉ có quyền mà chủ của mã và bạn đang có: với chương trình gửi sự "
            "kiện, hãy tạo người dùng vai trò machine rồi tạo mã với --user");
    return ERR_OK;
}

/* Units: within the caller's (resolved there) and within those of its user. */
static int token_units(struct command_call *call, const struct user_row *user,
                       struct token_scope *scope, struct err *err)
{
    uint64_t inside = 0;
    int rc = user_units_given(call, scope->units, &scope->unit_count, err);
    for (uint32_t i = 0; rc == ERR_OK && !user->everywhere && i < scope->unit_count; i++) {
        rc = db_number(call->db,
                       "WITH RECURSIVE up(id, depth) AS (SELECT ?1, 0 UNION ALL"
                       " SELECT u.parent_id, depth + 1 FROM unit u JOIN up ON u.id = up.id"
                       " WHERE u.parent_id IS NOT NULL AND depth < 100) SELECT count(*)"
                       " FROM up JOIN user_unit g ON g.unit_id = up.id WHERE g.user_id = ?2",
                       scope->units[i], user->id, &inside, err);
        if (rc == ERR_OK && inside == 0)
            return db_deny(call, err, "a token is only for units that its user is for",
                           "mã truy cập chỉ dùng cho đơn vị được giao cho chủ của mã");
    }
    return rc;
}

static int token_allowed(struct command_call *call, const struct user_row *user,
                         struct token_scope *scope, struct err *err)
{
    uint64_t all = 0, own = 0, seconds = call_number(call, "expires");
    int rc = token_rights(call, user, &scope->rights, err);
    if (rc == ERR_OK)
        rc = token_units(call, user, scope, err);
    if (rc == ERR_OK && (seconds == 0 || seconds > TOKEN_NS_MAX / CLOCK_SECOND_NS))
        return call_refuse(call, err, ERR_USAGE, "a token is good for up to two years: expires",
                           "mã truy cập có hiệu lực tối đa hai năm: expires");
    scope->expires_ns = call->now_ns + (int64_t)seconds * CLOCK_SECOND_NS;
    if (rc == ERR_OK)
        rc = db_number(call->db, "SELECT count(*) FROM token WHERE id > ?1", 0, 0, &all, err);
    if (rc == ERR_OK)
        rc = db_number(call->db, "SELECT count(*) FROM token WHERE user_id = ?1", user->id, 0, &own,
                       err);
    if (rc == ERR_OK && (all >= TOKENS_MAX || own >= TOKENS_OF_USER_MAX))
        return call_refuse(call, err, ERR_LIMIT, "there are too many tokens: remove old ones first",
                           "có quá nhiều mã truy cập: hãy xóa mã cũ trước");
    return rc;
}

static int token_insert(struct command_call *call, const struct user_row *user,
                        const struct token_scope *scope, uint64_t credential, uint64_t *id,
                        struct err *err)
{
    struct statement *s = statement_get(
        call->db, "INSERT INTO token(user_id, name, credential_id, rights, everywhere, made_ns,"
                  " expires_ns) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    statement_u64(s, 1, user->id);
    statement_text(s, 2, call_text(call, "name"));
    statement_u64(s, 3, credential);
    statement_u64(s, 4, scope->rights);
    statement_u64(s, 5, scope->unit_count == 0);
    statement_i64(s, 6, call->now_ns);
    statement_i64(s, 7, scope->expires_ns);
    int rc = statement_run(s, err);
    if (rc == ERR_OK)
        rc = db_last_id(call->db, id, err);
    for (uint32_t i = 0; rc == ERR_OK && i < scope->unit_count; i++)
        rc = db_change(call->db, "INSERT INTO token_unit(token_id, unit_id) VALUES(?1, ?2)", *id,
                       scope->units[i], err);
    return rc;
}

static void result_token(struct command_call *call, uint64_t id, const char *token,
                         int64_t expires_ns)
{
    struct json_writer w = {.out = &call->result};
    char time[CLOCK_TEXT_BYTES];
    json_open_object(&w);
    json_key(&w, "id");
    json_u64(&w, id);
    json_key(&w, "name");
    json_string(&w, call_text(call, "name"));
    json_key(&w, "token");
    json_string(&w, slice_from(token));
    json_key(&w, "expires");
    json_string(&w, slice_make(time, clock_text(time, expires_ns)));
    json_close_object(&w);
}

static int token_taken(struct command_call *call, uint64_t user_id, struct err *err)
{
    struct statement *s =
        statement_get(call->db, "SELECT id FROM token WHERE user_id = ?1 AND name = ?2");
    statement_u64(s, 1, user_id);
    statement_text(s, 2, call_text(call, "name"));
    int rc = statement_step(s, err);
    statement_reset(s);
    if (rc == ERR_OK)
        return call_refuse(call, err, ERR_USAGE,
                           "this user has a token of that name: choose another",
                           "người dùng đã có mã truy cập tên này: hãy chọn tên khác");
    return rc == ERR_END ? ERR_OK : rc;
}

static int token_add(struct command_call *call, struct err *err)
{
    struct user_row user;
    struct token_scope scope = {0};
    struct buf stored = {0};
    char token[CREDENTIAL_TOKEN_TEXT_BYTES];
    uint64_t credential = 0, id = 0;
    int rc = user_subject(
        call, call_given(call, "user") ? call_ref(call, "user") : call->caller.user_id, &user, err);
    if (rc == ERR_OK)
        rc = token_allowed(call, &user, &scope, err);
    if (rc == ERR_OK)
        rc = token_taken(call, user.id, err);
    if (rc != ERR_OK)
        return rc;
    credential_token_make(token, &stored);
    rc = credential_put(state_credentials(call->state), CREDENTIAL_TOKEN, buf_as_slice(&stored),
                        call->now_ns, &credential, err);
    buf_free(&stored);
    if (rc == ERR_OK)
        rc = token_insert(call, &user, &scope, credential, &id, err);
    if (rc == ERR_OK) {
        call_object(call, "token", id);
        result_token(call, id, token, scope.expires_ns);
    }
    sodium_memzero(token, sizeof token);
    return rc;
}

/* By its number, or by its name among one's own. */
static int token_find(struct command_call *call, uint64_t *id, uint64_t *user_id, struct err *err)
{
    struct slice text = call_text(call, "token");
    *id = *user_id = 0;
    if (slice_to_u64(text, id))
        return db_number(call->db, "SELECT user_id FROM token WHERE id = ?1", *id, 0, user_id, err);
    struct statement *s =
        statement_get(call->db, "SELECT id, user_id FROM token WHERE name = ?1 AND user_id = ?2");
    statement_text(s, 1, text);
    statement_u64(s, 2, call->caller.user_id);
    int rc = statement_step(s, err);
    if (rc == ERR_OK) {
        *id = statement_column_u64(s, 0);
        *user_id = statement_column_u64(s, 1);
    }
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

static int token_remove(struct command_call *call, struct err *err)
{
    struct user_row user;
    uint64_t id, user_id;
    int rc = token_find(call, &id, &user_id, err);
    if (rc == ERR_OK && user_id)
        rc = user_subject(call, user_id, &user, err);
    if (rc != ERR_OK && !call->denied)
        return rc;
    if (user_id == 0 || call->denied) {
        struct slice text = call_text(call, "token");
        return call_refuse(call, err, ERR_NOT_FOUND, "there is no token \"%.*s\"",
                           "không có mã truy cập \"%.*s\"", (int)text.len, text.data);
    }
    call_object(call, "token", id);
    return db_change(call->db, "DELETE FROM token WHERE id = ?1", id, 0, err);
}

static const struct param add_params[] = {
    {.name = "name",
     .kind = PARAM_NAME,
     .required = true,
     .operand = true,
     .help_en = "what it is for",
     .help_vi = "tên, nêu mục đích sử dụng"},
    {.name = "right",
     .kind = PARAM_CHOICE,
     .required = true,
     .many = true,
     .choices = RIGHTS,
     .help_en = "what it may do: some of its user's rights",
     .help_vi = "quyền của mã: một phần quyền của chủ mã"},
    {.name = "unit",
     .kind = PARAM_REF,
     .ref = "unit",
     .many = true,
     .help_en = "units that it is for; none: all of its user's",
     .help_vi = "đơn vị được dùng; bỏ trống: mọi đơn vị của chủ mã"},
    {.name = "expires",
     .kind = PARAM_DURATION,
     .required = true,
     .help_en = "how long it is good: 90d, at most 2y",
     .help_vi = "thời hạn hiệu lực: 90d, tối đa 2y"},
    {.name = "user",
     .kind = PARAM_REF,
     .ref = "user",
     .help_en = "its user; else oneself",
     .help_vi = "chủ của mã; nếu bỏ trống: chính mình"},
};
const struct command command_token_add = {.name = "token.add",
                                          .right = RIGHT_SELF,
                                          DB_PARAMS(add_params),
                                          .run = token_add,
                                          .title_en = "make a token for programs, shown once",
                                          .title_vi =
                                              "cấp mã truy cập cho chương trình, hiện một lần"};

static const struct param remove_params[] = {
    {.name = "token",
     .kind = PARAM_TEXT,
     .required = true,
     .operand = true,
     .max = 64,
     .help_en = "its number, or the name of one's own",
     .help_vi = "số của mã, hoặc tên nếu là mã của mình"},
};
const struct command command_token_remove = {
    .name = "token.remove",
    .right = RIGHT_SELF,
    DB_PARAMS(remove_params),
    .run = token_remove,
    .title_en = "remove a token, one's own or another user's",
    .title_vi = "thu hồi mã truy cập của mình hoặc của người khác"};
