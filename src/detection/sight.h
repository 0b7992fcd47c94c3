/* Sight: what a value of an event may be (an address, a domain name, a URL, a hash ...), found by
 * shape alone. Live matching, sealing and retro-hunt all call sight_scan, so all see the same.
 *
 * Seen, anywhere in a value unless said otherwise:
 *   address    dotted v4 between bytes that are no part of a name; v6 with `::` or of eight groups,
 *              bare or in [ ]; `:port` behind a v4 or a `]` is taken along. Not `::` alone.
 *   host       two labels or more of letters, digits, `-` and `_`, the last one of two letters or
 *              more, or xn--; not behind a single backslash (that is a path); not when the last
 *              label is the ending of a common kind of file and no top-level domain (exe, dll, php
 *              ...: host_is_file_ending). Names beyond ASCII: in a URL, behind `@` or as the whole
 *              value. `%2F` and the like before a name are no part of it.
 *   URL        scheme://host..., up to a blank or quote; `name.tld/path` and `1.2.3.4/path`
 *              without a scheme unless a separator stands before. Normalised as url.h says. The
 *              host, and the path with and without its query, are sights of their own.
 *   URL path   of a URL; or the whole value when it begins with one `/` (request paths of web
 *              logs). Not the path alone `/`. Never inside a longer text.
 *   hashes     32, 40 or 64 hexadecimal digits with no letter or digit beside them.
 *   e-mail     local@host; the host is a sight of its own.
 *   file name  with an ending of letters and digits (at least one letter): behind `/`, `\`, `=` or
 *              `"`, or at the value's begin; one with blanks in it behind a separator or the
 *              value's begin and up to a quote or the value's end. The last part of a value that
 *              is a path (begins with `/`, `\`, `~`, `%` or a drive) needs no ending.
 * Not seen: single-label hosts, percent-encoded or otherwise encoded text, values split over
 * fields, what lies beyond SIGHT_SCAN_BYTES_MAX, URLs past SIGHT_URLS_MAX in one value (their hosts
 * are). A text may be several things at once (`run.com`: a host and a file name). Limits: the
 * above. Threads: any; no allocation (but libidn2's for names beyond ASCII, of which at most
 * SIGHT_FOREIGN_MAX a value are looked at). DESIGN section 5. */
#pragma once
#include "base/ip.h"

enum {
    SIGHT_SCAN_BYTES_MAX = 65536,
    SIGHT_URLS_MAX = 64,
    SIGHT_FOREIGN_MAX = 8,
    SIGHT_TEXT_BYTES_MAX = 2048 /* longer URLs and paths are cut there */
};

enum sight_kind {             /* numbers are part of stored hashes: only ever add at the end */
                  SIGHT_IP,   /* address; port when one stood behind it, else 0 */
                  SIGHT_HOST, /* a domain name, whole; its parents are not sights of their own */
                  SIGHT_URL,
                  SIGHT_MD5,
                  SIGHT_SHA1,
                  SIGHT_SHA256,
                  SIGHT_EMAIL,
                  SIGHT_FILE_NAME, /* lower case */
                  SIGHT_URL_PATH,  /* begins with a slash */
                  SIGHT_KINDS
};
enum { SIGHT_ALL = (1 << SIGHT_KINDS) - 1 };

struct sight {
    enum sight_kind kind;
    struct slice text;         /* normalised; until the callback returns */
    struct slice authority;    /* SIGHT_URL: host, or host:port, inside text */
    uint64_t hash;             /* sight_hash(kind, text) */
    struct ip_address address; /* SIGHT_IP */
    uint16_t port;
};
/* XXH3 of kind and normalised text, the same in every process and version. */
uint64_t sight_hash(enum sight_kind kind, struct slice text);

typedef void sight_visit(void *context, const struct sight *sight);
/* Every sight in a value (unescaped text of any field). One sight may be given more than once. */
void sight_scan(struct slice value, sight_visit *visit, void *context);
/* The same, of some kinds only: kinds is a set of 1 << SIGHT_... */
void sight_scan_kinds(struct slice value, unsigned kinds, sight_visit *visit, void *context);
/* The names above a domain, itself first (at 0): a.b.example.org, b.example.org, example.org (never
 * a name of one label). The index of the next label's begin in name, or SLICE_NONE. */
size_t sight_parent(struct slice name, size_t at);
