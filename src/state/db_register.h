/* Systems and hosts as rows: read, compared, written, by single commands and by sheets alike.
 * Threads: the writer's. Ownership: texts borrow (what is read: from the arena). */
#pragma once
#include "state/db.h"

enum {
    SYSTEMS_MAX = 100000,
    HOSTS_MAX = 1000000,
    HOST_ADDRESSES_MAX = 64,
    REGISTER_TITLE_BYTES_MAX = 200,
    REGISTER_CONTACTS_BYTES_MAX = 1000
};
#define HOST_KINDS "server|workstation|network|appliance|virtual|other"

struct system_row {
    uint64_t id, unit_id;
    struct slice name, title, owner, operator, provider, contacts, response_plan;
    uint64_t level; /* 0: not decided */
    bool personal_data, national_platform, internet_exposed;
};
/* ERR_NOT_FOUND. */
MUST_CHECK int system_read(struct command_call *call, uint64_t id, struct system_row *out,
                           struct err *err);
/* id 0: a new row, out->id is set. Hosts follow their system's unit. */
MUST_CHECK int system_write(struct command_call *call, struct system_row *row, struct err *err);
MUST_CHECK int system_delete(struct command_call *call, uint64_t id, struct err *err);

struct host_row {
    uint64_t id, unit_id, system_id; /* system_id 0: none */
    struct slice name, title, os, kind;
    struct slice addresses[HOST_ADDRESSES_MAX]; /* canonical, ascending */
    uint32_t address_count;
};
MUST_CHECK int host_read(struct command_call *call, uint64_t id, struct host_row *out,
                         struct err *err);
/* Its addresses are checked against other hosts of the unit: ERR_USAGE, said. */
MUST_CHECK int host_write(struct command_call *call, struct host_row *row, bool addresses_changed,
                          struct err *err);
MUST_CHECK int host_delete(struct command_call *call, uint64_t id, struct err *err);
/* One more address; the same again is fine. ERR_USAGE, said: not an address, too many. */
MUST_CHECK int host_add_address(struct command_call *call, struct host_row *row, struct slice text,
                                struct err *err);
/* "10.0.0.1, 10.0.0.2" into arena. */
struct slice host_addresses_text(struct arena *arena, const struct host_row *row);
