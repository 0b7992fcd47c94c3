#include "state/db.h"

#include "base/bytes.h"
#include "base/text.h"
#include "formats/json.h"

int db_number(struct database *db, const char *sql, uint64_t first, uint64_t second, uint64_t *out,
              struct err *err)
{
    struct statement *s = statement_get(db, sql);
    statement_u64(s, 1, first);
    if (strstr(sql, "?2"))
        statement_u64(s, 2, second);
    *out = 0;
    int rc = statement_step(s, err);
    if (rc == ERR_END)
        return ERR_OK;
    if (rc == ERR_OK) {
        *out = statement_column_u64(s, 0);
        statement_reset(s);
    }
    return rc;
}

int db_change(struct database *db, const char *sql, uint64_t first, uint64_t second,
              struct err *err)
{
    struct statement *s = statement_get(db, sql);
    statement_u64(s, 1, first);
    if (strstr(sql, "?2"))
        statement_u64(s, 2, second);
    return statement_run(s, err);
}

int db_last_id(struct database *db, uint64_t *out, struct err *err)
{
    struct statement *s = statement_get(db, "SELECT last_insert_rowid()");
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc;
    *out = statement_column_u64(s, 0);
    statement_reset(s);
    return ERR_OK;
}

int db_name_free(struct command_call *call, const char *sql, uint64_t but, struct err *err)
{
    struct slice name = call_text(call, "name");
    struct statement *s = statement_get(call->db, sql);
    statement_text(s, 1, name);
    int rc = statement_step(s, err);
    if (rc == ERR_END)
        return ERR_OK;
    if (rc != ERR_OK)
        return rc;
    uint64_t id = statement_column_u64(s, 0);
    statement_reset(s);
    if (id == but)
        return ERR_OK;
    return call_refuse(call, err, ERR_USAGE, "the name %.*s is taken: choose another one",
                       "tên %.*s đã được dùng: hãy chọn tên khác", (int)name.len, name.data);
}

void db_search(struct buf *out, struct slice text)
{
    if (text.len == 0)
        return;
    buf_reserve(out, text_unaccent_room(text.len) + 1);
    out->len += text_unaccent(out->data + out->len, text);
    buf_char(out, ' ');
}

void db_done(struct command_call *call, const char *noun, uint64_t id, struct slice name)
{
    struct json_writer w = {.out = &call->result};
    call_object(call, noun, id);
    buf_clear(&call->result);
    json_open_object(&w);
    json_key(&w, "id");
    json_u64(&w, id);
    json_key(&w, "name");
    json_string(&w, name);
    json_close_object(&w);
}

int db_deny(struct command_call *call, struct err *err, const char *english, const char *vietnamese)
{
    call->denied = true;
    return err_set(err, ERR_USAGE, "%s", call->caller.vietnamese ? vietnamese : english);
}

struct slice db_text_or(const struct command_call *call, const char *name, struct slice old)
{
    return call_given(call, name) ? call_text(call, name) : old;
}

struct slice db_column_copy(struct command_call *call, struct statement *s, int column)
{
    return arena_copy(&call->arena, statement_column_text(s, column));
}

void db_prepared_set(struct command_call *call, uint64_t number, struct slice made)
{
    check(call->secret.len == 0);
    bytes_put_u64(&call->secret, number);
    buf_slice(&call->secret, made);
}

uint64_t db_prepared_number(const struct command_call *call)
{
    return call->secret.len >= sizeof(uint64_t) ? bytes_u64(call->secret.data) : 0;
}

struct slice db_prepared_text(const struct command_call *call)
{
    return slice_part(buf_as_slice(&call->secret), sizeof(uint64_t), call->secret.len);
}
