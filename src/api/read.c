/* Listings: a page of rows, in a read of its own. */
#include "api/problem.h"
#include "api/route.h"
#include "base/log.h"
#include "formats/json.h"
#include "state/state.h"

struct read_page {
    struct buf *out;
    uint32_t rows;
};

static int read_row(void *context, const struct listing *listing,
                    const struct listing_value *values)
{
    struct read_page *page = context;
    if (page->rows++)
        buf_string(page->out, ",\n");
    listing_json(listing, values, page->out);
    return ERR_OK;
}

/* false: answered with what is wrong. */
static bool read_number(struct exchange *x, const char *name, uint64_t max, uint64_t *out)
{
    struct slice text = request_query(&x->request, name);
    *out = 0;
    if (!text.data || (slice_to_u64(text, out) && *out <= max))
        return true;
    problem_say(x, PROBLEM_BAD_REQUEST, "%s is to be a whole number up to %llu",
                "%s phải là số nguyên, tối đa %llu", name, (unsigned long long)max);
    return false;
}

static bool read_filters(struct exchange *x, struct listing_ask *ask,
                         struct listing_filter filters[REQUEST_QUERY_MAX])
{
    for (uint32_t i = 0; i < x->request.query_count; i++) {
        struct request_param *p = &x->request.query[i];
        if (slice_equal(p->name, SLICE("after")) || slice_equal(p->name, SLICE("limit")))
            continue;
        if (slice_equal(p->name, SLICE("text")))
            ask->text = p->value;
        else
            filters[ask->filter_count++] = (struct listing_filter){p->name, p->value};
    }
    ask->filters = filters;
    uint64_t limit;
    if (!read_number(x, "after", INT64_MAX, &ask->after) ||
        !read_number(x, "limit", LISTING_PAGE_MAX, &limit))
        return false;
    ask->limit = (uint32_t)limit;
    return true;
}

static void read_failed(struct exchange *x, const struct err *err)
{
    if (err->code == ERR_USAGE || err->code == ERR_SYNTAX || err->code == ERR_LIMIT)
        problem_answer(x, PROBLEM_BAD_REQUEST, slice_from(err->text), (struct slice){0});
    else {
        log_err(LOG_WARNING, "read", err);
        problem_say(x, PROBLEM_UNAVAILABLE, "The state cannot be read now: ask again soon",
                    "Chưa đọc được dữ liệu: hãy thử lại sau giây lát");
    }
}

void read_listing(struct exchange *x)
{
    const struct api_engine *engine = &api_options(x->api)->engine;
    struct listing_filter filters[REQUEST_QUERY_MAX];
    struct listing_ask ask = {.caller = &x->caller};
    struct read_page page = {.out = &x->response.body};
    struct database *db = NULL;
    struct err err = {0};
    uint64_t next = 0;
    if (!read_filters(x, &ask, filters))
        return;
    int rc = engine->is_there(engine->context) ? api_reader_take(x->api, &db, &err)
                                               : err_set(&err, ERR_BUSY, "the engine is away");
    if (rc == ERR_OK) {
        buf_string(&x->response.body, "{\"items\":[");
        database_deadline(db, STATE_READ_MS_MAX);
        rc = listing_read(db, x->listing, &ask, read_row, &page, &next, &err);
        database_deadline(db, 0);
        api_reader_give(x->api, db, rc && rc != ERR_USAGE);
    }
    if (rc) {
        read_failed(x, &err);
        return;
    }
    if (next)
        buf_printf(&x->response.body, "],\"next\":%llu}\n", (unsigned long long)next);
    else
        buf_string(&x->response.body, "],\"next\":null}\n");
    x->response.status = 200;
    x->response.type = RESPONSE_JSON;
    x->step = EXCHANGE_DONE;
}
