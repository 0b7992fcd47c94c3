/* Files handed to a running node: it reads, judges and stores them by its own settings.
 *
 * Threads: the main one. Ownership: borrows. */
#pragma once
#include "program/client.h"
#include "program/import_run.h"

typedef void import_node_note(void *context, enum input_note kind, const char *text);
/* Each file (of folders: each below them) with its source: `source`, or the one whose patterns fit
 * its path. What cannot be read is told by note (INPUT_NOTE_UNREADABLE) and counted; a file without
 * a source is ERR_USAGE. */
MUST_CHECK int import_node(struct client *client, const char *source,
                           const struct option_list *paths, import_node_note *note, void *context,
                           struct import_result *result, struct err *err);
