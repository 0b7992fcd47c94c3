#include <inttypes.h>

#include "state/command_param.h"

enum { REFER_CANDIDATES_MAX = 10000 /* rows of one name, each in another unit */ };

/* The statement's text is one a noun and a way to ask: as many as there are nouns. */
static struct statement *refer_get(struct command_call *call, const struct noun *noun, bool by_id)
{
    struct slice sql =
        arena_printf(&call->arena, "SELECT t.id, %s FROM %s t WHERE t.%s = ?1 ORDER BY t.id",
                     noun->unit ? noun->unit : "NULL", noun->table, by_id ? "id" : noun->key);
    return statement_get(call->db, sql.data);
}

struct found {
    uint64_t id, unit_id;
    uint32_t inside, outside;
};

static int rows_look(struct command_call *call, const struct noun *noun, struct slice text,
                     struct found *out, struct err *err)
{
    uint64_t id = 0;
    bool by_id = slice_to_u64(text, &id);
    struct statement *s = refer_get(call, noun, by_id);
    int rc;
    *out = (struct found){0};
    if (by_id)
        statement_u64(s, 1, id);
    else
        statement_text(s, 1, text);
    for (uint32_t i = 0; (rc = statement_step(s, err)) == ERR_OK && i < REFER_CANDIDATES_MAX; i++) {
        uint64_t row = statement_column_u64(s, 0), unit = statement_column_u64(s, 1);
        bool inside = !noun->unit || caller_has_unit(&call->caller, unit);
        if (inside ? out->inside == 0 : out->inside + out->outside == 0) {
            out->id = row;
            out->unit_id = unit;
        }
        out->inside += inside;
        out->outside += !inside;
    }
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

static void object_set(struct command_call *call, const char *noun, uint64_t id, uint64_t unit_id)
{
    call->object = arena_printf(&call->arena, "%s/%" PRIu64, noun, id);
    call->unit_id = unit_id;
}

int call_resolve(struct command_call *call, const char *noun, struct slice text, uint64_t *id,
                 struct err *err)
{
    const struct noun *n = noun_find(noun);
    struct found found;
    check(n && call->db);
    *id = 0;
    int rc = rows_look(call, n, text, &found, err);
    if (rc)
        return rc;
    int len = text.len > COMMAND_NAME_BYTES_MAX ? COMMAND_NAME_BYTES_MAX : (int)text.len;
    const char *title = call->caller.vietnamese ? n->title_vi : n->title_en;
    if (found.inside > 1)
        return caller_refuse(&call->caller, err, ERR_USAGE,
                             "there are several of the name \"%.*s\" (%s): give the id instead",
                             "có nhiều mục tên \"%.*s\" (%s): hãy ghi mã số", len, text.data,
                             title);
    if (found.inside == 1) {
        *id = found.id;
        return ERR_OK;
    }
    if (found.outside > 0) {
        call->denied = true;
        object_set(call, noun, found.id, found.unit_id);
    }
    return caller_refuse(&call->caller, err, ERR_NOT_FOUND,
                         "there is no \"%.*s\" (%s): look at the list of them",
                         "không có \"%.*s\" (%s): hãy xem danh sách", len, text.data, title);
}

int command_refer(struct command_call *call, struct err *err)
{
    memset(call->refs, 0, sizeof(call->refs));
    for (uint32_t i = 0; i < call->command->param_count; i++) {
        const struct param *p = &call->command->params[i];
        struct slice text = SLICE("");
        uint32_t at = 0;
        while (p->kind == PARAM_REF && call_next(call, p->name, &at, &text) && text.len) {
            uint64_t id;
            int rc = call_resolve(call, p->ref, text, &id, err);
            if (rc)
                return rc;
            if (call->refs[i] == 0)
                call->refs[i] = id;
        }
    }
    return ERR_OK;
}

void call_object(struct command_call *call, const char *noun, uint64_t id)
{
    const struct noun *n = noun_find(noun);
    uint64_t unit_id = 0;
    check(n);
    if (call->db && n->unit) {
        struct statement *s = refer_get(call, n, true);
        statement_u64(s, 1, id);
        if (statement_step(s, NULL) == ERR_OK)
            unit_id = statement_column_u64(s, 1);
        statement_reset(s);
    }
    object_set(call, noun, id, unit_id);
}
