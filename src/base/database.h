/* Database: SQLite as Canh uses it: prepared statements, transactions, errors as sentences.
 *
 * Opened on a `disk`: a real one uses SQLite's own files, WAL and synchronous=EXTRA for the one
 * writer and read-only connections for everybody else; a simulated one goes through a VFS of our
 * own on disk.h with a rollback journal (one process). Of a file with WAL one connection writes. A
 * reader that can make no -shm file and finds no -wal file reads the file as one that nobody
 * changes. Schema and texts of a file are never trusted. Limits: below. Threads: a connection
 * belongs to one at a time. Errors: ERR_IO, ERR_FULL, ERR_BUSY, ERR_DAMAGED (not a database,
 * corrupt, or without the tables and columns asked for), ERR_NOT_FOUND (read-only and not there),
 * ERR_LIMIT, ERR_USAGE (against a constraint of the schema, or a change on a read-only connection),
 * ERR_CLOSED after a simulated power cut, ERR_CANCELED past a deadline. */
#pragma once
#include "base/disk.h"

enum {
    DATABASE_BUSY_MS = 5000,              /* waiting for a lock */
    DATABASE_VALUE_BYTES_MAX = 256 << 20, /* a text, a blob, a row */
    DATABASE_STATEMENTS_MAX = 512         /* different texts a connection; then it aborts */
};

struct database;
enum database_mode {
    DATABASE_READ,
    DATABASE_WRITE,     /* made when it is not there */
    DATABASE_WRITE_MANY /* the same with a rollback journal: several connections may write */
};
MUST_CHECK int database_open(struct database **out, struct disk *disk, const char *path,
                             enum database_mode mode, struct err *err);
void database_close(struct database **db);
/* One or more statements without results. */
MUST_CHECK int database_run(struct database *db, const char *sql, struct err *err);
MUST_CHECK int database_begin(struct database *db, struct err *err);  /* IMMEDIATE */
MUST_CHECK int database_commit(struct database *db, struct err *err); /* failed: rolled back */
void database_roll_back(struct database *db); /* fine when there is nothing to roll back */
/* A consistent view for several reads: BEGIN; ended by database_roll_back. */
MUST_CHECK int database_begin_read(struct database *db, struct err *err);
/* PRAGMA integrity_check: ERR_DAMAGED with what it found first. */
MUST_CHECK int database_check(struct database *db, struct err *err);

/* Whether a transaction is open: an error may have rolled it back. */
bool database_in_transaction(const struct database *db);
/* Whether err is this connection's newest refusal, in its own words: for those who tell people in
 * words of theirs. */
bool database_said(const struct database *db, const struct err *err);
/* What takes longer from now on ends with ERR_CANCELED; 0: no end. */
void database_deadline(struct database *db, uint32_t milliseconds);
/* Copies what -wal holds into the file, as far as readers allow; with truncate, when all of it is
 * there and nobody reads it, empties the -wal file, too. *pages (may be NULL): that -wal held.
 * Nothing to do for a simulated disk. */
MUST_CHECK int database_checkpoint(struct database *db, bool truncate, uint64_t *pages,
                                   struct err *err);
/* A consistent copy as a new file (ERR_BUSY: there is one) of this mode, synced. */
MUST_CHECK int database_backup(struct database *db, const char *path, unsigned mode,
                               struct err *err);

/* Statement: prepared once (kept by the connection under its text), used again. */
struct statement;
/* Ready to be bound, all parameters NULL; what it was doing under this text before is given up.
 * Wrong SQL is a programmer's error and aborts; what the file makes impossible (a table is missing)
 * is reported by the first step. */
struct statement *statement_get(struct database *db, const char *sql);
/* The same for a text that is not kept: statement_close ends it. */
struct statement *statement_open(struct database *db, const char *sql);
void statement_close(struct statement **s);
void statement_u64(struct statement *s, int parameter, uint64_t value); /* from 1; as int64 bits */
void statement_i64(struct statement *s, int parameter, int64_t value);
void statement_text(struct statement *s, int parameter, struct slice value); /* copies */
void statement_blob(struct statement *s, int parameter, struct slice value); /* copies */
void statement_null(struct statement *s, int parameter);
/* Next row: ERR_OK. ERR_END when there is none; then, and after an error, the statement is ready to
 * be bound again. */
MUST_CHECK int statement_step(struct statement *s, struct err *err);
/* Runs it to its end, rows unread. */
MUST_CHECK int statement_run(struct statement *s, struct err *err);
void statement_reset(struct statement *s); /* before its end, to use it again */
uint64_t statement_column_u64(struct statement *s, int column); /* from 0 */
int64_t statement_column_i64(struct statement *s, int column);
struct slice statement_column_text(struct statement *s, int column); /* until the next step */
bool statement_column_is_null(struct statement *s, int column);
