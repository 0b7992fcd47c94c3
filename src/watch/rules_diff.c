#include "watch/rules_diff.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"

struct side { /* one bundle */
    struct rules_load *load;
    struct rule_choice *choices;
    struct map text_of; /* pack/name to the hash of its text */
    struct map by_key;  /* id or title to the rule's number */
    struct arena arena;
};

static struct slice rule_key(const struct rule *rule)
{
    return rule->id.len ? rule->id : rule->title;
}

static int side_open(struct side *s, struct rules_load *load, const struct config_rules *config,
                     const struct bundle *bundle, struct rules_choice *choice, struct err *err)
{
    struct sigma_options options = {0};
    *s = (struct side){.load = load};
    int rc = rules_choice_open(choice, config, bundle, err);
    if (rc)
        return rc;
    rules_load_bundle(load, bundle, &options);
    s->choices = mem_zeroed(load->rules.count + 1u, sizeof(*s->choices));
    rule_select_all(&choice->select, &load->rules, s->choices);
    for (uint32_t i = 0; i < bundle->entry_count; i++) {
        const struct bundle_entry *e = &bundle->entries[i];
        struct slice name = arena_printf(&s->arena, "%.*s/%.*s", (int)e->pack.len, e->pack.data,
                                         (int)e->name.len, e->name.data);
        (void)map_put(&s->text_of, name, hash_slice(e->text, 0), NULL);
    }
    for (uint32_t i = 0; i < load->rules.count; i++)
        (void)map_put(&s->by_key, rule_key(load->rules.rules[i]), i, NULL);
    return ERR_OK;
}

static void side_close(struct side *s)
{
    map_free(&s->text_of);
    map_free(&s->by_key);
    arena_free(&s->arena);
}

static void item_add(struct rules_diff *d, enum rules_change change, const struct side *s,
                     uint32_t rule)
{
    d->items = mem_resize(d->items, d->count + 1u, sizeof(*d->items));
    d->items[d->count++] =
        (struct rules_diff_item){change, s->load->rules.rules[rule], s->choices[rule].use};
    d->counts[change]++;
}

static bool same_text(const struct side *a, const struct rule *x, const struct side *b,
                      const struct rule *y)
{
    const struct map_entry *p = map_find(&a->text_of, x->file), *q = map_find(&b->text_of, y->file);
    return p && q && p->value == q->value;
}

static void items_find(struct rules_diff *d, const struct side *old, const struct side *new)
{
    for (uint32_t i = 0; i < new->load->rules.count; i++)
        if (!map_find(&old->by_key, rule_key(new->load->rules.rules[i])))
            item_add(d, RULES_ADDED, new, i);
    for (uint32_t i = 0; i < new->load->rules.count; i++) {
        const struct rule *rule = new->load->rules.rules[i];
        const struct map_entry *known = map_find(&old->by_key, rule_key(rule));
        if (known && !same_text(new, rule, old, old->load->rules.rules[known->value]))
            item_add(d, RULES_CHANGED, new, i);
    }
    for (uint32_t i = 0; i < old->load->rules.count; i++)
        if (!map_find(&new->by_key, rule_key(old->load->rules.rules[i])))
            item_add(d, RULES_REMOVED, old, i);
}

int rules_diff_open(struct rules_diff *d, const struct config_rules *config,
                    const struct bundle *old, const struct bundle *new, struct err *err)
{
    struct rules_choice of_old = {0};
    struct side a = {0}, b = {0};
    *d = (struct rules_diff){0};
    int rc = side_open(&a, &d->old, config, old, &of_old, err);
    if (rc == ERR_OK)
        rc = side_open(&b, &d->new, config, new, &d->choice, err);
    if (rc == ERR_OK) {
        items_find(d, &a, &b);
        for (uint32_t i = 0; i < d->new.rules.count; i++)
            d->uses[b.choices[i].use]++;
        d->refused = d->new.refused_count;
    }
    d->uses_of = b.choices;
    mem_free(a.choices);
    side_close(&a);
    side_close(&b);
    rules_choice_close(&of_old);
    return rc;
}

void rules_diff_close(struct rules_diff *d)
{
    rules_load_free(&d->old);
    rules_load_free(&d->new);
    rules_choice_close(&d->choice);
    mem_free(d->items);
    mem_free(d->uses_of);
}

static void names_put(const struct rules_diff *d, enum rules_change change, uint32_t names_max,
                      bool vietnamese, struct buf *out)
{
    static const char *const heads[RULES_CHANGES][2] = {
        {"added", "thêm"}, {"changed", "sửa"}, {"removed", "bỏ"}};
    static const char *const uses[RULE_LIVE + 1][2] = {{"off", "tắt"},
                                                       {"hunt only", "chỉ rà soát"},
                                                       {"for a correlation", "cho tương quan"},
                                                       {"watches", "giám sát"}};
    uint32_t shown = 0;
    buf_printf(out, "%s: %u\n", heads[change][vietnamese], d->counts[change]);
    for (uint32_t i = 0; i < d->count; i++) {
        const struct rules_diff_item *item = &d->items[i];
        if (item->change != change || shown++ >= names_max)
            continue;
        buf_string(out, "  ");
        buf_slice(out, item->rule->title);
        buf_printf(out, " (%s)\n", uses[item->use][vietnamese]);
    }
    if (shown > names_max)
        buf_printf(out, vietnamese ? "  ... và %u quy tắc nữa\n" : "  ... and %u more\n",
                   shown - names_max);
}

void rules_diff_text(const struct rules_diff *d, uint32_t names_max, bool vietnamese,
                     struct buf *out)
{
    uint32_t shown = 0;
    for (int change = 0; change < RULES_CHANGES; change++)
        names_put(d, (enum rules_change)change, names_max, vietnamese, out);
    buf_printf(out, vietnamese ? "từ chối: %u\n" : "refused: %u\n", d->refused);
    for (uint32_t i = 0; i < d->new.problems.count; i++) {
        const struct problem *p = &d->new.problems.items[i];
        if (p->level != PROBLEM_ERROR || shown++ >= names_max)
            continue;
        buf_string(out, "  ");
        rules_load_problem_text(out, p, vietnamese);
    }
    buf_printf(out,
               vietnamese ? "tổng cộng: %u giám sát, %u cho tương quan, %u chỉ rà soát, %u tắt\n"
                          : "in all: %u watch, %u for correlations, %u hunt only, %u off\n",
               d->uses[RULE_LIVE], d->uses[RULE_INPUT], d->uses[RULE_HUNT], d->uses[RULE_OFF]);
}
