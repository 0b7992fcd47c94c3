#!/bin/sh
# threads.sh CANH: several threads find what one finds, in the same order; also run under
# ThreadSanitizer.
. "$(dirname "$0")/expect.sh"

rule rule1 'First' high attack.t1059.001
rule rule2 'Second' low attack.execution
cat >chain.yml <<'EOF'
title: Many of the first
id: 00000000-0000-4000-8000-000000000009
level: critical
correlation:
    type: event_count
    rules:
        - 00000000-0000-4000-8000-000000000001
    group-by:
        - user
    timespan: 10m
    generate: true
    condition:
        gte: 50
EOF
awk 'BEGIN {
    for (i = 0; i < 40000; i++)
        printf "{\"time\":\"2026-11-22T%02d:%02d:%02dZ\",\"a\":\"%s\",\"user\":\"u%d\",\"text\":\"%s\"}\n",
            int(i / 3600) % 24, int(i / 60) % 60, i % 60,
            i % 7 == 0 ? "rule1" : i % 11 == 0 ? "rule2" : "other", i % 3,
            "the quick brown fox jumps over the lazy dog and runs away from it again and again"
}' >events.ndjson

run "$canh" detect --rules . --threads 1 events.ndjson
expect_code 0
expect_out '"events":['
mv out one
run "$canh" detect --rules . --threads 4 events.ndjson
expect_code 0
cmp one out >/dev/null || fail "four threads found something else than one"
finish
