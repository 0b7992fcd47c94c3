/* Rights: what a caller may do, by its role, and for which units.
 *
 * One table of roles (right.c). A token has a part of its user's rights. Threads: any. DESIGN
 * sections 1 and 7. */
#pragma once
#include "base/arena.h"
#include "base/str.h"

enum right {
    RIGHT_READ = 1,      /* register, sources, findings: to look at */
    RIGHT_WATCH = 2,     /* the duties of an officer */
    RIGHT_SEARCH = 4,    /* search, hunt, export in stored events */
    RIGHT_INCIDENT = 8,  /* incidents, evidence */
    RIGHT_REGISTER = 16, /* units, systems, hosts: to change */
    RIGHT_USERS = 32,    /* users, their roles and units; tokens of others */
    RIGHT_SETTINGS = 64, /* the node: keys, backups, channels, retention */
    RIGHT_AUDIT = 128,   /* the audit chain: to read and verify */
    RIGHT_SIGN = 256,    /* reports: to sign */
    RIGHT_INGEST = 512,  /* to send events */
    RIGHT_SELF = 1024,   /* own password, TOTP, tokens, sessions */
    RIGHT_ALL = 2047
};

enum { RIGHT_COUNT = 11, ROLE_COUNT = 8, CALLER_UNITS_MAX = 4096, CALLER_NAME_BYTES_MAX = 256 };

struct right_row {
    enum right right;
    const char *name, *title_en, *title_vi; /* name: as tokens and routes write it: `register` */
};
extern const struct right_row right_table[RIGHT_COUNT];
/* 0: unknown. */
unsigned right_find(struct slice name);
void right_text(unsigned rights, struct buf *out); /* "read, watch" */

struct role_row {
    const char *name; /* officer handler lead head administrator auditor machine provider */
    unsigned rights;
    bool given_units; /* never all units: those that it was given */
    const char *title_en, *title_vi;
};
extern const struct role_row role_table[ROLE_COUNT];
const struct role_row *role_find(struct slice name); /* or NULL */

enum caller_kind {
    CALLER_SYSTEM,  /* Canh itself */
    CALLER_UNIX,    /* a Unix user at the control socket: root or the service's */
    CALLER_SESSION, /* signed in */
    CALLER_TOKEN
};

/* Who asks, as the engine found it; everything is checked against this. */
struct caller {
    enum caller_kind kind;
    uint64_t user_id;      /* 0: none (SYSTEM, UNIX) */
    uint64_t session_id;   /* of the session or token; 0: none */
    struct slice name;     /* "system", "unix:root", a user's name */
    struct slice from;     /* where from: an address, a role; may be empty */
    unsigned rights;       /* enum right */
    bool everywhere;       /* all units */
    const uint64_t *units; /* else these, those below them included, ascending */
    uint32_t unit_count;
    bool vietnamese; /* what it reads */
};
bool caller_may(const struct caller *caller, unsigned rights); /* all of them */
bool caller_has_unit(const struct caller *caller, uint64_t unit_id);
struct caller caller_system(void);
/* A refusal in the caller's language; both formats take the same arguments in the same order.
 * Returns code. */
int caller_refuse(const struct caller *caller, struct err *err, int code, const char *english,
                  const char *vietnamese, ...);
/* For sending to another process, and back (bounded walk; units and texts into arena). */
void caller_pack(const struct caller *caller, struct buf *out);
struct bytes_in;
MUST_CHECK int caller_unpack(struct bytes_in *in, struct arena *arena, struct caller *out,
                             struct err *err);
