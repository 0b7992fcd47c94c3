#include "state/schema.h"

#include "state/state.h"

/* Unit ids of audit rows name rows of `unit`, which may be gone: no reference. */
const char schema_core[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('epoch', 1), ('outbox_waiting', 0), ('outbox_delivered', 0),"
    " ('outbox_given_up', 0),"
    " ('node', lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' ||"
    "  substr(hex(randomblob(2)), 2) || '-a' || substr(hex(randomblob(2)), 2) || '-' ||"
    "  hex(randomblob(6))));"

    "CREATE TABLE node_key(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " public BLOB NOT NULL UNIQUE,"
    " since_ns INTEGER NOT NULL) STRICT;"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY,"
    " time_ns INTEGER NOT NULL,"
    " actor TEXT NOT NULL,"
    " sent_from TEXT NOT NULL,"
    " user_id INTEGER NOT NULL,"
    " command TEXT NOT NULL,"
    " object TEXT NOT NULL,"
    " unit_id INTEGER NOT NULL,"
    " code INTEGER NOT NULL,"
    " detail TEXT NOT NULL,"
    " hash BLOB NOT NULL) STRICT;"
    "CREATE INDEX audit_actor ON audit(actor COLLATE NOCASE);" /* as lists filter */
    "CREATE INDEX audit_command ON audit(command COLLATE NOCASE);"
    "CREATE INDEX audit_object ON audit(object COLLATE NOCASE);"
    "CREATE TABLE audit_head(one INTEGER PRIMARY KEY CHECK(one = 1),"
    " audit_id INTEGER NOT NULL,"
    " hash BLOB NOT NULL,"
    " time_ns INTEGER NOT NULL,"
    " key_id INTEGER REFERENCES node_key(id),"
    " signature BLOB) STRICT;"

    "CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " channel TEXT NOT NULL,"
    " key TEXT NOT NULL UNIQUE,"
    " subject TEXT NOT NULL,"
    " body TEXT NOT NULL," /* empty when it is settled */
    " tries INTEGER NOT NULL DEFAULT 0,"
    " made_ns INTEGER NOT NULL,"
    " due_ns INTEGER," /* NULL: settled */
    " delivered INTEGER NOT NULL DEFAULT 0,"
    " why TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX outbox_due ON outbox(due_ns) WHERE due_ns IS NOT NULL;"
    "CREATE INDEX outbox_made ON outbox(made_ns) WHERE due_ns IS NOT NULL;";

static const struct migration state_steps[] = {
    {{schema_core, schema_people}},
    {{schema_register}},
    {{schema_rules}},
};
const struct migration_set state_migrations = {
    .application_id = 0x43616e53, /* "CanS" */
    .name = STATE_FILE,
    .steps = state_steps,
    .count = sizeof(state_steps) / sizeof(state_steps[0]),
};

static const struct migration credential_steps[] = {{{schema_credential}}};
const struct migration_set credential_migrations = {
    .application_id = 0x43616e43, /* "CanC" */
    .name = STATE_SECRET_FILE,
    .steps = credential_steps,
    .count = sizeof(credential_steps) / sizeof(credential_steps[0]),
};
