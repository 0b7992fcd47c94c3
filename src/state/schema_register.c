#include "state/schema.h"

/* A host's unit is its system's where it has one; it stands in the row so that scope is one
 * comparison. Names and addresses of hosts are unique within a unit: agencies that share a node use
 * the same private networks. */
const char schema_register[] =
    "CREATE TABLE system(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL UNIQUE,"
    " title TEXT NOT NULL,"
    " unit_id INTEGER NOT NULL REFERENCES unit(id),"
    " level INTEGER NOT NULL," /* 1 to 5; 0: not decided yet */
    " personal_data INTEGER NOT NULL,"
    " national_platform INTEGER NOT NULL,"
    " internet_exposed INTEGER NOT NULL,"
    " owner TEXT NOT NULL,"
    " operator TEXT NOT NULL,"
    " provider TEXT NOT NULL,"
    " contacts TEXT NOT NULL,"
    " response_plan TEXT NOT NULL," /* 2026-11-22, or empty: there is none */
    " search TEXT NOT NULL,"
    " made_ns INTEGER NOT NULL) STRICT;"
    "CREATE INDEX system_unit ON system(unit_id);"

    "CREATE TABLE host(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " name TEXT NOT NULL,"
    " title TEXT NOT NULL,"
    " system_id INTEGER REFERENCES system(id),"
    " unit_id INTEGER NOT NULL REFERENCES unit(id),"
    " os TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " search TEXT NOT NULL,"
    " made_ns INTEGER NOT NULL,"
    " UNIQUE(unit_id, name)) STRICT;"
    "CREATE INDEX host_name ON host(name);"
    "CREATE INDEX host_system ON host(system_id);"
    "CREATE TABLE host_address(unit_id INTEGER NOT NULL,"
    " address TEXT NOT NULL," /* RFC 5952 */
    " host_id INTEGER NOT NULL REFERENCES host(id) ON DELETE CASCADE,"
    " PRIMARY KEY(unit_id, address)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX host_address_host ON host_address(host_id);"
    "CREATE INDEX host_address_address ON host_address(address);";
