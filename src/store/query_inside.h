/* Inside of the query reader: what its files share. Nobody else includes this.
 *
 * Every function that reads gives false after it has set the error; the reader is then of no more
 * use. Threads: one. Ownership: what a query keeps goes to its own arena. */
#pragma once
#include "base/map.h"
#include "detection/item.h"
#include "store/query.h"

enum { QUERY_FOUND_BYTES = 56 };

struct query_reader {
    struct query *query;
    struct slice text;
    size_t at; /* the next byte of text */
    const struct query_options *options;
    struct item_reader *items;
    struct map field_numbers; /* name -> index into query->fields */
    uint32_t field_capacity;
    uint32_t depth, terms;
    uint32_t time_terms; /* of _time and _received, so far */
    size_t time_at;      /* the newest of them */
    size_t counted_to;   /* query_column: so far */
    uint32_t counted_column;
    char found[QUERY_FOUND_BYTES];
    struct err *err;
};

struct query_word {
    struct slice text; /* without quotes, quotes inside unescaped */
    bool quoted;
    size_t at; /* of its first byte (the quote) */
};

/* --- query_lex.c --- */
bool query_fail(struct query_reader *r, size_t at, int code, const char *format, ...)
    PRINTF_LIKE(4, 5);
uint32_t query_column(struct query_reader *r, size_t at); /* in code points, from 1 */
/* Length of a slice for "%.*s" in a message, cut to what a sentence can carry. */
static inline int query_width(struct slice s)
{
    return s.len > 80 ? 80 : (int)s.len;
}
void query_skip_blanks(struct query_reader *r);
static inline char query_peek(const struct query_reader *r) /* 0 at the end */
{
    return r->at < r->text.len ? r->text.data[r->at] : 0;
}
static inline bool query_at_end(const struct query_reader *r)
{
    return r->at >= r->text.len;
}
/* Whether an operator word (AND, OR, NOT, TO, by, as ...; any case) is next; take moves behind. */
bool query_word_next(const struct query_reader *r, const char *word);
bool query_take_word(struct query_reader *r, const char *word);
bool query_take_char(struct query_reader *r, char c);
/* A quoted text, or bytes up to a blank, a bracket, a pipe or one of stops. */
bool query_read_word(struct query_reader *r, const char *stops, struct query_word *out);
/* A name in a pipe: a quoted text, or a word that may carry brackets, as sum(bytes). */
bool query_read_name(struct query_reader *r, struct query_word *out);
/* What stands at the place, in quotes, for messages; good until the next call. */
const char *query_found(struct query_reader *r, size_t at);
/* The nearest of count names, or the empty slice. */
struct slice query_nearest(struct slice word, const struct slice *names, uint32_t count);

/* --- query.c --- */
/* The number of a field, made when new. Refuses names that are not known. */
bool query_field(struct query_reader *r, struct slice name, size_t at, uint16_t *out);
/* The same without making one; hint stands at the end of the message. */
bool query_field_known(struct query_reader *r, struct slice name, size_t at, const char *hint);

/* --- query_filter.c: AND, OR, NOT, brackets --- */
enum query_truth { QUERY_DEPENDS, QUERY_ALWAYS, QUERY_NEVER };
struct query_node {
    enum query_truth truth;
    struct expr *expr; /* DEPENDS */
};
bool query_filter(struct query_reader *r, struct query_node *out);

/* --- query_term.c: field:value and free text --- */
bool query_term(struct query_reader *r, struct query_node *out);
struct expr *query_group(struct query_reader *r, enum expr_kind kind, struct expr *const *children,
                         uint32_t count);

/* --- query_time.c --- */
/* What stands behind `_time:` or `_received:`; narrows the span of the query. */
bool query_time(struct query_reader *r, int64_t *from_ns, int64_t *until_ns);
/* "1h", "1d12h": a whole text. */
bool query_duration(struct slice text, int64_t *out_ns);

/* --- query_pipe.c --- */
bool query_pipes(struct query_reader *r);
