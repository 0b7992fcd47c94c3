/* jansson's reading of a JSON text, in words of its own: its header and formats/json.h share names
 * and cannot be included together. */
#pragma once
#include "base/str.h"

enum oracle_verdict {
    ORACLE_ACCEPTED,
    ORACLE_REPEATED, /* accepted, but jansson keeps one of several members of one name */
    ORACLE_REFUSED,
    ORACLE_NO_OPINION /* refused for a limit of jansson's own */
};

enum oracle_kind {
    ORACLE_STRING,
    ORACLE_INTEGER,
    ORACLE_REAL,
    ORACLE_BOOL,
    ORACLE_NULL,
    ORACLE_CONTAINER
};

struct oracle_value {
    struct slice name; /* joined by '.', as struct record has them */
    enum oracle_kind kind;
    struct slice string;
    long long integer; /* also of BOOL */
    double real;
};

/* Calls visit (may be NULL) for every value below the top one (for the top one, named `message`,
 * when it is no object), in the order of the text. */
typedef void oracle_visit(void *context, const struct oracle_value *value);
enum oracle_verdict json_oracle_read(struct slice text, oracle_visit *visit, void *context);
