/* What others send to the engine, taken apart by a bounded walk: no thread, no state, nothing kept.
 *
 * Whatever does not hold (a length, a flag, bytes left over) is ERR_SYNTAX: the sender is taken for
 * an attacker. Threads: any. Ownership: results borrow from the payload. */
#pragma once
#include "program/role.h"

enum {
    ENGINE_WORDS_MAX = 256, /* of a search */
    ENGINE_WORD_BYTES_MAX = 8192,
    ENGINE_KIND_BYTES_MAX = 32,
    ENGINE_NOTE_BYTES_MAX = 2048,
    ENGINE_WHY_BYTES_MAX = 1024,
    ENGINE_OUTPUT_BYTES_MAX = 1 << 20,
    ENGINE_PATH_BYTES_MAX = 1024, /* of a file's name */
    ENGINE_ROLES_MAX = 32,
    ENGINE_METRICS_BYTES_MAX = 256 << 10
};

struct engine_who { /* WHO, STATUS */
    struct slice secret, from;
};
MUST_CHECK int engine_parse_who(struct slice payload, struct engine_who *out, struct err *err);

struct engine_wish { /* CALL */
    struct slice secret, from, packed;
    uint32_t flags; /* enum call_flag */
};
MUST_CHECK int engine_parse_call(struct slice payload, struct engine_wish *out, struct err *err);

struct engine_question { /* ASK */
    struct slice secret, from, kind;
    uint32_t flags;
    uint16_t count;
    struct slice words[ENGINE_WORDS_MAX];
};
MUST_CHECK int engine_parse_ask(struct slice payload, struct engine_question *out, struct err *err);

struct engine_outcome { /* QUERIED, SENT, RAN */
    int32_t rc;
    struct slice why;
    uint64_t rows, judged;
};
MUST_CHECK int engine_parse_queried(struct slice payload, struct engine_outcome *out,
                                    struct err *err);
MUST_CHECK int engine_parse_sent(struct slice payload, struct engine_outcome *out, struct err *err);
MUST_CHECK int engine_parse_ran(struct slice payload, struct engine_outcome *out, struct err *err);

struct engine_role { /* of ROLES */
    enum role role;
    enum role_state state;
    uint32_t instance, process_id, restarts, layers;
    int64_t since_ns;
    struct slice metrics, why;
};
struct engine_roles {
    uint32_t count;
    struct engine_role rows[ENGINE_ROLES_MAX];
};
MUST_CHECK int engine_parse_roles(struct slice payload, struct engine_roles *out, struct err *err);

struct engine_note { /* NOTE */
    struct slice kind, text;
};
MUST_CHECK int engine_parse_note(struct slice payload, struct engine_note *out, struct err *err);

struct engine_import { /* IMPORT */
    struct slice source, name;
};
MUST_CHECK int engine_parse_import(struct slice payload, uint32_t fd_count,
                                   struct engine_import *out, struct err *err);
