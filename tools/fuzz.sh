#!/bin/sh
# tools/fuzz.sh [NAME...]: runs each libFuzzer target (or those named) for FUZZ_SECONDS. New inputs
# stay under build/fuzz/corpus; an input that crashes is put into tests/fuzz/crashes/NAME, where it is
# a test from then on.
set -eu
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-60}
tools/build.sh fuzz
failed=
[ $# -gt 0 ] || set -- $(sed -n 's/^canh_fuzz(\([a-z0-9_]*\) .*/\1/p' tests/fuzz/tests.cmake)
for name in "$@"; do
    mkdir -p "build/fuzz/corpus/$name" "tests/fuzz/crashes/$name" "tests/fuzz/corpus/$name"
    echo "== $name: $seconds s"
    if ! "build/fuzz/tests/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="tests/fuzz/crashes/$name/" \
        "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" "tests/fuzz/crashes/$name" \
        >"build/fuzz/$name.log" 2>&1; then
        failed="$failed $name"
        tail -n 40 "build/fuzz/$name.log"
    else
        grep -h -e number_of_executed_units -e peak_rss_mb "build/fuzz/$name.log" || :
    fi
    rmdir "tests/fuzz/crashes/$name" 2>/dev/null || :
done
if [ -n "$failed" ]; then
    echo "crashed:$failed"
    exit 1
fi
echo "all targets ran $seconds s without a crash"
