/* Rules diff: what another bundle would change: rules added, changed, removed, refused, and how
 * many of them watch. Threads: pure. Ownership: owns what it found; borrows both bundles. */
#pragma once
#include "watch/rules_load.h"
#include "watch/rules_set.h"

enum rules_change { RULES_ADDED, RULES_CHANGED, RULES_REMOVED, RULES_CHANGES };
struct rules_diff_item {
    enum rules_change change;
    const struct rule *rule; /* of the new bundle; of the old one: removed */
    enum rule_use use;       /* in the bundle it is of */
};
struct rules_diff {
    struct rules_load old, new;
    struct rules_diff_item *items; /* in the order of change, then of the files */
    uint32_t count;
    uint32_t counts[RULES_CHANGES];
    uint32_t uses[RULE_LIVE + 1]; /* of the new bundle */
    uint32_t refused;             /* files of the new bundle with rules that cannot be used */
    struct rules_choice choice;
    struct rule_choice *uses_of; /* by rule of `new` */
};
/* A rule is changed when the text of its file is another one. Close either way. */
MUST_CHECK int rules_diff_open(struct rules_diff *out, const struct config_rules *config,
                               const struct bundle *old, const struct bundle *new, struct err *err);
void rules_diff_close(struct rules_diff *diff);
/* As people read it; names_max of each kind are named. */
void rules_diff_text(const struct rules_diff *diff, uint32_t names_max, bool vietnamese,
                     struct buf *out);
