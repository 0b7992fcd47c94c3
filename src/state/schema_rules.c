#include "state/schema.h"

/* Versions of the rules are files, DATA/rules/<version>.bundle, which may be gone. */
const char schema_rules[] =
    "CREATE TABLE rules_version(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " version TEXT NOT NULL UNIQUE,"
    " made_ns INTEGER NOT NULL,"
    " origin TEXT NOT NULL,"
    " rules INTEGER NOT NULL,"
    " imported INTEGER NOT NULL) STRICT;"
    "CREATE TABLE rules_active(id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " version TEXT NOT NULL REFERENCES rules_version(version),"
    " since_ns INTEGER NOT NULL,"
    " actor TEXT NOT NULL) STRICT;";
