#include "detection/rule_select.h"

#include "base/mem.h"

const char *const rule_status_names[] = {"",     "unsupported", "deprecated", "experimental",
                                         "test", "stable",      NULL};

enum rule_status rule_status_of(struct slice text)
{
    for (int status = STATUS_UNSUPPORTED; rule_status_names[status]; status++)
        if (slice_equal_nocase(text, slice_from(rule_status_names[status])))
            return (enum rule_status)status;
    return STATUS_NONE;
}

const struct rule_pack *rule_select_pack(const struct rule_select *select, const struct rule *rule)
{
    const struct rule_pack *found = NULL;
    for (uint32_t i = 0; i < select->pack_count; i++) {
        const struct rule_pack *pack = &select->packs[i];
        if (slice_starts(rule->file, pack->path) && (!found || pack->path.len > found->path.len))
            found = pack;
    }
    return found;
}

/* A folder of the path, also of one inside of an archive (`a.zip!folder/x.yml`). */
static bool path_has_folder(struct slice path, struct slice folder)
{
    while (path.len) {
        struct slice part = slice_cut(&path, '/');
        while (part.len)
            if (slice_equal(slice_cut(&part, '!'), folder))
                return true;
    }
    return false;
}

static bool is_for_hunting(const struct rule *rule)
{
    for (uint32_t i = 0; i < rule->tags.count; i++)
        if (slice_equal_nocase(rule->tags.items[i], SLICE("detection.threat-hunting")))
            return true;
    return path_has_folder(rule->file, SLICE("rules-threat-hunting"));
}

static bool pack_is_chosen(const struct rule_select *select, const struct rule_pack *pack)
{
    for (uint32_t i = 0; pack && i < select->chosen.count; i++)
        if (slice_equal(select->chosen.items[i], pack->name))
            return true;
    return select->chosen.count == 0;
}

static struct rule_choice choice_make(enum rule_use use, enum rule_reason reason)
{
    return (struct rule_choice){use, reason, RULE_INPUT_MISSING};
}

/* What a rule is by itself. */
static struct rule_choice rule_choose(const struct rule_select *select, const struct rule *rule)
{
    enum rule_status status = rule_status_of(rule->status);
    const struct rule_pack *pack = rule_select_pack(select, rule);
    if (status == STATUS_DEPRECATED)
        return choice_make(RULE_OFF, REASON_DEPRECATED);
    if (status == STATUS_UNSUPPORTED)
        return choice_make(RULE_OFF, REASON_UNSUPPORTED);
    bool is_own = pack && pack->is_own;
    bool is_tuning = !pack && rule->kind == RULE_FILTER;
    if (!is_own && !is_tuning && !pack_is_chosen(select, pack))
        return choice_make(RULE_OFF, REASON_PACK);
    if (rule->kind == RULE_FILTER)
        return choice_make(RULE_LIVE, REASON_FILTER);
    if (is_for_hunting(rule))
        return choice_make(RULE_HUNT, REASON_HUNTING);
    if (is_own)
        return choice_make(RULE_LIVE, REASON_OWN);
    if (status < select->min_status)
        return choice_make(RULE_OFF, REASON_STATUS);
    if (rule->level < select->min_level)
        return choice_make(RULE_OFF, REASON_LEVEL);
    return choice_make(RULE_LIVE, REASON_ENOUGH);
}

/* Whether the rule can never feed a correlation. */
static bool never_works(const struct rule_choice *choice)
{
    return choice->use == RULE_OFF &&
           (choice->reason == REASON_DEPRECATED || choice->reason == REASON_UNSUPPORTED ||
            choice->reason == REASON_INPUT_MISSING);
}

/* A correlation that could never become true does not work; says whether it is newly so. */
static bool choice_check(const struct rule_inputs *inputs, const struct rule_list *rules,
                         struct rule_choice *choices, uint32_t rule)
{
    const uint32_t *needed;
    uint32_t count = rule_inputs_of(inputs, rule, &needed);
    for (uint32_t i = 0; i < count && !never_works(&choices[rule]); i++) {
        uint32_t at = needed[i];
        if (at != RULE_INPUT_MISSING && rules->rules[at]->kind != RULE_FILTER &&
            !never_works(&choices[at]))
            continue;
        choices[rule] = (struct rule_choice){RULE_OFF, REASON_INPUT_MISSING, at};
        return true;
    }
    return false;
}

/* What a working correlation needs works at least as inputs do; says whether anything rose. */
static bool choice_pull(const struct rule_inputs *inputs, struct rule_choice *choices,
                        uint32_t rule)
{
    const uint32_t *needed;
    uint32_t count = rule_inputs_of(inputs, rule, &needed);
    enum rule_use use = choices[rule].use;
    enum rule_use least = use == RULE_LIVE ? RULE_INPUT : use;
    bool rose = false;
    for (uint32_t i = 0; use != RULE_OFF && i < count; i++) {
        struct rule_choice *input = &choices[needed[i]];
        if (input->use >= least)
            continue;
        *input = (struct rule_choice){least, REASON_INPUT, rule};
        rose = true;
    }
    return rose;
}

static void pull_all(const struct rule_inputs *inputs, const struct rule_list *rules,
                     struct rule_choice *choices)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < rules->count; i++)
            changed |= choice_pull(inputs, choices, i);
    }
}

void rule_select_all(const struct rule_select *select, const struct rule_list *rules,
                     struct rule_choice *out)
{
    struct rule_inputs *inputs = rule_inputs_open(rules);
    for (uint32_t i = 0; i < rules->count; i++)
        out[i] = rule_choose(select, rules->rules[i]);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t i = 0; i < rules->count; i++)
            changed |= choice_check(inputs, rules, out, i);
    }
    pull_all(inputs, rules, out);
    rule_inputs_close(&inputs);
}

/* One that a live correlation refers to is an input of that, too. */
static bool serves_hunts(const struct rule *rule, const struct rule_choice *choice)
{
    return choice->use >= RULE_HUNT && choice->reason != REASON_FILTER && is_for_hunting(rule);
}

void rule_select_serving(const struct rule_list *rules, enum rule_hunting hunting,
                         struct rule_choice *choices)
{
    if (hunting == HUNTING_WITHOUT)
        return;
    struct rule_inputs *inputs = rule_inputs_open(rules);
    for (uint32_t i = 0; i < rules->count; i++) {
        struct rule_choice *choice = &choices[i];
        if (serves_hunts(rules->rules[i], choice))
            *choice = choice_make(RULE_LIVE, REASON_HUNTING);
        else if (hunting == HUNTING_ONLY && choice->reason != REASON_FILTER)
            choice->use = RULE_OFF;
    }
    pull_all(inputs, rules, choices);
    rule_inputs_close(&inputs);
}

/* ---- why ---- */

static const char *const reason_texts[REASON_COUNT][2] = {
    [REASON_OWN] = {"of Canh's own rules", "thuộc bộ quy tắc của Canh"},
    [REASON_ENOUGH] = {"its status and level suffice", "đủ trạng thái và mức độ"},
    [REASON_FILTER] = {"a filter", "bộ lọc"},
    [REASON_INPUT] = {"needed by the correlation", "cần cho quy tắc tương quan"},
    [REASON_HUNTING] = {"written for hunting", "viết để rà soát, không để giám sát"},
    [REASON_DEPRECATED] = {"its author has withdrawn it (deprecated)",
                           "tác giả đã ngừng dùng (deprecated)"},
    [REASON_UNSUPPORTED] = {"its author says that it does not work (unsupported)",
                            "tác giả cho biết không dùng được (unsupported)"},
    [REASON_PACK] = {"its pack is not chosen in rules.select",
                     "bộ quy tắc không được chọn trong rules.select"},
    [REASON_STATUS] = {"its status", "trạng thái"},
    [REASON_LEVEL] = {"its level", "mức độ"},
    [REASON_INPUT_MISSING] = {"it refers to a rule that is not there or never works",
                              "tham chiếu một quy tắc không có hoặc không dùng được"}};

static void text_below(struct buf *out, const char *is, const char *least, bool vietnamese)
{
    if (vietnamese)
        buf_printf(out, " %s thấp hơn %s", *is ? is : "(không ghi)", least);
    else
        buf_printf(out, " %s is below %s", *is ? is : "(not stated)", least);
}

void rule_choice_text(struct buf *out, const struct rule_select *select,
                      const struct rule_list *rules, uint32_t rule,
                      const struct rule_choice *choice, bool vietnamese)
{
    const struct rule *r = rules->rules[rule];
    buf_string(out, reason_texts[choice->reason][vietnamese]);
    if (choice->reason == REASON_STATUS)
        text_below(out, rule_status_names[rule_status_of(r->status)],
                   rule_status_names[select->min_status], vietnamese);
    if (choice->reason == REASON_LEVEL)
        text_below(out, rule_level_names[r->level], rule_level_names[select->min_level],
                   vietnamese);
    if (choice->by == RULE_INPUT_MISSING)
        return;
    struct slice title = rules->rules[choice->by]->title;
    buf_string(out, ": ");
    buf_slice(out, title);
}
