/* Correlations of every kind fed with inputs read off the bytes: no crash, the caps hold, and
 * everything is let go at the end. */
#include <stdlib.h>

#include "unit/detection/correlate_build.h"

enum { ENTRIES_MAX = 60, GROUPS_MAX = 9 };

static void require(bool good)
{
    if (!good)
        abort();
}

static void build_rules(struct build *b, uint8_t kind, uint8_t op)
{
    (void)build_rule(b, "r0");
    (void)build_rule(b, "r1");
    struct correlation *c = build_correlation(b, "c", (enum correlation_kind)(kind % 7), "r0 r1 r0",
                                              kind & 128 ? "user" : "");
    c->percentile = kind & 64 ? 75 : -1;
    c->timespan_ns = (kind & 32 ? 1000000 : 20) * CLOCK_SECOND_NS;
    build_condition(c, (enum compare_op)(op % 6), (op >> 4) % 6);
    struct correlation *above =
        build_correlation(b, "above", CORRELATE_EVENT_COUNT, "c r1", kind & 128 ? "user" : "");
    build_condition(above, op & 128 ? COMPARE_GTE : COMPARE_LT, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct build b = {0};
    struct correlate_stats stats;
    static const char *const users[] = {"a", "A", "b", "", "c", NULL};
    static const char *const values[] = {"1", "-2.5", "1e22", "x", "", NULL};
    if (size < 2 || size > 4096)
        return 0;
    build_rules(&b, data[0], data[1]);
    require(build_open(&b, NULL) == ERR_OK);
    correlator_limit(b.correlator, ENTRIES_MAX, GROUPS_MAX);
    int64_t now = 0;
    for (size_t i = 2; i + 2 < size; i += 3) {
        now += data[i] & 128 ? (int64_t)1 << (data[i] & 31) : data[i] & 63;
        int64_t late = data[i] & 64 ? data[i + 1] * 4 : 0;
        if (now > INT64_MAX / CLOCK_SECOND_NS)
            now = 0;
        if (data[i + 1] == 255)
            build_tick(&b, now);
        else
            build_feed(&b, data[i + 1] & 1, now - late, users[data[i + 2] % 6],
                       values[data[i + 2] / 6 % 6]);
        correlate_stats(b.correlator, &stats);
        require(stats.entries <= ENTRIES_MAX && stats.groups <= GROUPS_MAX);
        buf_clear(&b.findings);
    }
    build_tick(&b, INT64_MAX);
    correlate_stats(b.correlator, &stats);
    require(stats.entries == 0 && stats.groups == 0);
    build_close(&b);
    return 0;
}
