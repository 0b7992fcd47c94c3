/* Trial of rules that an update would bring: how many findings a day they would have given on the
 * events stored. Threads: the main one. */
#pragma once
#include "program/data.h"
#include "watch/rules_diff.h"

/* Added and changed rules that would watch, over the newest `days` days, as lines on the standard
 * output; ends early past named limits, and says so. A store that is not there is passed over. */
void cli_rules_trial(const struct rules_diff *diff, const struct data_settings *settings,
                     uint64_t days, bool vietnamese);
