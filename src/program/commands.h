/* Commands: the rows of all floors in one table, and the listings, as engine, web and command line
 * use them. Threads: any. */
#pragma once
#include "state/command.h"
#include "state/listing.h"

extern struct command_table commands; /* both are put together before main and never change */
extern struct listing_table listings;
/* The tables are by name, without doubles, and each row has its texts: a programmer's error
 * otherwise. */
void commands_check(void);

/* engine_rows.c: this floor's own */
extern const struct command command_node_backup, command_search_run;
extern const struct command command_rules_enable, command_rules_record, command_rules_resume,
    command_rules_rollback;
