/* Indicator: a value that tells of an attack (address, domain, URL, hash ...), and tables of them.
 *
 * What is matched against them are sights (sight.h): live, when segments are sealed, and in
 * retro-hunt.
 * Limits: named below. Threads: all functions are pure; a table is immutable and may be shared by
 * threads and, mapped, by processes. DESIGN section 5. */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/ip.h"
#include "detection/sight.h"

enum indicator_type { /* numbers are part of the table's format: only ever add at the end */
                      INDICATOR_IP,
                      INDICATOR_CIDR,
                      INDICATOR_IP_PORT,
                      INDICATOR_DOMAIN,     /* and all names below it */
                      INDICATOR_URL,        /* exactly this one */
                      INDICATOR_URL_PREFIX, /* all that begin with it, byte by byte */
                      INDICATOR_MD5,
                      INDICATOR_SHA1,
                      INDICATOR_SHA256,
                      INDICATOR_EMAIL,
                      INDICATOR_FILE_NAME,
                      INDICATOR_URL_PATH, /* on any host: exactly this path; with a query: this too
                                           */
                      INDICATOR_TYPES
};
extern const char *const indicator_type_names[INDICATOR_TYPES]; /* "ip", "cidr", "ip:port" ... */

enum indicator_tlp { TLP_NONE, TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED };
extern const char *const indicator_tlp_names[]; /* "", "TLP:CLEAR" ... */

enum {
    INDICATOR_VALUE_BYTES_MAX = 2048,
    INDICATOR_TEXT_BYTES_MAX = 512, /* title, source, id */
    INDICATOR_COUNT_MAX = 20000000, /* of a table, exceptions included */
    INDICATOR_PATH_BYTES_MIN = 4,   /* of a URL path: shorter ones fire everywhere */
    INDICATOR_CONFIDENCE_NONE = 255
};
#define INDICATOR_POOL_BYTES_MAX ((size_t)2 << 30) /* all texts of a table */

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

/* Reads one value as people and feeds write it: in quotes or < >, defanged (`hxxp`, `[.]`, `(dot)`,
 * `[at]`, `[:]`, `[://]`, `\.`), in any case, with a dot at the end, international names. type:
 * what it is said to be, or INDICATOR_TYPES: guessed by its shape, in the order hash, address, URL,
 * e-mail, domain, file name. Sets type and value (in arena), leaves the rest.
 * The type may come out as a near one that says the same more exactly:
 *   ip, cidr, ip:port   by what is written: a prefix length, a port, or neither
 *   domain, url         an address alone is an ip; `*.` and `.` before a domain are dropped
 *   url                 `host/path` without a scheme is a url-prefix for any scheme; a URL without
 *                       any path is a url-prefix (all of that server); `/path` is a url-path
 *   hashes              by the count of digits
 *   file-name           of a path its last part
 * ERR_SYNTAX with a sentence when it is none of that type. */
MUST_CHECK int indicator_parse(struct indicator *out, struct slice text, enum indicator_type type,
                               struct arena *arena, struct err *err);

/* For hunts over stored hashes: the hash of a sight, or of a parent of a host (sight_parent), that
 * is there whenever the indicator matches. ip:port: that of the address; url-prefix: that of its
 * host or address. false: there is none such (cidr; prefixes on hosts that are no sights). */
bool indicator_sight_hash(const struct indicator *i, uint64_t *hash);

/* Table: indicators as one block of bytes that can be built, written, mapped and shared.
 * Checked when opened (checksum, every offset), then trusted. The same adds in the same order give
 * the same bytes. */
struct indicator_builder;
struct indicator_builder *indicator_builder_open(void);
void indicator_builder_close(struct indicator_builder **b);
/* Copies what it keeps; longer source, id and title are cut. The same type, value and source again
 * replaces the older one. ERR_LIMIT past INDICATOR_COUNT_MAX or INDICATOR_POOL_BYTES_MAX. */
MUST_CHECK int indicator_builder_add(struct indicator_builder *b, const struct indicator *i,
                                     struct err *err);
/* Values that are well known and good (warning lists). An exception keeps those indicators from
 * firing that say no more than it does:
 *   domain        indicators for the same name, for www. and the same name, and for names above it,
 *                 where the name seen is the exception's or below it. An indicator for a name below
 *                 still fires: a list with duckdns.org does not shield evil.duckdns.org.
 *   ip, cidr      indicators of any kind for an address, where the address seen is inside
 *   ip:port       the same, with that port
 *   others        indicators of the same type and value
 * list: its name. */
MUST_CHECK int indicator_builder_add_exception(struct indicator_builder *b,
                                               const struct indicator *i, struct slice list,
                                               struct err *err);
/* out must be empty. */
void indicator_builder_finish(struct indicator_builder *b, struct buf *out);

struct indicator_table;
/* Borrows bytes (8-aligned) until closed. ERR_DAMAGED, ERR_UNSUPPORTED (other version). */
MUST_CHECK int indicator_table_open(struct indicator_table **out, struct slice bytes,
                                    struct err *err);
void indicator_table_close(struct indicator_table **table);
uint64_t indicator_table_count(const struct indicator_table *t);
uint64_t indicator_table_exception_count(const struct indicator_table *t);
/* The kinds of sights that can match, a set of 1 << SIGHT_...: for sight_scan_kinds. */
unsigned indicator_table_kinds(const struct indicator_table *t);
/* number: 0 .. count - 1, in the order they were added. Slices point into the table. */
void indicator_table_get(const struct indicator_table *t, uint64_t number, struct indicator *out);

typedef void indicator_hit(void *context, uint64_t number, const struct sight *sight);
/* All indicators that are valid at time_ns (CLOCK_NONE: whenever) and match the sight, exceptions
 * applied. An ip:port matches only a sight with its port: a caller who finds the port elsewhere in
 * the event sets it and asks again. A URL without a
 * scheme is matched by prefixes of any scheme. true: there may be an ip:port for the address. */
bool indicator_table_match(const struct indicator_table *t, const struct sight *sight,
                           int64_t time_ns, indicator_hit *hit, void *context);
/* The list of the exception that holds the sight (the nearest, of domains), or the empty slice. */
struct slice indicator_table_exception(const struct indicator_table *t, const struct sight *sight);
