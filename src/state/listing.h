/* Listings: what there is, as lists: one table row a list says its columns, right and how a row's
 * unit is found; reading is ANDed with the caller's units here, for every reader.
 *
 * The same rows make GET /api/v1/<name>, `canh <noun> list` and the completion. Pages go by id.
 * Limits: LISTING_PAGE_MAX rows a page; a read transaction lasts one page. Threads: the database's.
 * DESIGN section 7. */
#pragma once
#include "base/database.h"
#include "state/right.h"

enum {
    LISTING_PAGE_MAX = 1000,
    LISTING_COLUMNS_MAX = 32,
    LISTING_FILTERS_MAX = 16,
    LISTING_TEXT_BYTES_MAX = 256,
    LISTING_MS_MAX = 2000 /* of reading: then ERR_LIMIT */
};
enum listing_kind { LISTING_TEXT, LISTING_NUMBER, LISTING_BOOL, LISTING_TIME, LISTING_DATE };
struct listing_column {
    const char *name; /* in JSON; the table's heading is title_* */
    const char *sql;  /* expression over alias t */
    enum listing_kind kind;
    bool filter; /* may be asked for: name=value; TEXT: equal, without ASCII case; TIME: from then
                  * on */
    bool wide;   /* left out of tables on a terminal */
    const char *title_en, *title_vi;
};
struct listing {
    const char *name; /* `units`: the route */
    const char *noun; /* `unit`: the CLI's */
    const char *from; /* SQL: "unit t", with joins */
    const char *unit; /* SQL expression of the row's unit over t; NULL: node-wide
                       * (COMMAND_EVERYWHERE callers only) */
    const char *text; /* SQL expression of folded text (text_unaccent) that `text=` looks into;
                       * NULL: none */
    unsigned right;
    bool newest_first; /* by id, descending (audit) */
    bool own;          /* rows of the caller's user only, unless RIGHT_USERS: column user_id of t */
    const struct listing_column *columns; /* the first is id */
    uint32_t column_count;
    const char *title_en, *title_vi;
};
struct listing_table {
    const struct listing *const *listings; /* ended by NULL */
    uint32_t count;
};
const struct listing *listing_find(const struct listing_table *table, struct slice name);
const struct listing *listing_of_noun(const struct listing_table *table, struct slice noun);

struct listing_filter {
    struct slice column, value;
};
struct listing_ask {
    const struct caller *caller;
    uint64_t after; /* id behind which the page begins (newest_first: below it); 0: the beginning */
    uint32_t limit; /* 0: 100 */
    const struct listing_filter *filters;
    uint32_t filter_count;
    struct slice text; /* empty: all */
};
struct listing_value {
    bool is_null;
    struct slice text;
    int64_t number;
};
/* values: by column, good until it returns. */
typedef int listing_visit(void *context, const struct listing *listing,
                          const struct listing_value *values);
/* *next: `after` of the next page, 0: this was the last. ERR_USAGE: may not, unknown filter. */
MUST_CHECK int listing_read(struct database *db, const struct listing *listing,
                            const struct listing_ask *ask, listing_visit *visit, void *context,
                            uint64_t *next, struct err *err);
/* What it asks SQLite, for tests of how that is answered. Errors as above. */
MUST_CHECK int listing_sql(const struct listing *listing, const struct listing_ask *ask,
                           struct buf *out, struct err *err);
/* A row as a JSON object, appended. */
void listing_json(const struct listing *listing, const struct listing_value *values,
                  struct buf *out);
