/* Engine's fetching: an archive of rules from an address outside for a command line, by the
 * courier: the bytes go through as a descriptor and are not looked at.
 *
 * Limits: one at a time. Threads: the loop's. */
#pragma once
#include "program/engine.h"

/* RULES_FETCH of a client: root's only; written into the audit chain. ERR_SYNTAX: the message is
 * not what it says it is. */
MUST_CHECK int engine_fetch_ask(struct engine_peer *client, struct wire_message *m,
                                struct err *err);
/* RULES_FETCHED of the courier. */
MUST_CHECK int engine_fetch_done(struct engine_peer *courier, struct wire_message *m,
                                 struct err *err);
void engine_fetch_gone(struct engine *e); /* the courier is */
