/* Inside of the Sigma reader: what its files share. Nobody else includes this.
 *
 * Threads: one reader, one thread. Ownership: what a rule keeps goes to `arena`, all else to
 * `scratch`, which ends with the text that is read. */
#pragma once
#include "detection/sigma.h"
#include "formats/yaml.h"

enum {
    SIGMA_WINDASH_PLACES_MAX = 4,        /* dashes of a value that windash varies: 5^4 texts */
    SIGMA_EXPANSIONS_MAX = 4096,         /* texts that one value may become */
    SIGMA_EXPANDED_BYTES_MAX = 16 << 20, /* all such texts of a document */
    SIGMA_FIELD_BYTES_MAX = 1024,        /* a field name */
    SIGMA_CONDITION_BYTES_MAX = 16384,
    SIGMA_SELECTIONS_MAX = 1000
};

struct expr_stack {
    struct expr **items;
    uint32_t count, capacity;
};

struct sigma_reader {
    struct arena *arena;
    struct arena *scratch;
    struct problem_list *problems;
    const struct sigma_options *options;
    struct slice file;
    struct expr_stack stack; /* children of the groups that are being put together */
    struct buf text;         /* room for one value at work */
    uint32_t version;        /* sigma-version of the document */
    uint32_t predicate_count;
    uint64_t expanded_bytes; /* texts that modifiers made in this document */
    bool refused;            /* an error was found in this document */
    bool search;             /* an item of a query: `unaccented` may stand in it */
};

/* A problem of the document at a place; an error refuses the document. */
void sigma_error(struct sigma_reader *r, const char *code, uint32_t line, uint32_t column,
                 const char *format, ...) PRINTF_LIKE(5, 6);
void sigma_warning(struct sigma_reader *r, const char *code, uint32_t line, uint32_t column,
                   const char *format, ...) PRINTF_LIKE(5, 6);
/* Length of a slice for "%.*s" in a message, cut to what a sentence can carry. */
static inline int sigma_width(struct slice s)
{
    return s.len > 120 ? 120 : (int)s.len;
}

/* --- the expressions that are being built (sigma_expr.c) --- */
struct expr *sigma_expr_predicate(struct sigma_reader *r, const struct predicate *p, uint32_t line);
struct expr *sigma_expr_not(struct sigma_reader *r, struct expr *child, uint32_t line);
void sigma_push(struct sigma_reader *r, struct expr *e);
/* AND or OR of what was pushed since `base`; one child stands for itself. NULL when there is none.
 */
struct expr *sigma_pop_group(struct sigma_reader *r, uint32_t base, enum expr_kind kind,
                             uint32_t line);
/* Predicates met when e is walked as a tree, counted up to limit + 1. */
uint32_t sigma_expr_size(const struct expr *e, uint32_t limit);

/* --- field|modifier|modifier (modifier.c) --- */
enum modifier_encoder {
    ENCODE_BASE64,
    ENCODE_BASE64OFFSET,
    ENCODE_UTF16LE,
    ENCODE_UTF16BE,
    ENCODE_UTF16
};

enum { MODIFIER_ENCODERS_MAX = 3 };

struct modifiers {
    struct slice field; /* without blanks and v3 brackets; empty: keyword */
    bool keyword, all_members;
    bool all, cased, unaccented, neq, exists, windash, expand, re, cidr, fieldref, time;
    bool head, tail;               /* a wildcard before and after the value */
    enum predicate_kind number_op; /* NUMBER, or one of the four comparisons */
    enum predicate_time_part time_part;
    uint8_t regex_flags;
    enum modifier_encoder encoders[MODIFIER_ENCODERS_MAX];
    uint32_t encoder_count;
    uint32_t line, column;
};

/* Reads the key of an item; false: refused, and said why. */
bool modifier_read(struct sigma_reader *r, struct modifiers *m, struct slice key, uint32_t line,
                   uint32_t column);

/* --- values (modifier_value.c, modifier_encode.c) --- */
struct pattern_list {
    struct pattern *items; /* in scratch */
    uint32_t count, capacity;
};

void pattern_list_add(struct pattern_list *list, const struct pattern *p, struct arena *arena);
/* Pushes the predicates of one value, joined by OR unless there is one. */
bool modifier_value(struct sigma_reader *r, const struct modifiers *m,
                    const struct yaml_node *value);
/* Counts bytes that a modifier makes; false past SIGMA_EXPANDED_BYTES_MAX, and said why. */
bool modifier_room(struct sigma_reader *r, uint64_t bytes, const struct yaml_node *value);
/* Both change the list in place; false: refused, and said why. */
bool modifier_windash(struct sigma_reader *r, struct pattern_list *list,
                      const struct yaml_node *value);
bool modifier_encode(struct sigma_reader *r, enum modifier_encoder encoder,
                     struct pattern_list *list, const struct yaml_node *value);
/* The texts of a value whose %placeholders% were replaced. */
bool modifier_expand(struct sigma_reader *r, struct slice text, struct slice_list *out,
                     const struct yaml_node *value);

/* --- detection sections (sigma_detection.c, condition.c) --- */
struct selection {
    struct slice name;
    struct expr *expr;
    uint32_t line, column;
    bool used;
};

struct selection_list {
    struct selection *items;
    uint32_t count;
};

/* The selections and condition of a detection or filter section. NULL: refused. */
struct expr *sigma_detection(struct sigma_reader *r, const struct yaml_node *section, bool filter);
/* One condition text over the selections. NULL: refused. */
struct expr *condition_read(struct sigma_reader *r, struct selection_list *selections,
                            struct slice text, const struct yaml_node *place);

/* --- the rest of a document --- */
/* The item a sentence can name as meant: nearest of count names, or the empty slice. */
struct slice sigma_nearest(struct slice word, const struct slice *names, uint32_t count);
struct slice sigma_copy(struct sigma_reader *r, const struct yaml_node *node);
/* A list of texts, or one text; false when it is neither. Into arena. */
bool sigma_text_list(struct sigma_reader *r, const struct yaml_node *node, struct slice_list *out);
struct correlation *sigma_correlation(struct sigma_reader *r, const struct yaml_node *section);
