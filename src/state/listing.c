#include "state/listing.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/json.h"

enum { LIMIT_DEFAULT = 100 };

const struct listing *listing_find(const struct listing_table *table, struct slice name)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (slice_equal(name, slice_from(table->listings[i]->name)))
            return table->listings[i];
    return NULL;
}

const struct listing *listing_of_noun(const struct listing_table *table, struct slice noun)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (slice_equal(noun, slice_from(table->listings[i]->noun)))
            return table->listings[i];
    return NULL;
}

/* Which rows the caller may see. */
struct gate {
    bool by_unit; /* those of its units */
    bool by_user; /* its own */
};

static int gate_of(const struct listing *l, const struct caller *who, struct gate *out,
                   struct err *err)
{
    *out = (struct gate){0};
    if (!caller_may(who, l->right)) {
        struct buf need = {0};
        right_text(l->right & ~who->rights, &need);
        int rc = caller_refuse(
            who, err, ERR_USAGE, "you may not read %s: it needs the right %s; ask an administrator",
            "bạn không được xem %s: cần quyền %s; hãy hỏi quản trị", l->name, buf_text(&need));
        buf_free(&need);
        return rc;
    }
    bool all_users = who->everywhere && caller_may(who, RIGHT_USERS);
    out->by_user = l->own && !all_users;
    out->by_unit = l->unit && !who->everywhere;
    if (!l->unit && !who->everywhere && !out->by_user)
        return caller_refuse(who, err, ERR_USAGE,
                             "%s concerns all units: only who has all of them may read it",
                             "%s liên quan đến mọi đơn vị: chỉ người phụ trách tất cả đơn vị mới "
                             "được xem",
                             l->name);
    return ERR_OK;
}

static const struct listing_column *column_find(const struct listing *l, struct slice name)
{
    for (uint32_t i = 0; i < l->column_count; i++)
        if (l->columns[i].filter && slice_equal(name, slice_from(l->columns[i].name)))
            return &l->columns[i];
    return NULL;
}

static int filter_unknown(const struct listing *l, const struct caller *who, struct slice name,
                          struct err *err)
{
    struct buf names = {0};
    for (uint32_t i = 0; i < l->column_count; i++)
        if (l->columns[i].filter)
            buf_printf(&names, "%s%s", names.len ? ", " : "", l->columns[i].name);
    int len = name.len > 40 ? 40 : (int)name.len;
    int rc = caller_refuse(who, err, ERR_USAGE, "%s has no filter \"%.*s\"; there are: %s",
                           "%s không lọc được theo \"%.*s\"; có thể lọc theo: %s", l->name, len,
                           name.data, buf_text(&names));
    buf_free(&names);
    return rc;
}

/* The columns of what is asked, checked. */
static int filters_check(const struct listing *l, const struct listing_ask *ask, struct err *err)
{
    if (ask->limit > LISTING_PAGE_MAX || ask->filter_count > LISTING_FILTERS_MAX)
        return caller_refuse(ask->caller, err, ERR_USAGE,
                             "a page has at most %d rows, by at most %d filters",
                             "một trang có nhiều nhất %d dòng, lọc theo nhiều nhất %d điều kiện",
                             LISTING_PAGE_MAX, LISTING_FILTERS_MAX);
    if (ask->text.len && !l->text)
        return caller_refuse(ask->caller, err, ERR_USAGE, "%s has no text to look into",
                             "%s không tìm theo nội dung được", l->name);
    if (ask->text.len > LISTING_TEXT_BYTES_MAX)
        return caller_refuse(ask->caller, err, ERR_USAGE, "the text is too long: at most %d bytes",
                             "nội dung tìm quá dài: nhiều nhất %d byte", LISTING_TEXT_BYTES_MAX);
    for (uint32_t i = 0; i < ask->filter_count; i++)
        if (!column_find(l, ask->filters[i].column))
            return filter_unknown(l, ask->caller, ask->filters[i].column, err);
    return ERR_OK;
}

/* Scope is tested row by row behind the pages by id (`+`): an index on the unit would have to sort
 * all rows of the caller's units for one page. */
static void sql_make(struct buf *sql, const struct listing *l, const struct listing_ask *ask,
                     const struct gate *gate)
{
    const char *id = l->columns[0].sql;
    buf_string(sql, "SELECT ");
    for (uint32_t i = 0; i < l->column_count; i++)
        buf_printf(sql, "%s%s", i ? ", " : "", l->columns[i].sql);
    buf_printf(sql, " FROM %s WHERE ", l->from);
    if (l->newest_first)
        buf_printf(sql, "%s < ?1", id);
    else
        buf_printf(sql, "%s > ?1", id);
    if (gate->by_unit)
        buf_printf(sql, " AND +(%s) IN (SELECT value FROM json_each(?2))", l->unit);
    if (gate->by_user)
        buf_string(sql, " AND t.user_id = ?3");
    if (ask->text.len)
        buf_printf(sql, " AND instr(%s, ?4)", l->text);
    for (uint32_t i = 0; i < ask->filter_count; i++) {
        const struct listing_column *c = column_find(l, ask->filters[i].column);
        buf_printf(sql,
                   c->kind == LISTING_TIME ? " AND (%s) >= ?%u"
                   : c->kind == LISTING_TEXT || c->kind == LISTING_DATE
                       ? " AND (%s) = ?%u COLLATE NOCASE"
                       : " AND (%s) = ?%u",
                   c->sql, 6 + i);
    }
    buf_printf(sql, " ORDER BY %s%s LIMIT ?5", id, l->newest_first ? " DESC" : "");
}

static int value_bind(struct statement *s, int at, const struct listing_column *c,
                      const struct listing_filter *f, const struct caller *who, struct err *err)
{
    uint64_t number = 0;
    int64_t time_ns = CLOCK_NONE;
    bool good = true;
    switch (c->kind) {
    case LISTING_TEXT:
    case LISTING_DATE:
        statement_text(s, at, f->value);
        break;
    case LISTING_NUMBER:
        good = slice_to_u64(f->value, &number) && number <= INT64_MAX;
        statement_u64(s, at, number);
        break;
    case LISTING_BOOL:
        number = slice_equal(f->value, SLICE("true"));
        good = number || slice_equal(f->value, SLICE("false"));
        statement_u64(s, at, number);
        break;
    case LISTING_TIME:
        time_ns = clock_parse(f->value, NULL, CLOCK_NONE);
        good = time_ns != CLOCK_NONE;
        statement_i64(s, at, time_ns);
    }
    int len = f->value.len > 60 ? 60 : (int)f->value.len;
    return good ? ERR_OK
                : caller_refuse(who, err, ERR_USAGE,
                                "\"%.*s\" is no value of %s: write a number, true or false, or a "
                                "time as it is listed",
                                "\"%.*s\" không phải giá trị của %s: hãy ghi số, true hoặc false, "
                                "hoặc thời điểm như trong danh sách",
                                len, f->value.data, c->name);
}

static void units_bind(struct statement *s, const struct caller *who)
{
    struct buf ids = {0};
    buf_char(&ids, '[');
    for (uint32_t i = 0; i < who->unit_count; i++)
        buf_printf(&ids, "%s%" PRIu64, i ? "," : "", who->units[i]);
    buf_char(&ids, ']');
    statement_text(s, 2, buf_as_slice(&ids));
    buf_free(&ids);
}

static int values_bind(struct statement *s, const struct listing *l, const struct listing_ask *ask,
                       const struct gate *gate, uint32_t limit, struct err *err)
{
    uint64_t after = ask->after;
    if (l->newest_first && (after == 0 || after > INT64_MAX))
        after = INT64_MAX;
    statement_u64(s, 1, after > INT64_MAX ? INT64_MAX : after);
    if (gate->by_unit)
        units_bind(s, ask->caller);
    if (gate->by_user)
        statement_u64(s, 3, ask->caller->user_id);
    if (ask->text.len) {
        char *folded = mem_alloc(text_unaccent_room(ask->text.len));
        statement_text(s, 4, slice_make(folded, text_unaccent(folded, ask->text)));
        mem_free(folded);
    }
    statement_u64(s, 5, limit + 1);
    int rc = ERR_OK;
    for (uint32_t i = 0; rc == ERR_OK && i < ask->filter_count; i++)
        rc = value_bind(s, (int)(6 + i), column_find(l, ask->filters[i].column), &ask->filters[i],
                        ask->caller, err);
    return rc;
}

static int rows_visit(struct statement *s, const struct listing *l, uint32_t limit,
                      listing_visit *visit, void *context, uint64_t *next, struct err *err)
{
    struct listing_value values[LISTING_COLUMNS_MAX];
    uint64_t last = 0;
    int rc;
    for (uint32_t n = 0; (rc = statement_step(s, err)) == ERR_OK; n++) {
        if (n == limit) {
            *next = last;
            break;
        }
        for (uint32_t i = 0; i < l->column_count; i++) {
            bool text = l->columns[i].kind == LISTING_TEXT || l->columns[i].kind == LISTING_DATE;
            values[i] =
                (struct listing_value){.is_null = statement_column_is_null(s, (int)i),
                                       .text = text ? statement_column_text(s, (int)i) : SLICE(""),
                                       .number = text ? 0 : statement_column_i64(s, (int)i)};
        }
        last = (uint64_t)values[0].number;
        rc = visit(context, l, values);
        if (rc)
            return rc;
    }
    return rc == ERR_END ? ERR_OK : rc;
}

int listing_sql(const struct listing *l, const struct listing_ask *ask, struct buf *out,
                struct err *err)
{
    struct gate gate;
    check(l->column_count > 0 && l->column_count <= LISTING_COLUMNS_MAX);
    int rc = gate_of(l, ask->caller, &gate, err);
    if (rc == ERR_OK)
        rc = filters_check(l, ask, err);
    if (rc == ERR_OK)
        sql_make(out, l, ask, &gate);
    return rc;
}

int listing_read(struct database *db, const struct listing *l, const struct listing_ask *ask,
                 listing_visit *visit, void *context, uint64_t *next, struct err *err)
{
    struct buf sql = {0};
    struct gate gate;
    uint32_t limit = ask->limit ? ask->limit : LIMIT_DEFAULT;
    *next = 0;
    int rc = listing_sql(l, ask, &sql, err);
    if (rc == ERR_OK)
        rc = gate_of(l, ask->caller, &gate, err);
    if (rc) {
        buf_free(&sql);
        return rc;
    }
    struct statement *s = statement_open(db, buf_text(&sql));
    buf_free(&sql);
    rc = values_bind(s, l, ask, &gate, limit, err);
    if (rc == ERR_OK) {
        database_deadline(db, LISTING_MS_MAX);
        rc = rows_visit(s, l, limit, visit, context, next, err);
        database_deadline(db, 0);
    }
    statement_close(&s);
    if (rc == ERR_CANCELED && err && database_said(db, err))
        rc = caller_refuse(ask->caller, err, ERR_LIMIT,
                           "reading %s took longer than %d ms: ask for less, by a filter",
                           "đọc %s lâu hơn %d ms: hãy thu hẹp bằng điều kiện lọc", l->name,
                           LISTING_MS_MAX);
    return rc;
}

static void value_json(struct json_writer *w, const struct listing_column *c,
                       const struct listing_value *v)
{
    char text[CLOCK_TEXT_BYTES];
    if (v->is_null) {
        json_null(w);
        return;
    }
    switch (c->kind) {
    case LISTING_TEXT:
    case LISTING_DATE:
        json_string(w, v->text);
        return;
    case LISTING_NUMBER:
        json_i64(w, v->number);
        return;
    case LISTING_BOOL:
        json_bool(w, v->number != 0);
        return;
    case LISTING_TIME:
        json_string(w, slice_make(text, clock_text(text, v->number)));
    }
}

void listing_json(const struct listing *listing, const struct listing_value *values,
                  struct buf *out)
{
    struct json_writer w = {.out = out};
    json_open_object(&w);
    for (uint32_t i = 0; i < listing->column_count; i++) {
        json_key(&w, listing->columns[i].name);
        value_json(&w, &listing->columns[i], &values[i]);
    }
    json_close_object(&w);
}
