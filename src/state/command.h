/* Commands: the one way to change state. One table row a command says its name, parameters, right
 * and handler; the dispatcher checks right, scope and parameters before the handler runs, and
 * audits afterwards, in the same transaction.
 *
 * Parameters arrive as flat (name, text) pairs and are read by their kinds. References
 * (PARAM_REF) are resolved here and must lie in the caller's units: what is outside is not found.
 * Each floor has its rows; program/commands.c assembles them. Limits: named. Threads: handlers run
 * on the state's writer, `prepare` on a thread that may be slow. Ownership: said at each call.
 * DESIGN sections 2 and 7, docs/commands.md. */
#pragma once
#include "base/clock.h"
#include "base/database.h"
#include "state/right.h"

enum {
    COMMAND_PARAMS_MAX = 32,
    COMMAND_VALUES_MAX = 4096,    /* values of one call */
    COMMAND_NAME_BYTES_MAX = 48,  /* "system.import" */
    COMMAND_TEXT_BYTES_MAX = 4096 /* a PARAM_TEXT without a max of its own */
};
#define COMMAND_SHEET_BYTES_MAX ((size_t)48 << 20)

enum param_kind {
    PARAM_TEXT,     /* one line of UTF-8 without control characters; made NFC, trimmed */
    PARAM_NAME,     /* a-z 0-9 - _ . : what people type, 1 to 64, not digits alone (an id) */
    PARAM_NUMBER,   /* min..max */
    PARAM_BOOL,     /* true, false */
    PARAM_CHOICE,   /* one of choices */
    PARAM_DATE,     /* 2026-11-22 */
    PARAM_DURATION, /* 90d, 12h: as in canh.yaml */
    PARAM_SECRET,   /* like TEXT, not trimmed; never audited, logged or shown; wiped */
    PARAM_REF,      /* of noun `ref`: its id or its name */
    PARAM_SHEET     /* rows of a table (sheet.h), already cut into cells */
};

struct param {
    const char *name;
    enum param_kind kind;
    bool required;
    bool operand;        /* the CLI takes it without --name */
    bool many;           /* may come several times */
    uint64_t min, max;   /* NUMBER; TEXT: max bytes */
    const char *choices; /* "a|b|c" */
    const char *ref;     /* noun */
    const char *help_en, *help_vi;
};

enum command_flag {
    COMMAND_EVERYWHERE = 1, /* the caller's scope must be all units: it is about the node */
    COMMAND_INTERNAL = 2,   /* only CALLER_SYSTEM; not listed */
    COMMAND_OPEN = 4,       /* before signing in: no caller is needed (signing in itself) */
    COMMAND_DRY = 8,        /* has a dry run: call->dry, everything is rolled back */
    COMMAND_LOCAL = 16      /* only at the control socket (CALLER_UNIX) */
};

struct command_call;
struct command {
    const char *name; /* noun.verb, as `canh noun verb` */
    unsigned right;   /* enum right */
    unsigned flags;
    const struct param *params;
    uint32_t param_count;
    /* Before the transaction, on the slow thread: passwords. NULL: not needed. A refusal here (and
     * nothing else) is passed to run by call->prepared, so that it can be counted durably. */
    int (*prepare)(struct command_call *call, struct err *err);
    int (*run)(struct command_call *call, struct err *err);
    const char *title_en, *title_vi; /* one line each, for lists and help */
};
struct command_table {
    const struct command *const *commands; /* by name, ascending; ended by NULL */
    uint32_t count;
};
const struct command *command_find(const struct command_table *table, struct slice name);

/* What a PARAM_REF names. `table` has columns id and unit_id (or the unit of expression `unit`). */
struct noun {
    const char *name; /* unit, system, host, user, token */
    const char *table;
    const char *key;  /* column with the name people type */
    const char *unit; /* SQL expression of the row's unit over alias t, or NULL: node-wide */
    const char *title_en, *title_vi;
};
const struct noun *noun_find(const char *name); /* db_noun.c; or NULL */

struct command_value {
    struct slice name, text;
};

struct state;
struct command_call {
    /* in */
    const struct command *command;
    struct caller caller;
    struct command_value *values; /* as sent; borrowed, or in the arena */
    uint32_t value_count;
    int64_t now_ns;
    bool dry;
    /* for the handler */
    struct state *state;
    struct database *db; /* run: the writer, in the transaction; prepare: a reader of its own */
    struct buf result;   /* JSON object, or empty; a refusal may have one, too */
    struct slice object; /* what was changed, for audit: "unit/12"; set by call_object */
    uint64_t unit_id;    /* of the object, for audit; 0: the node's */
    uint64_t refs[COMMAND_PARAMS_MAX]; /* resolved, by parameter */
    bool was_prepared;                 /* state_prepare has seen it */
    int prepared;                      /* what prepare returned */
    struct buf secret;                 /* from prepare to run: wiped behind it */
    uint64_t prepared_id;              /* from prepare to run: which user */
    /* out */
    int rc;
    struct err err; /* what the caller reads, in its language */
    bool denied;    /* right or scope */
    bool keep; /* set by run: what it wrote stays although rc says refused (a failed sign-in) */
    uint64_t audit_id; /* its row; 0: none */
    struct arena arena;
    void *own; /* the engine's */
};
/* The parameters as an audit row keeps them: JSON, secrets as "***", sheets by rows and SHA-256,
 * references with their ids. */
void command_detail(const struct command_call *call, struct buf *out);
/* PARAM_REFs of a checked call into refs. ERR_NOT_FOUND; denied: it is there, outside the caller's
 * units (the text does not say so). */
MUST_CHECK int command_refer(struct command_call *call, struct err *err);
/* Wipes what it owns of secrets: prepare's, and values in the arena (command_unpack's). */
void command_call_free(struct command_call *call);

/* The call as bytes, for a wire, and back. Secrets go as they are. */
void command_pack(struct slice name, const struct command_value *values, uint32_t count, bool dry,
                  struct buf *out);
/* Finds the command and fills values into call->arena. ERR_SYNTAX, ERR_LIMIT, ERR_NOT_FOUND (no
 * such command). */
MUST_CHECK int command_unpack(const struct command_table *table, struct slice bytes,
                              struct command_call *call, struct err *err);
/* Right, scope kind, parameters, without any database: ERR_USAGE with parameter and mend; denied is
 * set with ERR_USAGE for what the caller may not. Called by the dispatcher first; clients may call
 * it to say so early. */
MUST_CHECK int command_check(struct command_call *call, struct err *err);

/* Whether a character (text_next_char) may stand in a PARAM_TEXT: no controls, no line or paragraph
 * separators, none that turn the direction of what stands beside them, nothing but UTF-8. */
bool command_text_char(uint32_t c);

/* Parameters, by name; those of the table only (else it aborts). Not given: false, 0, empty. A
 * text, name, date, duration or reference that is not required may be given empty: "nothing", to
 * clear it.
 */
bool call_given(const struct command_call *call, const char *name);
struct slice call_text(const struct command_call *call, const char *name);
/* NUMBER; DURATION: seconds. */
uint64_t call_number(const struct command_call *call, const char *name);
bool call_bool(const struct command_call *call, const char *name);
uint64_t call_ref(const struct command_call *call, const char *name); /* 0: not given */
/* The next value of a parameter with `many`; *at starts at 0. false: no more. */
bool call_next(const struct command_call *call, const char *name, uint32_t *at, struct slice *text);
/* A further reference: resolved in the caller's scope. ERR_NOT_FOUND. */
MUST_CHECK int call_resolve(struct command_call *call, const char *noun, struct slice text,
                            uint64_t *id, struct err *err);
/* Looks the row's unit up: while the row is there. */
void call_object(struct command_call *call, const char *noun, uint64_t id);
/* A refusal that people read: takes the text of the caller's language. Both formats take the same
 * arguments in the same order. Returns code. */
int call_refuse(const struct command_call *call, struct err *err, int code, const char *english,
                const char *vietnamese, ...);
