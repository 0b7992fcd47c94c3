/* Rules set: the bundle that canh.yaml describes, and what of a bundle works (rules.select).
 *
 * Packs: `own` (the rules installed with the program), or `local`, `local-2` ... one for each path
 * of rules.paths instead of it (the own ones named there stay `own`): both work whole; `tuning`
 * (filters of rules.tuning); `mappings` (rules.mappings instead of the built-in ones); all others
 * came by `canh rules update` and work by rules.select. Threads: pure but for reading files.
 * Ownership: said at each call. DESIGN section 2. */
#pragma once
#include "detection/rule_select.h"
#include "watch/bundle.h"
#include "watch/config.h"

#define RULES_PACK_LOCAL  SLICE("local")
#define RULES_PACK_TUNING SLICE("tuning")

/* The pack is of canh.yaml or of the program, not of an update. */
bool rules_set_is_local(struct slice pack);
/* What the files that canh.yaml names hold now, and of kept (may be NULL) the packs that came by
 * updates. problems: a line for each file that cannot be read. ERR_USAGE: rules.paths holds no rule
 * at all. */
MUST_CHECK int rules_set_make(const struct config_rules *config, const struct bundle *kept,
                              struct buf *out, struct buf *problems, struct err *err);

struct rules_choice {
    struct rule_select select;
    struct rule_pack packs[BUNDLE_PACKS_MAX];
    struct arena arena;
};
/* Of the bundle's packs, by select_status and select_level; borrows the bundle. Close either way.
 * ERR_USAGE: the setting names no status or level. */
MUST_CHECK int rules_choice_open(struct rules_choice *out, const struct config_rules *config,
                                 const struct bundle *bundle, struct err *err);
void rules_choice_close(struct rules_choice *choice);
