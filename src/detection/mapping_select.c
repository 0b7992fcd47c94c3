/* Which mapping reads an event. Runs for every event: presence of a field is one load, and cases
 * that begin with the same field share it (struct mapping_gate). */
#include "detection/mapping_inside.h"

/* Most tests fail at the first byte. */
static inline bool head_differs(const struct mapping_test *test, struct slice text)
{
    return test->text.len && (text.len < test->text.len || text.data[0] != test->text.data[0]);
}

bool mapping_test_holds(const struct mapping_test *test, struct slice text)
{
    switch (test->kind) {
    case MAPPING_PRESENT:
        return true;
    case MAPPING_EQUALS:
        return !head_differs(test, text) && slice_equal(text, test->text);
    case MAPPING_STARTS:
        return !head_differs(test, text) && slice_starts(text, test->text);
    case MAPPING_ENDS:
        return slice_ends(text, test->text);
    case MAPPING_CONTAINS:
        return slice_find(text, test->text) != SLICE_NONE;
    case MAPPING_PATTERN:
        return !head_differs(test, text) && pattern_match(&test->pattern, text);
    }
    return false;
}

static bool condition_holds(const struct mapping_condition *condition, struct event *e)
{
    uint32_t field = event_first(e, condition->field.number);
    if (field == EVENT_NO_FIELD)
        return false;
    if (condition->tests[0].kind == MAPPING_PRESENT)
        return true;
    for (; field != EVENT_NO_FIELD; field = event_next(e, field)) {
        struct slice text = mapping_field_text(e, field);
        for (uint32_t i = 0; i < condition->test_count; i++)
            if (mapping_test_holds(&condition->tests[i], text))
                return true;
    }
    return false;
}

static bool case_holds(const struct mapping_case *one, struct event *e)
{
    for (uint32_t i = 0; i < one->count; i++)
        if (!condition_holds(&one->conditions[i], e))
            return false;
    return true;
}

bool mapping_cases_hold(const struct mapping_cases *cases, struct event *e)
{
    for (uint32_t i = 0; i < cases->count; i++)
        if (case_holds(&cases->items[i], e))
            return true;
    return cases->count == 0;
}

const struct mapping *mapping_select(const struct mapping_set *set, struct event *e)
{
    const struct mapping_inside *best = NULL;
    uint32_t best_rank = UINT32_MAX;
    for (uint32_t g = 0; g < set->gate_count; g++) {
        const struct mapping_gate *gate = &set->gates[g];
        if (gate->lowest_rank >= best_rank)
            break;
        if (event_first(e, gate->name) == EVENT_NO_FIELD)
            continue;
        for (uint32_t i = 0; i < gate->count && gate->entries[i].rank < best_rank; i++)
            if (case_holds(gate->entries[i].when, e)) {
                best = gate->entries[i].inside;
                best_rank = gate->entries[i].rank;
            }
    }
    return best ? &best->mapping : NULL;
}

bool mapping_finding(struct event *e)
{
    const struct mapping_inside *in = e->mapping ? e->mapping->inside : NULL;
    if (!in || !in->mapping.is_finding)
        return false;
    return in->finding_always || mapping_cases_hold(&in->finding, e);
}
