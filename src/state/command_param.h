/* The values of a call by their kinds. For command*.c and state_execute.c. */
#pragma once
#include "state/command.h"

const struct param *param_find(const struct command *command, struct slice name); /* or NULL */
/* *text becomes the normal form (in call->arena). ERR_USAGE, ERR_LIMIT, ERR_DAMAGED (a sheet). */
MUST_CHECK int param_check(struct command_call *call, const struct param *p, struct slice *text,
                           struct err *err);
/* Of a checked sheet. */
uint32_t param_sheet_rows(const struct command *command, struct slice flat);
