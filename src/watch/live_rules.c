#include "watch/live_rules.h"

#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "watch/rules_set.h"

void live_version_text(char out[LIVE_VERSION_BYTES], const struct digest *digest)
{
    struct buf text = {0};
    text_hex(&text, slice_make((const char *)digest->bytes, DIGEST_BYTES));
    memcpy(out, text.data, LIVE_VERSION_BYTES - 1);
    out[LIVE_VERSION_BYTES - 1] = '\0';
    buf_free(&text);
}

static void problems_tell(const struct live_rules *r)
{
    const struct detector *d = r->detectors[0];
    if (d->load.refused_count)
        log_say(LOG_WARNING, "rules", "%lu rules cannot be used: `canh rules check` says why",
                (unsigned long)d->load.refused_count);
    log_say(LOG_INFO, "rules", "%lu rules are loaded (%.*s)", (unsigned long)d->load.rules.count,
            LIVE_SHORT_BYTES, r->version);
    if (r->indicators.table)
        log_say(LOG_INFO, "indicators", "%llu indicators are looked for",
                (unsigned long long)indicator_table_count(r->indicators.table));
}

/* What cannot be read is told, and rules are held against events all the same. */
static void indicators_open(struct live_rules *r, const struct io_map *map)
{
    struct err err;
    r->indicators.map = *map;
    if (map->bytes.len == 0)
        return;
    if (indicator_table_open(&r->indicators.table, map->bytes, &err) != ERR_OK)
        log_err(LOG_WARNING, "indicators", &err);
}

static int detectors_open(struct live_rules *r, const struct live_bundle *from,
                          const struct live_detector *detectors, bool interpreted, struct err *err)
{
    struct rules_choice choice;
    int rc = rules_choice_open(&choice, from->config, &r->bundle, err);
    struct detector_bundle options = {
        .bundle = &r->bundle, .select = &choice.select, .interpreted = interpreted};
    for (uint32_t i = 0; i < r->detector_count && rc == ERR_OK; i++) {
        struct detector *d = r->detectors[i] = mem_zeroed(1, sizeof(*d));
        options.source = detectors[i].configured;
        options.zone = detectors[i].clock;
        rc = detector_open_bundle(d, &options, err);
    }
    rules_choice_close(&choice);
    return rc;
}

int live_rules_open(struct live_rules **out, const struct live_bundle *from,
                    const struct live_detector *detectors, uint32_t count, bool interpreted,
                    struct err *err)
{
    uint64_t began_ns = clock_monotonic_ns();
    struct live_rules *r = mem_zeroed(1, sizeof(*r));
    check(count > 0 && count <= LIVE_DETECTORS_MAX);
    r->detector_count = count;
    atomic_store(&r->uses, 1);
    buf_slice(&r->bytes, from->bytes);
    indicators_open(r, &from->indicators);
    int rc = bundle_open(&r->bundle, buf_as_slice(&r->bytes), err);
    live_version_text(r->version, &r->bundle.digest);
    if (rc == ERR_OK)
        rc = detectors_open(r, from, detectors, interpreted, err);
    if (rc) {
        live_rules_unuse(&r);
        return rc;
    }
    uint64_t parts[] = {hash_bytes(r->version, sizeof(r->version), 0),
                        mapping_set_fingerprint(r->detectors[0]->mappings),
                        r->detectors[0]->load.rules.count};
    r->fingerprint = hash_bytes(parts, sizeof(parts), 0);
    finding_rules_open(&r->rules, &r->detectors[0]->load.rules);
    r->burden = rule_burden_open(r->detectors[0]->load.rules.count, clock_monotonic_ns);
    r->compile_ns = clock_monotonic_ns() - began_ns;
    problems_tell(r);
    *out = r;
    return ERR_OK;
}

struct live_rules *live_rules_use(struct live_rules *r)
{
    (void)atomic_fetch_add(&r->uses, 1);
    return r;
}

void live_rules_unuse(struct live_rules **rules)
{
    struct live_rules *r = *rules;
    *rules = NULL;
    if (!r || atomic_fetch_sub(&r->uses, 1) > 1)
        return;
    intel_store_close_table(&r->indicators);
    finding_rules_close(&r->rules);
    for (uint32_t i = 0; i < r->detector_count; i++) {
        if (r->detectors[i])
            detector_close(r->detectors[i]);
        mem_free(r->detectors[i]);
    }
    rule_burden_close(&r->burden);
    bundle_close(&r->bundle);
    buf_free(&r->bytes);
    mem_free(r);
    mem_give_back();
}

static struct slice rule_key(const struct rule *rule)
{
    return rule->id.len ? rule->id : rule->title;
}

uint32_t live_rules_number(const struct live_rules *of, uint32_t rule, const struct live_rules *in)
{
    const struct rule_list *from = &of->rules.all, *to = &in->rules.all;
    struct slice key = rule_key(from->rules[rule]);
    if (rule < to->count && slice_equal(rule_key(to->rules[rule]), key))
        return rule;
    for (uint32_t i = 0; i < to->count; i++)
        if (slice_equal(rule_key(to->rules[i]), key))
            return i;
    return RULE_INPUT_MISSING;
}
