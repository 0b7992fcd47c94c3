/* Which rules work live, in hunts, or not at all; the counts over SigmaHQ's rules where they are.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "detection/rule_select.h"
#include "formats/archive.h"
#include "sigma_case.h"

enum { RULES_MAX = 5000 };

/* Counted apart, by a program of a few lines over status, level, tags and folders. */
enum { SIGMAHQ_LIVE = 1714, SIGMAHQ_HUNT = 141, SIGMAHQ_STATUS = 305, SIGMAHQ_LEVEL = 1592 };

static struct sigma_case c;
static struct rule_choice choices[RULES_MAX];
static const struct rule_pack packs[] = {
    {SLICE("canh"), SLICE("rules/"), true},
    {SLICE("sigmahq"), SLICE("packs/sigmahq/"), false},
    {SLICE("extra"), SLICE("packs/sigmahq/extra/"), false},
};
static struct rule_select select_as; /* as the setting says */

static int setup(void **state)
{
    (void)state;
    select_as = (struct rule_select){.packs = packs,
                                     .pack_count = 3,
                                     .min_status = RULE_SELECT_STATUS_DEFAULT,
                                     .min_level = RULE_SELECT_LEVEL_DEFAULT};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    case_free(&c);
    return 0;
}

static void add(const char *file, const char *id, const char *more)
{
    struct buf text = {0};
    buf_printf(&text, "title: %s\nid: %s\nlogsource: {product: p}\n%s\n", id, id, more);
    struct sigma_options options = {0};
    if (!strstr(more, "correlation:") && !strstr(more, "filter:"))
        buf_string(&text, "detection:\n  s:\n    a: 1\n  condition: s\n");
    assert_int_equal(sigma_read(&c.rules, &c.problems, slice_from(file), buf_as_slice(&text),
                                &options, &c.arena),
                     0);
    buf_free(&text);
}

static uint32_t number_of(const char *id)
{
    for (uint32_t i = 0; i < c.rules.count; i++)
        if (slice_equal(c.rules.rules[i]->id, slice_from(id)))
            return i;
    fail_msg("no rule %s", id);
    return 0;
}

static void assert_choice(const char *id, enum rule_use use, const char *why)
{
    uint32_t rule = number_of(id);
    struct buf text = {0};
    rule_choice_text(&text, &select_as, &c.rules, rule, &choices[rule], false);
    if (choices[rule].use != use || !strstr(buf_text(&text), why))
        print_error("%s: %d, %s\n", id, (int)choices[rule].use, buf_text(&text));
    assert_int_equal(choices[rule].use, use);
    assert_non_null(strstr(buf_text(&text), why));
    buf_clear(&text);
    rule_choice_text(&text, &select_as, &c.rules, rule, &choices[rule], true);
    assert_true(text.len > 0);
    buf_free(&text);
}

static void add_examples(void)
{
    add("rules/linux/a.yml", "own", "status: experimental\nlevel: low");
    add("rules/linux/a.yml", "own-old", "status: deprecated\nlevel: high");
    add("rules/linux/a.yml", "own-hunt", "level: low\ntags: [detection.threat-hunting]");
    add("packs/sigmahq/rules/a.yml", "good", "status: test\nlevel: high");
    add("packs/sigmahq/rules-emerging-threats/a.yml", "best", "status: stable\nlevel: critical");
    add("packs/sigmahq/rules/a.yml", "young", "status: experimental\nlevel: critical");
    add("packs/sigmahq/rules/a.yml", "mild", "status: stable\nlevel: medium");
    add("packs/sigmahq/rules/a.yml", "silent", "description: says neither");
    add("packs/sigmahq/rules/a.yml", "broken", "status: unsupported\nlevel: high");
    add("packs/sigma.zip!rules-threat-hunting/a.yml", "hunt", "status: test\nlevel: high");
    add("packs/sigmahq/extra/rules-threat-hunting.yml", "extra", "status: test\nlevel: high");
}

static void by_default_the_own_pack_and_what_is_tested_and_grave(void **state)
{
    (void)state;
    add_examples();
    rule_select_all(&select_as, &c.rules, choices);
    assert_choice("own", RULE_LIVE, "Canh's own");
    assert_choice("own-old", RULE_OFF, "deprecated");
    assert_choice("own-hunt", RULE_HUNT, "hunting");
    assert_choice("good", RULE_LIVE, "suffice");
    assert_choice("best", RULE_LIVE, "suffice");
    assert_choice("young", RULE_OFF, "its status experimental is below test");
    assert_choice("mild", RULE_OFF, "its level medium is below high");
    assert_choice("silent", RULE_OFF, "its status (not stated) is below test");
    assert_choice("broken", RULE_OFF, "unsupported");
    assert_choice("hunt", RULE_HUNT, "hunting");
    assert_choice("extra", RULE_LIVE, "suffice");
}

static void the_setting_moves_the_limits(void **state)
{
    (void)state;
    struct slice only[] = {SLICE("sigmahq")};
    add_examples();
    select_as.min_status = STATUS_EXPERIMENTAL;
    select_as.min_level = LEVEL_MEDIUM;
    select_as.chosen = (struct slice_list){only, 1};
    rule_select_all(&select_as, &c.rules, choices);
    assert_choice("own", RULE_LIVE, "Canh's own");
    assert_choice("young", RULE_LIVE, "suffice");
    assert_choice("mild", RULE_LIVE, "suffice");
    assert_choice("broken", RULE_OFF, "unsupported");
    assert_choice("extra", RULE_OFF, "not chosen");
    assert_choice("hunt", RULE_OFF, "not chosen"); /* of no pack */
    select_as.min_status = STATUS_NONE;
    select_as.min_level = LEVEL_NONE;
    rule_select_all(&select_as, &c.rules, choices);
    assert_choice("silent", RULE_LIVE, "suffice");
    assert_choice("broken", RULE_OFF, "unsupported");
}

#define CORRELATION(rules)                                                                         \
    "\ncorrelation:\n  type: temporal\n  rules: [" rules "]\n  group-by: [u]\n  timespan: 1m"

static void correlations_bring_what_they_refer_to(void **state)
{
    (void)state;
    add_examples();
    add("rules/a.yml", "both", "level: high" CORRELATION("mild, good"));
    add("rules/a.yml", "outer", "level: high" CORRELATION("inner, best"));
    add("packs/sigmahq/rules/a.yml", "inner", "level: low" CORRELATION("young"));
    add("packs/sigmahq/rules/a.yml", "unused", "level: low" CORRELATION("silent"));
    add("rules/a.yml", "blind", "level: high" CORRELATION("good, broken"));
    add("rules/a.yml", "blinder", "level: high" CORRELATION("blind"));
    add("rules/a.yml", "lost", "level: high" CORRELATION("nowhere"));
    add("rules/a.yml", "curious",
        "level: high\ntags: [detection.threat-hunting]" CORRELATION("silent, hunt"));
    rule_select_all(&select_as, &c.rules, choices);
    assert_choice("both", RULE_LIVE, "Canh's own");
    assert_choice("mild", RULE_INPUT, "needed by the correlation: both");
    assert_choice("good", RULE_LIVE, "suffice");
    assert_choice("inner", RULE_INPUT, "needed by the correlation: outer");
    assert_choice("young", RULE_INPUT, "needed by the correlation: inner");
    assert_choice("unused", RULE_OFF, "status");
    assert_choice("blind", RULE_OFF, "never works: broken");
    assert_choice("blinder", RULE_OFF, "never works: blind");
    assert_choice("lost", RULE_OFF, "not there");
    assert_choice("curious", RULE_HUNT, "hunting");
    assert_choice("silent", RULE_HUNT, "needed by the correlation: curious");
}

static void assert_use(const char *id, enum rule_use use)
{
    if (choices[number_of(id)].use != use)
        fail_msg("%s: %d", id, (int)choices[number_of(id)].use);
}

static void hunts_by(enum rule_hunting hunting)
{
    rule_select_all(&select_as, &c.rules, choices);
    rule_select_serving(&c.rules, hunting, choices);
}

static void hunts_are_with_or_without_or_by_hunting_rules_alone(void **state)
{
    (void)state;
    add_examples();
    add("rules/a.yml", "both", "level: high" CORRELATION("mild, own-hunt"));
    add("rules/a.yml", "curious",
        "level: high\ntags: [detection.threat-hunting]" CORRELATION("between, good"));
    add("packs/sigmahq/rules/a.yml", "between", "level: low" CORRELATION("silent"));
    add("tuning/a.yml", "mine", "filter: {rules: [good], s: {a: 1}, condition: s}");
    hunts_by(HUNTING_WITHOUT);
    assert_use("own", RULE_LIVE);
    assert_use("mild", RULE_INPUT);
    assert_use("own-hunt", RULE_INPUT);
    assert_use("hunt", RULE_HUNT); /* not at all */
    assert_use("curious", RULE_HUNT);
    hunts_by(HUNTING_WITH);
    assert_use("own", RULE_LIVE);
    assert_use("good", RULE_LIVE);
    assert_use("mild", RULE_INPUT);
    assert_use("own-hunt", RULE_LIVE);
    assert_use("hunt", RULE_LIVE);
    assert_use("curious", RULE_LIVE);
    assert_use("between", RULE_INPUT);
    assert_use("silent", RULE_INPUT);
    assert_use("own-old", RULE_OFF);
    assert_use("young", RULE_OFF);
    hunts_by(HUNTING_ONLY);
    assert_use("own", RULE_OFF);
    assert_use("both", RULE_OFF);
    assert_use("mild", RULE_OFF);
    assert_use("own-hunt", RULE_LIVE);
    assert_use("hunt", RULE_LIVE);
    assert_use("curious", RULE_LIVE);
    assert_use("good", RULE_INPUT);
    assert_use("between", RULE_INPUT);
    assert_use("silent", RULE_INPUT);
    assert_use("mine", RULE_LIVE);
}

static void tuning_always_works_and_a_packs_filters_with_their_pack(void **state)
{
    (void)state;
    static const char filter[] = "filter: {rules: [good], s: {a: 1}, condition: s}";
    struct slice only[] = {SLICE("sigmahq")};
    add_examples();
    add("tuning/a.yml", "mine", filter);
    add("packs/sigmahq/a.yml", "theirs", filter);
    add("packs/sigmahq/extra/a.yml", "others", filter);
    select_as.chosen = (struct slice_list){only, 1};
    rule_select_all(&select_as, &c.rules, choices);
    assert_choice("mine", RULE_LIVE, "filter");
    assert_choice("theirs", RULE_LIVE, "filter");
    assert_choice("others", RULE_OFF, "not chosen");
}

static void statuses_are_read_in_any_case(void **state)
{
    (void)state;
    assert_int_equal(rule_status_of(SLICE("Stable")), STATUS_STABLE);
    assert_int_equal(rule_status_of(SLICE("testing")), STATUS_NONE);
    assert_int_equal(rule_status_of(SLICE("")), STATUS_NONE);
}

/* ---- SigmaHQ's own rules ---- */

static int64_t read_fd(void *context, char *to, size_t room, struct err *err)
{
    ssize_t got = read(*(int *)context, to, room);
    return got < 0 ? err_set(err, ERR_IO, "cannot read") : (int64_t)got;
}

static void read_member(struct archive_stream *a, struct slice name)
{
    char room[65536];
    struct buf text = {0}, path = {0};
    int64_t got;
    while ((got = archive_read(a, room, sizeof(room), NULL)) > 0)
        buf_append(&text, room, (size_t)got);
    assert_int_equal(got, 0);
    buf_printf(&path, "packs/sigmahq/%.*s", (int)name.len, name.data);
    (void)sigma_read(&c.rules, &c.problems, arena_copy(&c.arena, buf_as_slice(&path)),
                     buf_as_slice(&text), NULL, &c.arena);
    buf_free(&text);
    buf_free(&path);
}

static void of_sigmahq_the_tested_and_grave_ones_are_live(void **state)
{
    (void)state;
    char path[4096];
    const char *shared = getenv("CANH_SHARED");
    (void)snprintf(path, sizeof(path), "%s/sigma/sigmahq-rules-8eaafff1.tar.zst",
                   shared ? shared : CANH_SOURCE "/../shared");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        print_message("skipped: shared data not found\n");
        skip();
    }
    struct archive_source source = {.context = &fd, .read = read_fd};
    struct archive_stream *a;
    struct slice name;
    assert_int_equal(archive_open(&a, &source, NULL), ERR_OK);
    while (archive_next(a, &name, NULL) == ERR_OK)
        if (slice_ends(name, SLICE(".yml")) && !slice_ends(name, SLICE("thor.yml")))
            read_member(a, name);
    archive_close(&a);
    (void)close(fd);
    rule_select_all(&select_as, &c.rules, choices);
    uint32_t uses[RULE_LIVE + 1] = {0}, reasons[REASON_COUNT] = {0};
    for (uint32_t i = 0; i < c.rules.count; i++) {
        uses[choices[i].use]++;
        reasons[choices[i].reason]++;
    }
    print_message("live %u, hunt %u, off %u (status %u, level %u)\n", uses[RULE_LIVE],
                  uses[RULE_HUNT], uses[RULE_OFF], reasons[REASON_STATUS], reasons[REASON_LEVEL]);
    assert_int_equal(uses[RULE_LIVE], SIGMAHQ_LIVE);
    assert_int_equal(uses[RULE_HUNT], SIGMAHQ_HUNT);
    assert_int_equal(reasons[REASON_STATUS], SIGMAHQ_STATUS);
    assert_int_equal(reasons[REASON_LEVEL], SIGMAHQ_LEVEL);
    assert_int_equal(uses[RULE_INPUT], 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(by_default_the_own_pack_and_what_is_tested_and_grave),
        CASE(the_setting_moves_the_limits),
        CASE(correlations_bring_what_they_refer_to),
        CASE(hunts_are_with_or_without_or_by_hunting_rules_alone),
        CASE(tuning_always_works_and_a_packs_filters_with_their_pack),
        CASE(statuses_are_read_in_any_case),
        CASE(of_sigmahq_the_tested_and_grave_ones_are_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
