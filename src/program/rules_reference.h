/* References of rule cases: events named by file, member and record number, so that no event need
 * be copied. A file is read once for all cases that name it by the same path: one below the events
 * for all, one beside the references for those of a folder. Threads: one. */
#pragma once
#include "program/rules_case.h"

enum { REFERENCE_RANGES_MAX = 100000 };

/* Judges the records that the reference cases of the list name. A line that cannot be read, or
 * names what is not there, fails its case; one that starts from events skips it when events is
 * NULL. */
MUST_CHECK int rules_reference_run(struct rules_case_list *list, struct pipeline *judge,
                                   const char *events, struct err *err);
/* The records of block, for the case (rules_case.c). */
void rules_case_judge(struct rules_case *c, struct pipeline *judge,
                      const struct input_block *block);
