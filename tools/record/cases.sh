#!/bin/sh
# Writes the references (*.ref) of rules/tests/ to those recorded events in samples/ that cases.tsv names.
# Usage: cases.sh [SOURCE_FOLDER]. Run it again when a sample was recorded anew: lines chosen by words are named
# by number. References without the mark below stand there by hand and are left alone.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=${1:-$here/../..}
tests=$source/rules/tests
mark='# made by tools/record/cases.sh from cases.tsv'
tab=$(printf '\t')
new=$(mktemp)
trap 'rm -f "$new" "$new.lines"' EXIT

# ranges FILE: line numbers on the standard input as references to their ranges, not too many on a line
ranges() {
    awk -v file="$1" '
        function give() {
            item = first == last ? first : first "-" last
            if (length(line) + length(item) > 110) { print line; line = "" }
            line = (line == "" ? file " " : line ",") item
        }
        NR > 1 && $1 == last + 1 { last = $1; next }
        NR > 1 { give() }
        { first = last = $1 }
        END { if (NR) { give(); print line } }'
}

find "$tests" -name '*.ref' -exec grep -qxF "$mark" {} \; -delete
while IFS=$tab read -r rule kind sample words; do
    case $rule in '#'* | '') continue ;; esac
    log=${sample##*/}
    mkdir -p "$tests/$rule"
    target=$tests/$rule/$kind-${sample%/*}-${log%.log}.ref
    [ -f "$source/samples/$sample" ] || { echo "$rule: no sample $sample" >&2; exit 1; }
    [ ! -e "$target" ] || { echo "$rule: $target is there already" >&2; exit 1; }
    file=../../../samples/$sample
    echo "$mark" > "$new"
    if [ -n "$words" ]; then
        echo "# lines with $words" >> "$new"
        grep -nE "$words" "$source/samples/$sample" | cut -d: -f1 | ranges "$file" > "$new.lines"
        [ -s "$new.lines" ] || { echo "$rule: no line of $sample has $words" >&2; exit 1; }
        cat "$new.lines" >> "$new"
    else
        echo "$file" >> "$new"
    fi
    cat "$new" > "$target"
done < "$here/cases.tsv"
