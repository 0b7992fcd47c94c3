/* Indicator: a value that tells of an attack (address, domain, URL, hash ...), and the one function
 * that finds such values in what logs hold.
 *
 * Used live, when segments are sealed, and in retro-hunt: all three see the same candidates.
 * Limits: named below. Threads: all functions are pure; a table is immutable and may be shared by
 * threads and, mapped, by processes. DESIGN section 5. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/ip.h"

enum indicator_type { /* numbers are part of the table's format: only ever add at the end */
                      INDICATOR_IP,
                      INDICATOR_CIDR,
                      INDICATOR_IP_PORT,
                      INDICATOR_DOMAIN,     /* and all names below it */
                      INDICATOR_URL,        /* exactly this one */
                      INDICATOR_URL_PREFIX, /* all that begin with it */
                      INDICATOR_MD5,
                      INDICATOR_SHA1,
                      INDICATOR_SHA256,
                      INDICATOR_EMAIL,
                      INDICATOR_FILE_NAME,
                      INDICATOR_TYPES
};
extern const char *const indicator_type_names[INDICATOR_TYPES]; /* "ip", "cidr", "ip:port" ... */

enum indicator_tlp { TLP_NONE, TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED };
extern const char *const indicator_tlp_names[]; /* "", "TLP:CLEAR" ... */

enum {
    INDICATOR_VALUE_BYTES_MAX = 2048,
    INDICATOR_TEXT_BYTES_MAX = 512, /* title, source, id */
    INDICATOR_COUNT_MAX = 20000000,
    INDICATOR_CONFIDENCE_NONE = 255,
    INDICATOR_SCAN_BYTES_MAX = 65536 /* of one value are looked at */
};

struct indicator {
    enum indicator_type type;
    struct slice value;  /* normalised: indicator_parse */
    struct slice source; /* feed, list or file it is from */
    struct slice id;     /* STIX id, MISP uuid ... or empty */
    struct slice title;  /* what it is about, or empty */
    uint8_t confidence;  /* 0 to 100, or INDICATOR_CONFIDENCE_NONE */
    enum indicator_tlp tlp;
    int64_t from_ns, until_ns; /* valid in [from, until); CLOCK_NONE: no bound */
};

/* Reads one value as people and feeds write it: defanged (`hxxp`, `[.]`, `(dot)`, `[at]`, `[:]`),
 * quoted, upper case, with a trailing dot, international names as punycode. type: what it is said
 * to be, or INDICATOR_TYPES: guessed by its shape. Sets type and value (in arena), leaves the rest.
 * ERR_SYNTAX with a sentence when it is none of that type. */
MUST_CHECK int indicator_parse(struct indicator *out, struct slice text, enum indicator_type type,
                               struct arena *arena, struct err *err);

/* What a value of an event may be, seen by shape alone. Normalised as indicators are. */
enum sight_kind {
    SIGHT_IP,   /* address; port when one stood behind it, else 0 */
    SIGHT_HOST, /* a domain name, whole; its parents are not sights of their own */
    SIGHT_URL,  /* its host, or its address, is a sight of its own, too */
    SIGHT_MD5,
    SIGHT_SHA1,
    SIGHT_SHA256,
    SIGHT_EMAIL,     /* its domain is a sight of its own, too */
    SIGHT_FILE_NAME, /* the last part of a path */
    SIGHT_KINDS
};

struct sight {
    enum sight_kind kind;
    struct slice text;         /* normalised; until the callback returns */
    uint64_t hash;             /* sight_hash(kind, text) */
    struct ip_address address; /* SIGHT_IP */
    uint16_t port;
};
/* XXH3 of kind and normalised text, the same in every process and version. */
uint64_t sight_hash(enum sight_kind kind, struct slice text);

typedef void sight_visit(void *context, const struct sight *sight);
/* Every sight in a value (unescaped text of any field), embedded ones, too: a URL in a command
 * line, `SHA256=...` in a list. Looks at INDICATOR_SCAN_BYTES_MAX bytes at most. */
void sight_scan(struct slice value, sight_visit *visit, void *context);
/* The names above a domain, itself first: a.b.example.org, b.example.org, example.org (never a name
 * of one label). The index of the next label's begin in name, or SLICE_NONE. */
size_t sight_parent(struct slice name, size_t at);

/* Table: indicators as one block of bytes that can be built, written, mapped and shared.
 * Checked when opened (checksum, every offset), then trusted. */
struct indicator_builder;
struct indicator_builder *indicator_builder_open(void);
void indicator_builder_close(struct indicator_builder **b);
/* Copies what it keeps. The same type, value and source again replaces the older one. ERR_LIMIT
 * past INDICATOR_COUNT_MAX. */
MUST_CHECK int indicator_builder_add(struct indicator_builder *b, const struct indicator *i,
                                     struct err *err);
/* Values that never fire (warning lists): an indicator hit whose seen value is one of these, or
 * below one (domains), or inside one (networks), is a hit on a well-known good. list: its name. */
MUST_CHECK int indicator_builder_add_exception(struct indicator_builder *b,
                                               const struct indicator *i, struct slice list,
                                               struct err *err);
void indicator_builder_finish(struct indicator_builder *b, struct buf *out);

struct indicator_table;
/* Borrows bytes (8-aligned) until closed. ERR_DAMAGED, ERR_UNSUPPORTED (other version). */
MUST_CHECK int indicator_table_open(struct indicator_table **out, struct slice bytes,
                                    struct err *err);
void indicator_table_close(struct indicator_table **table);
uint64_t indicator_table_count(const struct indicator_table *t);
uint64_t indicator_table_exception_count(const struct indicator_table *t);
/* number: 0 .. count - 1. Slices point into the table. */
void indicator_table_get(const struct indicator_table *t, uint64_t number, struct indicator *out);

typedef void indicator_hit(void *context, uint64_t number, const struct sight *sight);
/* All indicators that are valid at time_ns (CLOCK_NONE: whenever) and match the sight, exceptions
 * applied. */
void indicator_table_match(const struct indicator_table *t, const struct sight *sight,
                           int64_t time_ns, indicator_hit *hit, void *context);
/* The exception list that keeps a sight from firing, or the empty slice. */
struct slice indicator_table_exception(const struct indicator_table *t, const struct sight *sight);
