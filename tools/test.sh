#!/bin/sh
# tools/test.sh: builds the release and sanitizer presets and runs their tests suite by suite (a
# suite is a ctest label). Prints seconds per suite; the last line is `N passed, N failed, N skipped`.
set -u
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}
seconds=
passed=0
failed=0
skipped=0

build() { # build PRESET: a build that fails counts as one failed test
    start=$(date +%s)
    if ! tools/build.sh "$1" >"build/$1-build.log" 2>&1; then
        tail -n 60 "build/$1-build.log"
        echo "build of preset $1 failed: build/$1-build.log"
        failed=$((failed + 1))
        return 1
    fi
    seconds="$seconds$(printf '%6d s  build %s' $(($(date +%s) - start)) "$1")
"
}

count() { # count FILE ATTRIBUTE: of the first <testsuite> of a JUnit file
    value=$(sed -n -e "s/^[ \t]*$2=\"\([0-9]*\)\".*/\1/p" \
        -e "s/.*<testsuite [^>]*[ \t]$2=\"\([0-9]*\)\".*/\1/p" "$1" 2>/dev/null | head -n 1)
    echo "${value:-0}"
}

suite() { # suite PRESET LABEL [CTEST OPTIONS...]
    preset=$1
    label=$2
    shift 2
    report=$PWD/build/$preset/junit-$label.xml
    rm -f "$report"
    start=$(date +%s)
    echo "== $preset: $label"
    ctest --test-dir "build/$preset" -L "^$label\$" -j "$jobs" --output-on-failure \
        --no-tests=ignore --no-label-summary --output-junit "$report" "$@" 2>&1 |
        grep -v -e '^Internal ctest' -e '^$' -e 'Start *[0-9]*:'
    seconds="$seconds$(printf '%6d s  %s %s' $(($(date +%s) - start)) "$preset" "$label")
"
    tests=$(count "$report" tests)
    bad=$(count "$report" failures)
    absent=$(($(count "$report" skipped) + $(count "$report" disabled)))
    if [ ! -s "$report" ]; then
        bad=1
        tests=1
    fi
    failed=$((failed + bad))
    skipped=$((skipped + absent))
    passed=$((passed + tests - bad - absent))
}

labels() { # labels PRESET: known ones in order, then the others
    all=$(ctest --test-dir "build/$1" --print-labels 2>/dev/null | sed -n 's/^  //p')
    for label in unit tidy fuzz golden sim cli; do
        echo "$all" | grep -x "$label"
    done
    echo "$all" | grep -v -x -e unit -e tidy -e fuzz -e golden -e sim -e cli -e tsan -e slow_asan -e ''
}

mkdir -p build
if build release; then
    for label in $(labels release); do
        suite release "$label"
    done
fi
if build asan; then
    ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:strict_string_checks=1}
    UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
    CANH_SIM_SEEDS=${CANH_SIM_SEEDS_ASAN:-120}
    export ASAN_OPTIONS UBSAN_OPTIONS CANH_SIM_SEEDS
    for label in $(labels asan | grep -v -x tidy); do
        suite asan "$label" -LE '^slow_asan$'
    done
fi
if ctest --test-dir build/release --print-labels 2>/dev/null | grep -q -x '  tsan'; then
    if build tsan; then
        suite tsan tsan
    fi
fi

echo
printf '%s' "$seconds"
if [ "$passed" = 0 ]; then
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
