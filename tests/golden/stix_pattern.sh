#!/bin/sh
# STIX patterns against public vectors: what the OASIS matcher answered (pattern, observed data, match or
# error), what the OASIS validator accepts and refuses, the patterns of section 9.8 of the standard, and one
# pattern a property of every object. stix_differences.tsv lists what we answer otherwise, and why.
# usage: stix_pattern.sh CANH STIX_VECTORS SOURCE
set -eu
canh=$1 vectors=$2 source=$3 shared=${CANH_SHARED:-$3/../shared}
if [ ! -d "$shared/intel/patterns" ]; then
    echo "skipped: shared data not found"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
failed=0

compare() { # WHAT VECTORS
    if "$canh" intel pattern "$2" > "$work/answers" 2> "$work/err" &&
        "$vectors" compare "$2" "$work/answers" > "$work/out"; then
        echo "PASS $1: $(tail -n 1 "$work/out")"
    else
        echo "FAIL $1:"
        cat "$work/out" "$work/err"
        failed=1
    fi
}

check() { # WHAT STATUS ANSWER-OF-EVERY-LINE FILE
    status=0
    "$canh" intel pattern --check "$4" > "$work/answers" 2> "$work/err" || status=$?
    wanted=$(grep -c . "$4")
    found=$(grep -c "\"valid\":$3" "$work/answers" || true)
    if [ $status -eq "$2" ] && [ "$found" -eq "$wanted" ]; then
        echo "PASS $1: $found"
    else
        echo "FAIL $1: wanted $wanted and exit code $2, found $found and $status:"
        cat "$work/answers" "$work/err"
        failed=1
    fi
}

compare 'answers of the matcher' "$shared/intel/patterns/matcher-vectors.jsonl"
check 'accepted by the validator' 0 true "$shared/intel/patterns/syntax-valid.txt"
check 'refused by the validator' 1 false "$shared/intel/patterns/syntax-invalid.jsonl"
eval=$shared/intel/stix/pattern-eval
check 'section 9.8, level 1' 0 true "$eval/spec-section-9-8-level1.txt"
check 'section 9.8, levels 2 and 3' 0 true "$eval/spec-section-9-8-level23.txt"
"$vectors" manifest "$eval/sco-fields" "$source/tests/golden/stix_differences.tsv" > "$work/vectors"
compare 'properties of all objects' "$work/vectors"
exit $failed
