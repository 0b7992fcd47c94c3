/* The commands and listings of this floor; program/commands.c assembles those of all floors.
 * Threads: any. DESIGN sections 2 and 7. */
#pragma once
#include "state/command.h"
#include "state/listing.h"

extern const struct command *const state_commands[]; /* by name, ascending; ended by NULL */
extern const uint32_t state_command_count;
extern const struct listing *const state_listings[]; /* ended by NULL */
extern const uint32_t state_listing_count;
