/* Rule cases: events beside rules that must, or must not, make them fire.
 *
 * Two layouts are read. Our own: <rules>/tests/<stem of the rule file>/ with positive*.* (fires at
 * least once, or as often as expect.tsv says: file TAB count), negative*.* (never fires) and *.ref
 * files of the same two names, whose lines name events elsewhere: a file, a member's path when it
 * is an archive, and record numbers (12, 12-40, 1,5). A file that begins with ./ or ../ is looked
 * for from the folder of the .ref file and must be readable whole; any other, also one that begins
 * with
 * /, from the folder of --events. The records of one file are fed in their order, files in the
 * order of their paths. SigmaHQ's: folders with info.yml, in which a file <rule
 * id>.<json|evtx|raw|log> makes the rule of that id fire; an .evtx beside a .json of the same stem
 * must give the same findings of all rules. Threads: one. Ownership: a list owns its cases. */
#pragma once
#include "base/option.h"
#include "watch/pipeline.h"

enum rules_case_kind { CASE_POSITIVE, CASE_NEGATIVE, CASE_BY_ID };
enum rules_case_state { CASE_PASSED, CASE_FAILED, CASE_SKIPPED };

struct rules_case {
    enum rules_case_kind kind;
    char *path; /* of the file with the events, or with the references */
    char *stem; /* of the rule file, or the rule's id */
    bool is_reference;
    uint64_t expected; /* CASE_POSITIVE with expect.tsv; else 0: at least once */
    uint64_t fired;
    uint32_t *counts; /* by rule; CASE_BY_ID */
    struct correlator *correlator;
    enum rules_case_state state;
    char reason[200]; /* why it failed or was skipped */
};

struct rules_case_list {
    struct rules_case *cases;
    size_t count, capacity;
};

/* Finds the cases below path (added to list). */
MUST_CHECK int rules_case_find(struct rules_case_list *list, const char *path, struct err *err);
/* Runs all of them; events: folder that references start from, NULL: cases with such references are
 * skipped. */
MUST_CHECK int rules_case_run(struct rules_case_list *list, const struct detector *detector,
                              const char *events, struct err *err);
void rules_case_free(struct rules_case_list *list);
