#include "state/schema.h"

/* Times are nanoseconds since 1970. Ids are never given twice: the audit table names them. A
 * removed user keeps its row and its name. *_id of credentials are rows of credentials.db. */
const char schema_people[] =
    "CREATE TABLE unit(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " title TEXT NOT NULL,"
    " title_en TEXT NOT NULL DEFAULT '',"
    " parent_id INTEGER REFERENCES unit(id),"
    " kind TEXT NOT NULL,"
    " search TEXT NOT NULL,"
    " made_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX unit_parent ON unit(parent_id);"

    "CREATE TABLE user(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " title TEXT NOT NULL,"
    " role TEXT NOT NULL,"
    " unit_id INTEGER REFERENCES unit(id),"   /* home */
    " everywhere INTEGER NOT NULL DEFAULT 0," /* else the rows of user_unit */
    " vietnamese INTEGER NOT NULL DEFAULT 1,"
    " unix_name TEXT UNIQUE,"
    " password_id INTEGER,"
    " totp_id INTEGER,"
    " totp_pending_id INTEGER,"              /* shown, not confirmed yet */
    " totp_step INTEGER NOT NULL DEFAULT 0," /* the newest that was accepted */
    " recovery_id INTEGER,"
    " failures INTEGER NOT NULL DEFAULT 0,"        /* in a row */
    " locks INTEGER NOT NULL DEFAULT 0,"           /* in a row: each lasts twice as long */
    " locked_until_ns INTEGER NOT NULL DEFAULT 0," /* no sign-in before: guessed too often */
    " locked INTEGER NOT NULL DEFAULT 0,"          /* by a person: also open sessions end */
    " removed_ns INTEGER,"
    " search TEXT NOT NULL,"
    " made_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX user_home ON user(unit_id);"
    "CREATE TABLE user_unit(user_id INTEGER NOT NULL REFERENCES user(id),"
    " unit_id INTEGER NOT NULL REFERENCES unit(id),"
    " PRIMARY KEY(user_id, unit_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX user_unit_unit ON user_unit(unit_id);"

    "CREATE TABLE session(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " user_id INTEGER NOT NULL REFERENCES user(id),"
    " credential_id INTEGER NOT NULL,"
    " sent_from TEXT NOT NULL,"
    " made_ns INTEGER NOT NULL,"
    " used_ns INTEGER NOT NULL,"
    " expires_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX session_user ON session(user_id);"
    "CREATE INDEX session_used ON session(used_ns);"
    "CREATE INDEX session_expires ON session(expires_ns);"

    "CREATE TABLE token(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " user_id INTEGER NOT NULL REFERENCES user(id),"
    " name TEXT NOT NULL,"
    " credential_id INTEGER NOT NULL,"
    " rights INTEGER NOT NULL,"
    " everywhere INTEGER NOT NULL," /* all units of its user; else the rows of token_unit */
    " made_ns INTEGER NOT NULL,"
    " used_ns INTEGER,"
    " expires_ns INTEGER NOT NULL,"
    " UNIQUE(user_id, name)) STRICT;"
    "CREATE TABLE token_unit(token_id INTEGER NOT NULL REFERENCES token(id) ON DELETE CASCADE,"
    " unit_id INTEGER NOT NULL REFERENCES unit(id),"
    " PRIMARY KEY(token_id, unit_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX token_unit_unit ON token_unit(unit_id);"

    "CREATE TABLE invite(user_id INTEGER PRIMARY KEY REFERENCES user(id),"
    " credential_id INTEGER NOT NULL,"
    " made_ns INTEGER NOT NULL,"
    " expires_ns INTEGER NOT NULL) STRICT;"

    /* failed sign-ins of an address since since_ns */
    "CREATE TABLE sign_in_address(address TEXT PRIMARY KEY,"
    " failures INTEGER NOT NULL,"
    " since_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX sign_in_address_since ON sign_in_address(since_ns);"

    /* what of credentials.db is named: the rest is removed on start */
    "CREATE VIEW credential_named(id) AS"
    " SELECT password_id FROM user WHERE password_id IS NOT NULL"
    " UNION ALL SELECT totp_id FROM user WHERE totp_id IS NOT NULL"
    " UNION ALL SELECT totp_pending_id FROM user WHERE totp_pending_id IS NOT NULL"
    " UNION ALL SELECT recovery_id FROM user WHERE recovery_id IS NOT NULL"
    " UNION ALL SELECT credential_id FROM session"
    " UNION ALL SELECT credential_id FROM token"
    " UNION ALL SELECT credential_id FROM invite;";

const char schema_credential[] = "CREATE TABLE credential(id INTEGER PRIMARY KEY AUTOINCREMENT,"
                                 " kind INTEGER NOT NULL,"
                                 " secret BLOB NOT NULL,"
                                 " made_ns INTEGER NOT NULL) STRICT;";
