/* Inside of rendering: a row as leaves under ECS paths, and the tables of names.
 *
 * A path is `a.b.c`; no path of the tables is the beginning of another's object, so that leaves
 * always make one tree. Threads: a document belongs to one. Ownership: leaves borrow from the row
 * and from the document's arena. */
#pragma once
#include "watch/render.h"

enum { RENDER_LEAVES_MAX = 1024 };

enum render_leaf_kind {
    LEAF_TEXT,
    LEAF_NUMBER, /* value: a JSON number */
    LEAF_TRUE,
    LEAF_PAIR /* an object of name and value */
};

struct render_leaf {
    const char *path;
    struct slice name, value; /* name: of a pair */
    uint16_t order;
    uint8_t kind; /* enum render_leaf_kind */
    bool list;    /* one of several: written as an array, also when alone */
};

/* How much of a row is shown; a row that does not fit is rendered again with the next. */
struct render_level {
    size_t value_bytes, values_bytes;
    uint32_t pairs;
    bool core; /* only the paths of render_is_core */
};
enum { RENDER_LEVELS = 5 };
extern const struct render_level render_levels[RENDER_LEVELS];

struct render_doc {
    struct arena arena;
    struct render_leaf *leaves; /* RENDER_LEAVES_MAX */
    uint32_t count, pairs;
    size_t used_bytes;
    const struct render_level *level;
    bool cut;
};

void render_doc_open(struct render_doc *doc, const struct render_level *level);
void render_doc_close(struct render_doc *doc);
/* The first text of a path stays. Empty values and "-" are none. */
void render_doc_text(struct render_doc *doc, const char *path, struct slice value);
void render_doc_number(struct render_doc *doc, const char *path, uint64_t value);
void render_doc_double(struct render_doc *doc, const char *path, double value);
void render_doc_true(struct render_doc *doc, const char *path);
void render_doc_time(struct render_doc *doc, const char *path, int64_t time_ns);
/* One more member of the path's array; one that is there is not added again. */
void render_doc_list(struct render_doc *doc, const char *path, struct slice value);
void render_doc_pair(struct render_doc *doc, const char *path, struct slice name,
                     struct slice value);
const struct render_leaf *render_doc_find(const struct render_doc *doc, const char *path);
/* The document as JSON. Leaves are in another order afterwards. */
void render_doc_write(struct render_doc *doc, struct buf *out);

/* Everything that a row says, and canh.cut when that is not all. */
void render_row(struct render_doc *doc, const struct row *row,
                const struct render_options *options);
enum render_sort { RENDER_FINDING, RENDER_REFUSED, RENDER_EVENT };
enum render_sort render_sort(const struct row *row);
/* "epoch:sequence"; an arena's text. */
struct slice render_id(struct arena *arena, const struct row *row,
                       const struct render_options *options);
/* Number of a rule's level, as event.severity and CEF have it: 1, 3, 5, 8, 10; 0: none. */
unsigned render_severity(const struct row *row);
/* value cut to at most bytes, between characters. */
struct slice render_cut(struct slice value, size_t bytes);

/* Tables (render_names.c) */
enum render_name_kind {
    NAME_TEXT,
    NAME_IP,       /* an address, else left out: Elasticsearch refuses documents for less */
    NAME_NUMBER,   /* decimal or 0x hexadecimal */
    NAME_PORT,     /* 0 to 65535 */
    NAME_PATH,     /* a file's path: `second` is where its last part goes */
    NAME_USER,     /* DOMAIN\name: `second` is where the domain goes */
    NAME_HOST,     /* also in related.hosts */
    NAME_OUTCOME,  /* success or failure */
    NAME_TRANSPORT /* tcp, udp, icmp ... in small letters */
};
struct render_name {
    const char *name; /* as Sigma's taxonomy and Canh's mappings have it */
    const char *path, *second;
    enum render_name_kind kind;
};
extern const struct render_name render_names[]; /* sorted by name */
extern const size_t render_names_count;
/* Puts a field where ECS has a place for it, if it has one. */
void render_name_put(struct render_doc *doc, struct slice name, struct slice value);
/* event.category and event.type of Sigma categories (joined by '|'). */
void render_category_put(struct render_doc *doc, struct slice categories);
/* A rule's tag: tags, and threat.* of attack.*, vulnerability.id of cve.*. */
void render_tag_put(struct render_doc *doc, struct slice tag);
bool render_is_core(const char *path);
