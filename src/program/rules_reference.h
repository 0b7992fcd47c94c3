/* References of rule cases: events named by file, member and record number, so that third-party
 * events need not be copied. Each referred file is read once for all cases. Threads: one. */
#pragma once
#include "program/rules_case.h"

enum { REFERENCE_RANGES_MAX = 100000 };

/* Judges the records that the reference cases of the list name. A line that cannot be read, or
 * names what is not there, fails its case. */
MUST_CHECK int rules_reference_run(struct rules_case_list *list, struct judge *judge,
                                   const char *events, struct err *err);
/* The records of block, for the case (rules_case.c). */
void rules_case_judge(struct rules_case *c, struct judge *judge, const struct input_block *block);
