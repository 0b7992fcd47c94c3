/* Which rules of the loaded ones work, and for what: live detection, hunting only, or not at all
 * (the setting rules.select).
 *
 * The own pack works whole; of imported packs what is far enough tested and grave enough. Rules
 * that are written for hunting (SigmaHQ's folder rules-threat-hunting, the tag
 * detection.threat-hunting) serve hunts only, deprecated and unsupported ones nothing. A
 * correlation brings the rules that it refers to with it. Filters work, too: those of no pack
 * (local tuning) always, others with their pack. Threads: pure. Ownership: borrows. */
#pragma once
#include "detection/rule_input.h"

enum rule_status { /* in order of trust */
                   STATUS_NONE,
                   STATUS_UNSUPPORTED,
                   STATUS_DEPRECATED,
                   STATUS_EXPERIMENTAL,
                   STATUS_TEST,
                   STATUS_STABLE
};
extern const char *const rule_status_names[]; /* by enum rule_status; "" for none; NULL ends */
/* STATUS_NONE also for a word that is no status (the reader has warned of it). */
enum rule_status rule_status_of(struct slice text);

struct rule_pack {
    struct slice name;
    struct slice path; /* its rules' files begin with it; of several packs the longest */
    bool is_own;
};

struct rule_select {
    const struct rule_pack *packs; /* a rule of none is an imported one without a pack's name */
    uint32_t pack_count;
    struct slice_list chosen; /* names of imported packs that work; empty: all */
    enum rule_status min_status;
    enum rule_level min_level;
};
#define RULE_SELECT_STATUS_DEFAULT STATUS_TEST
#define RULE_SELECT_LEVEL_DEFAULT  LEVEL_HIGH

enum rule_use {
    RULE_OFF,
    RULE_HUNT,  /* hunts only */
    RULE_INPUT, /* live, only because a correlation needs it: its own findings are not shown */
    RULE_LIVE
};

enum rule_reason {
    REASON_OWN,           /* live: of the own pack */
    REASON_ENOUGH,        /* live: status and level suffice */
    REASON_FILTER,        /* live: a filter */
    REASON_INPUT,         /* input, or hunt: a correlation that works refers to it */
    REASON_HUNTING,       /* hunt: written for hunting */
    REASON_DEPRECATED,    /* off */
    REASON_UNSUPPORTED,   /* off */
    REASON_PACK,          /* off: its pack is not chosen */
    REASON_STATUS,        /* off: too little tested */
    REASON_LEVEL,         /* off: not grave enough */
    REASON_INPUT_MISSING, /* off: refers to a rule that never works or is not there */
    REASON_COUNT
};

struct rule_choice {
    enum rule_use use;
    enum rule_reason reason;
    uint32_t by; /* INPUT: the correlation; INPUT_MISSING: the rule, or RULE_INPUT_MISSING */
};

/* The pack of a rule, or NULL. */
const struct rule_pack *rule_select_pack(const struct rule_select *select, const struct rule *rule);
/* One choice a rule, in the list's order, into out (room for as many). */
void rule_select_all(const struct rule_select *select, const struct rule_list *rules,
                     struct rule_choice *out);
/* Whether rules that are written for hunting serve. */
enum rule_hunting {
    HUNTING_WITHOUT, /* what is live */
    HUNTING_WITH,    /* they, and what is live */
    HUNTING_ONLY,    /* they, with what their correlations refer to, and filters */
};
/* The choices of rule_select_all as they are for this: what serves is RULE_LIVE, or RULE_INPUT;
 * everything else RULE_OFF, or RULE_HUNT as it was. */
void rule_select_serving(const struct rule_list *rules, enum rule_hunting hunting,
                         struct rule_choice *choices);
/* Why, as a sentence without the rule's name: `its level low is below high`. rules: the list that
 * was chosen from. */
void rule_choice_text(struct buf *out, const struct rule_select *select,
                      const struct rule_list *rules, uint32_t rule,
                      const struct rule_choice *choice, bool vietnamese);
