/* What the handlers of all nouns share: single values out of the database, the text that search
 * looks into, results. Threads: the writer's. Ownership: borrows. */
#pragma once
#include "state/command.h"

/* In the initialiser of a struct command: its parameters. */
#define DB_PARAMS(list) .params = (list), .param_count = sizeof(list) / sizeof((list)[0])

/* The first column of the first row, by up to two numbers; 0 when there is none, or NULL. */
MUST_CHECK int db_number(struct database *db, const char *sql, uint64_t first, uint64_t second,
                         uint64_t *out, struct err *err);
/* A change by up to two numbers. */
MUST_CHECK int db_change(struct database *db, const char *sql, uint64_t first, uint64_t second,
                         struct err *err);
/* The id behind the newest INSERT of this connection. */
MUST_CHECK int db_last_id(struct database *db, uint64_t *out, struct err *err);
/* A name that is taken by a row other than `but` (0: none): sql takes the name, gives the id.
 * ERR_USAGE, said. */
MUST_CHECK int db_name_free(struct command_call *call, const char *sql, uint64_t but,
                            struct err *err);
/* Appends text without marks, in lower case, and a blank: what listings' `text` looks into. */
void db_search(struct buf *out, struct slice text);
/* What was changed, for audit and as result: {"id":12,"name":"a"}. */
void db_done(struct command_call *call, const char *noun, uint64_t id, struct slice name);
/* The caller may not: says so, sets call->denied. Returns ERR_USAGE. */
int db_deny(struct command_call *call, struct err *err, const char *english,
            const char *vietnamese);
/* A value that was given, else what stands. */
struct slice db_text_or(const struct command_call *call, const char *name, struct slice old);
struct slice db_column_copy(struct command_call *call, struct statement *s, int column);
/* What prepare hands to run stands in call->secret: a number, then what it made. A refusal of
 * prepare's is handed on by returning call->prepared: its sentence stands. */
void db_prepared_set(struct command_call *call, uint64_t number, struct slice made);
uint64_t db_prepared_number(const struct command_call *call); /* 0: was not set */
struct slice db_prepared_text(const struct command_call *call);
