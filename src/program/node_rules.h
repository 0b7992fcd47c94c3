/* Node's rules: the bundle that the node of a data folder watches with, for commands that look at
 * stored events by it.
 *
 * Which one is active stands in state.db; where none ever was, canh.yaml says what would be.
 * Whoever may not read state.db is handed the bundle (struct data). Threads: one. Ownership: owns
 * what it read; borrows data. */
#pragma once
#include "program/data.h"
#include "watch/rules_set.h"

struct node_rules {
    struct buf bytes; /* of a bundle that was read */
    struct bundle bundle;
    struct rules_choice choice; /* by rules.select_status, rules.select_level */
    enum rule_hunting hunting;
};
/* hunting: with, without, only; NULL: with. Files that cannot be read are told on stderr. ERR_*: no
 * bundle, with what to do. out is zeroed by the caller, closed either way. */
MUST_CHECK int node_rules_open(struct node_rules *out, const struct data *data, const char *hunting,
                               struct err *err);
void node_rules_close(struct node_rules *rules);
/* The active bundle of a data folder, or that which canh.yaml describes; files that cannot be read:
 * lines in problems. */
MUST_CHECK int node_rules_read(const char *data, const struct config_rules *config, struct buf *out,
                               struct buf *problems, struct err *err);
