/* Probing by lines: shared by the readers of line formats.
 * Limits: PROBE_LINES_MAX lines are looked at. Threads: any. */
#pragma once
#include "base/str.h"

enum { PROBE_LINES_MAX = 16 };

/* The next line of *rest that is not blank, without its CR LF; false at the end. *whole (may be
 * NULL) says whether its line feed was there. */
bool probe_line(struct slice *rest, struct slice *line, bool *whole);

/* surety (1 to 100) times the share of the first lines for which looks says yes. A last line that
 * was cut off is left out unless it is the only one. */
int probe_share(struct slice head, bool (*looks)(struct slice line), int surety);
