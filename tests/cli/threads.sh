#!/bin/sh
# threads.sh CANH: several threads find what one finds, in the same order, with correlations, and
# with routes that are made while they run; also run under ThreadSanitizer.
. "$(dirname "$0")/expect.sh"

rule rule1 'First' high attack.t1059.001
rule rule2 'Second' low attack.execution
for number in 3 4 5 6; do
    rule rule$number "On Windows $number" medium attack.execution
    sed -i "s/^    category: test/    product: windows\n    category: process_creation/
        s/^        a: rule$number/        CommandLine|contains: rule$number/" rule$number.yml
done
cat >chain.yml <<'EOF'
title: Many of the first
id: 00000000-0000-4000-8000-00000000000a
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
        gte: 20
EOF
cat >few.yml <<'EOF'
title: Few different ones
id: 00000000-0000-4000-8000-00000000000b
level: low
correlation:
    type: value_count
    rules:
        - 00000000-0000-4000-8000-000000000002
    group-by:
        - user
    timespan: 5m
    condition:
        field: number
        lt: 9
EOF
# Log sources by turns, so that blocks meet some that no thread has seen yet.
awk 'BEGIN {
    for (i = 0; i < 40000; i++) {
        time = sprintf("2026-11-22T%02d:%02d:%02dZ", int(i / 3600) % 24, int(i / 60) % 60, i % 60)
        what = i % 7 == 0 ? "rule1" : i % 11 == 0 ? "rule2" : "other"
        text = "the quick brown fox jumps over the lazy dog and runs away from it again and again"
        printf "{\"time\":\"%s\",\"a\":\"%s\",\"user\":\"u%d\",\"number\":%d,\"text\":\"%s\"}\n",
            time, what, i % 3, i % 17, text
        if (i % 5 == 0)
            printf "{\"EventID\":%d,\"Channel\":\"%s\",\"Provider_Name\":\"P%d\",\"CommandLine\":\"x rule%d\"}\n",
                i % 2 ? 4688 : 1 + i % 30,
                i % 2 ? "Security" : "Microsoft-Windows-Sysmon/Operational",
                int(i / 500), 3 + int(i / 5) % 6
    }
}' >events.ndjson

same_as_one() { # same_as_one OPTIONS...: with 1, 2, 4 and 8 threads
    run "$canh" detect --rules . --threads 1 "$@"
    expect_code 0
    expect_out '"title":"Many of the first"'
    expect_out '"title":"Few different ones"'
    expect_out '"title":"On Windows 3"'
    mv out one
    for threads in 2 4 8; do
        run "$canh" detect --rules . --threads $threads "$@"
        expect_code 0
        cmp one out >/dev/null || fail "$threads threads found something else than one: $*"
    done
}

same_as_one --routing on events.ndjson
same_as_one --routing off events.ndjson
# many small files: small blocks, and a file of 40 lines does not wait for its neighbour
mkdir small
split -l 40 -a 4 --additional-suffix=.ndjson events.ndjson small/
same_as_one small
finish
