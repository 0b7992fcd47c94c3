/* Engine unread: what canh.yaml says is to be read and is not, and why: followed files and
 * patterns, which the parent opens (MESSAGE_UNREAD), and journals.
 *
 * Threads: the loop's. Ownership: keeps the parent's newest report. */
#pragma once
#include "formats/json.h"
#include "program/engine.h"
#include "watch/health.h"

MUST_CHECK int engine_unread_take(struct engine *e, struct wire_message *m, struct err *err);
/* The members "journal" and "not_read" of a source's object; docs/status.md. */
void engine_unread_write(const struct engine *e, struct slice source, struct json_writer *w);
/* A finding for each source of which something cannot be read. A file that is not there yet is
 * none: the source is silent, or was never seen. */
void engine_unread_look(const struct engine *e, struct health *health);
