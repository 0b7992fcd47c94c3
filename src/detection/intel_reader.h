/* Readers of threat intelligence: the text of one file in, indicators out.
 *
 * Read are STIX 2.0 and 2.1 (bundles, TAXII envelopes, arrays, single objects), MISP (events,
 * answers of its API, attribute lists, warning lists), CSV with a header, and lists of values. The
 * kind is recognised by the text, never by a name. What cannot be used is refused item by item,
 * with its line and a sentence; a document that is no valid JSON is refused as a whole, so that a
 * feed that was cut off does not come in by half. docs/intel.md says what each kind gives.
 * Limits: INTEL_TEXT_BYTES_MAX a text, INTEL_ROW_BYTES_MAX a line or row, INTEL_DEPTH_MAX levels of
 * MISP objects, INTEL_COLUMNS_MAX columns, those of indicator.h and json.h.
 * Threads: any. Ownership: all that a sink is given is good until it returns. */
#pragma once
#include "detection/indicator.h"

#define INTEL_TEXT_BYTES_MAX ((size_t)512 << 20)
enum { INTEL_ROW_BYTES_MAX = 65536, INTEL_DEPTH_MAX = 8, INTEL_COLUMNS_MAX = 256 };

enum intel_kind {
    INTEL_UNKNOWN,
    INTEL_STIX,
    INTEL_MISP,
    INTEL_MISP_MANIFEST, /* names the event files beside it: nothing to read */
    INTEL_MISP_HASHES,   /* hashes.csv of a feed: digests of values, not values */
    INTEL_WARNING_LIST,
    INTEL_CSV,
    INTEL_LIST,
    INTEL_KINDS
};
extern const char *const intel_kind_names[INTEL_KINDS];

struct intel_reader_options {
    struct slice source;    /* of what the text names no source of its own for */
    bool source_fixed;      /* a source that a row names is passed over */
    enum indicator_tlp tlp; /* of what says none */
    uint8_t confidence;     /* of what says none, or INDICATOR_CONFIDENCE_NONE */
    int64_t until_ns;       /* of what says none, or CLOCK_NONE */
    int64_t now_ns;         /* what has ended by then is expired; CLOCK_NONE: nothing is */
    bool all;               /* MISP: attributes that are not for detection (to_ids), too */
    bool warning_list;      /* all values are exceptions: known good */
};

struct intel_reader_sink {
    void *context;
    /* A negative code ends the reading. */
    int (*indicator)(void *context, const struct indicator *i, struct err *err);
    int (*exception)(void *context, const struct indicator *i, struct slice list, struct err *err);
    /* The producer took it back: nothing with this id is to be kept. May be NULL. */
    void (*revoked)(void *context, struct slice source, struct slice id);
    /* An item that cannot be used. May be NULL. */
    void (*refused)(void *context, uint64_t line, const char *reason);
};

struct intel_reader_counts {
    uint64_t indicators, exceptions; /* given to the sink */
    uint64_t refused;                /* items that are wrong or of a kind that is not matched */
    uint64_t patterns;               /* STIX patterns that are more than a list of values */
    uint64_t passed_over;            /* rightly not used: not for detection, deleted, older copy */
    uint64_t revoked, expired;
};

enum intel_kind intel_reader_kind(struct slice text);
/* Adds to counts. ERR_SYNTAX with line and column: no valid document. ERR_LIMIT. ERR_UNSUPPORTED
 * with a sentence for kinds without values. Else what the sink returned. */
MUST_CHECK int intel_reader_run(struct slice text, enum intel_kind kind,
                                const struct intel_reader_options *options,
                                const struct intel_reader_sink *sink,
                                struct intel_reader_counts *counts, struct err *err);
/* "TLP:AMBER", "tlp:amber+strict", "white", "amber" ...; false: none of them. */
bool intel_reader_tlp(struct slice text, enum indicator_tlp *out);
