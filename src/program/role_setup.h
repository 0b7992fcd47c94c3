/* Role setup: what the parent sends a role up to GO, put into its context. The parent is trusted,
 * yet each message is checked as any other.
 *
 * Limits: those of wires and of role.h. Threads: one. Ownership: the context owns what it got,
 * until role_setup_free. */
#pragma once
#include "program/role.h"

enum { ROLE_FILES_MAX = 1024, ROLE_PATH_BYTES_MAX = 4096 };
/* ERR_END: it was GO. ERR_SYNTAX: not a message of the setup; ERR_LIMIT: too many of them. Takes
 * descriptors out of the message. */
MUST_CHECK int role_setup_take(struct role_context *c, struct wire_message *message,
                               struct err *err);
/* Closes descriptors and settings; context and its loop are the caller's. */
void role_setup_free(struct role_context *c);
