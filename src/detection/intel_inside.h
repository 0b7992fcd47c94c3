/* Shared by the readers of intelligence, intel_*.c only. */
#pragma once
#include "detection/intel_reader.h"
#include "detection/stix_pattern.h"
#include "formats/json.h"

struct intel_reading {
    struct slice text;
    const struct intel_reader_options *options;
    const struct intel_reader_sink *sink;
    struct intel_reader_counts *counts;
    struct arena kept;    /* for the whole text */
    struct arena scratch; /* for one item */
    size_t line_at;       /* line is that of this offset */
    uint64_t line;
};

/* A value as its file has it, with what is said of it. Empty slices, TLP_NONE,
 * INDICATOR_CONFIDENCE_NONE and CLOCK_NONE: nothing is said. */
struct intel_item {
    struct slice value;
    enum indicator_type type; /* INDICATOR_TYPES: by its shape */
    struct slice title, id, source;
    struct slice list; /* of an exception */
    uint8_t confidence;
    enum indicator_tlp tlp;
    int64_t from_ns, until_ns;
    uint64_t line;
};
struct intel_item intel_item_make(void);
/* Reads the value and gives it to the sink, refuses it, or counts it as expired. Negative only when
 * the sink said so. */
MUST_CHECK int intel_item_give(struct intel_reading *r, const struct intel_item *item,
                               struct err *err);
void intel_refuse(struct intel_reading *r, uint64_t line, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* The type that feeds call name ("ip-dst", "FileHash-MD5", "hostname" ...); false: not known. */
bool intel_type_find(struct slice name, enum indicator_type *out);
enum indicator_tlp intel_tlp_stricter(enum indicator_tlp a, enum indicator_tlp b);
/* 0 to 100, as a whole or a broken number; INDICATOR_CONFIDENCE_NONE: it is neither. */
uint8_t intel_confidence(struct slice text);
/* At most INDICATOR_TEXT_BYTES_MAX of it, cut between characters. */
struct slice intel_text_cut(struct slice text);

/* JSON. The text of the newest key, string or number; unescaped into arena. */
struct slice intel_json_text(const struct json_reader *j, struct arena *arena);
bool intel_json_key_is(const struct json_reader *j, const char *key);
/* The line of the reader's place. Places must not go back. */
uint64_t intel_json_line(struct intel_reading *r, const struct json_reader *j);
/* The next value, whole. Its first token. */
enum json_token intel_json_pass(struct json_reader *j);
/* What the reader stumbled on, as an error of the caller's. */
int intel_json_error(const struct json_reader *j, struct err *err);
/* Whether text is one valid document. */
MUST_CHECK int intel_json_check(struct slice text, struct err *err);
/* What of JSON it is; INTEL_UNKNOWN: nothing that is read here. */
enum intel_kind intel_json_kind(struct slice text);
/* The next line of *rest without its end; false: none is left. */
bool intel_line_next(struct slice *rest, struct slice *line);
bool intel_line_is_comment(struct slice trimmed);

/* Gives each value of a pattern that is nothing but values; counts any other. item: what is said of
 * it; its type and value are changed. */
MUST_CHECK int intel_pattern_give(struct intel_reading *r, struct slice pattern,
                                  enum stix_version version, struct intel_item *item,
                                  struct err *err);
MUST_CHECK int intel_stix_read(struct intel_reading *r, struct err *err);
MUST_CHECK int intel_misp_read(struct intel_reading *r, struct err *err);
MUST_CHECK int intel_warning_read(struct intel_reading *r, struct err *err);
MUST_CHECK int intel_csv_read(struct intel_reading *r, struct err *err);
MUST_CHECK int intel_list_read(struct intel_reading *r, struct err *err);
/* INTEL_CSV, INTEL_LIST, INTEL_MISP_HASHES or INTEL_UNKNOWN */
enum intel_kind intel_list_kind(struct slice text);
/* Whether the text's first row, or the last comment before it, names columns that are read. */
bool intel_csv_has_header(struct slice text);
