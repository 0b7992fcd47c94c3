/* The columns of the register's sheets, by number. Threads: any. */
#pragma once
#include "state/sheet.h"

enum sheet_system {
    SYSTEM_NAME,
    SYSTEM_TITLE,
    SYSTEM_UNIT,
    SYSTEM_LEVEL,
    SYSTEM_PERSONAL,
    SYSTEM_NATIONAL,
    SYSTEM_EXPOSED,
    SYSTEM_OWNER,
    SYSTEM_OPERATOR,
    SYSTEM_PROVIDER,
    SYSTEM_CONTACTS,
    SYSTEM_PLAN,
    SYSTEM_COLUMNS
};
enum sheet_host {
    HOST_NAME,
    HOST_TITLE,
    HOST_ADDRESSES,
    HOST_SYSTEM,
    HOST_UNIT,
    HOST_OS,
    HOST_KIND,
    HOST_COLUMNS
};
extern const struct sheet_column sheet_system_columns[SYSTEM_COLUMNS];
extern const struct sheet_column sheet_host_columns[HOST_COLUMNS];
