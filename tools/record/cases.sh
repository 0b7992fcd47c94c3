#!/bin/sh
# Copies the recorded events that cases.tsv names from samples/ to rules/tests/<rule>/.
# Usage: cases.sh SAMPLES_DIR TESTS_DIR. Files that stand there by hand (*.ref) are left alone.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
samples=${1:?usage: cases.sh SAMPLES_DIR TESTS_DIR}
tests=${2:?usage: cases.sh SAMPLES_DIR TESTS_DIR}
tab=$(printf '\t')
missing=0

grep -v '^#' "$here/cases.tsv" | while IFS=$tab read -r rule kind sample words; do
    scenario=${sample%/*} log=${sample##*/}
    case $log in *.log) ;; *) log=$log.log ;; esac
    mkdir -p "$tests/$rule"
    target=$tests/$rule/$kind-$scenario-$log
    if [ ! -f "$samples/$sample" ]; then
        echo "$rule: no sample $sample" >&2
        missing=1
        continue
    fi
    if [ -n "$words" ]; then
        grep -E "$words" "$samples/$sample" > "$target"
    else
        cp "$samples/$sample" "$target"
    fi
    chmod 644 "$target"
done
[ "$missing" = 0 ]
