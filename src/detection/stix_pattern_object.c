#include "detection/stix_pattern_inside.h"

enum { MEMBERS_A_STEP = 8 }; /* looked through for one step of the match */

struct walk {
    struct stix_trial *trial;
    const struct stix_comparison *term;
    const struct stix_observation *from;
};

static int walk_on(const struct walk *w, const struct stix_step *step,
                   const struct stix_value *value, struct slice name);

/* Looking through the members of an object has its price. */
static int members_spend(const struct walk *w, const struct stix_value *object)
{
    return stix_trial_spend(w->trial, 1 + (object ? object->count / MEMBERS_A_STEP : 0));
}

static int walk_key(const struct walk *w, const struct stix_step *step,
                    const struct stix_value *value, struct slice name)
{
    int code = ERR_OK;
    if (value->kind == STIX_STRING &&
        (slice_ends(name, SLICE("_ref")) || slice_ends(name, SLICE("_refs")))) {
        code = members_spend(w, w->from->by_key);
        value = stix_observations_find(w->trial->observations, w->from, value->as.text);
    }
    if (code == ERR_OK)
        code = members_spend(w, value);
    if (code)
        return code;
    const struct stix_value *member = stix_object_member(value, step->key);
    return member ? walk_on(w, step->next, member, step->key) : 0;
}

static int walk_members(const struct walk *w, const struct stix_step *step,
                        const struct stix_value *value, struct slice name)
{
    uint64_t i = 0;
    if (value->kind == STIX_OBJECT ? step->kind != STEP_ALL : value->kind != STIX_LIST)
        return 0;
    int code = members_spend(w, value);
    for (const struct stix_value *m = value->as.members; m && code == 0; m = m->next, i++) {
        if (step->kind == STEP_INDEX && step->index != i)
            continue;
        code = walk_on(w, step->next, m, value->kind == STIX_OBJECT ? m->key : name);
    }
    return code;
}

/* Follows the path from a value on: 1 when one of the values at its end satisfies the term. */
static int walk_on(const struct walk *w, const struct stix_step *step,
                   const struct stix_value *value, struct slice name)
{
    if (!step)
        return stix_term_holds(w->trial, w->term, value, name);
    return step->kind == STEP_KEY ? walk_key(w, step, value, name)
                                  : walk_members(w, step, value, name);
}

static int term_holds(struct stix_trial *trial, const struct stix_comparison *term,
                      const struct stix_observation *from, const struct stix_value *object)
{
    struct walk w = {trial, term, from};
    int code = stix_trial_spend(trial, 1);
    if (code || !slice_equal(stix_object_text(object, SLICE("type")), term->type))
        return code;
    code = walk_on(&w, term->steps, object, SLICE(""));
    if (code >= 0 && term->op == OPERATOR_EXISTS)
        return (code != 0) != term->negated;
    return code;
}

int stix_comparison_holds(struct stix_trial *trial, const struct stix_comparison *comparison,
                          const struct stix_observation *from, const struct stix_value *object)
{
    if (comparison->kind == COMPARISON_TERM)
        return term_holds(trial, comparison, from, object);
    int enough = comparison->kind == COMPARISON_OR, code = !enough;
    for (const struct stix_comparison *c = comparison->children; c; c = c->next) {
        code = stix_comparison_holds(trial, c, from, object);
        if (code < 0 || code == enough)
            break;
    }
    return code;
}
