#!/bin/sh
# Runs the rule pack over the shared events and the recorded benign day and writes the table of docs/rules.md.
# Usage: rules_table.sh [CANH_BINARY [SHARED_DIR]]
# Needs: the program (default build/release/canh), the shared data (default $CANH_SHARED or ../shared), zstd, tar.
# False hits are the hits on the benign day and those hits that rules/tests/false.tsv judges so (rule, file, line).
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
canh=${1:-$root/build/release/canh}
shared=${2:-${CANH_SHARED:-$root/../shared}}
document=$root/docs/rules.md
[ -x "$canh" ] || { echo "no program at $canh: build it first" >&2; exit 2; }
[ -d "$shared/events" ] || { echo "skipped: shared data not found" >&2; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"

# detect NAME PATH: findings of the pack as NAME.nd, and their number by rule file, `STEM COUNT`, as NAME.n
detect() {
    "$canh" detect -q --rules rules --stats "$2" > "$work/$1.nd" 2> "$work/$1.stats" || true
    sed -n 's/.*"source":"\([^"]*\)".*/\1/p' "$work/$1.nd" | sed 's,.*/,,; s,\.yml$,,' |
        sort | uniq -c | awk '{ print $2, $1 }' > "$work/$1.n"
}
# events NAME: how many events that run read
events() { sed -n 's/.*"events":\([0-9]*\).*/\1/p' "$work/$1.stats" | tail -n 1; }
count() { awk -v rule="$2" '$1 == rule { n = $2 } END { print n + 0 }' "$work/$1.n"; }

# judged RULE: its hits that false.tsv lists
judged() {
    grep "^$1	" rules/tests/false.tsv 2> /dev/null | while IFS='	' read -r rule file line why; do
        grep "/$rule\.yml\"" "$work"/otrf.nd "$work"/evtx.nd "$work"/cloud.nd |
            grep -F "$file" | grep -c "\"line\":$line[,}]" || true
    done | awk '{ n += $1 } END { print n + 0 }'
}

detect otrf "$shared/events/otrf-windows.ndjson.zst"
detect evtx "$shared/events/evtx-mitre-dev.tar.zst"
detect cloud "$shared/events/aws-cloudtrail-dev.tar.zst"
detect benign samples/benign
detect regression "$shared/sigma/golden/regression-dev.ndjson.zst"
detect samples samples

{
    echo "Figures of $(date -u +%Y-%m-%d), $(ls rules/*/*.yml | wc -l) rule files. Events read: OTRF $(events otrf), EVTX $(events evtx)," \
        "CloudTrail $(events cloud), regression $(events regression), samples $(events samples) (of these benign $(events benign))."
    echo
    echo "| rule | title | level | ATT&CK | positives | OTRF | EVTX | CloudTrail | regression | samples | benign | false |"
    echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for file in rules/*/*.yml; do
        stem=$(basename "$file" .yml)
        title=$(sed -n '1s/^title: //p' "$file")
        level=$(sed -n 's/^level: //p' "$file" | head -n 1)
        attack=$(sed -n 's/^tags: \[\(.*\)\]/\1/p' "$file" | head -n 1 | tr ',' '\n' | sed -n 's/^ *attack\.t/T/p' | tr '\n' ' ')
    recorded=$(grep -l '^\.\./\.\./\.\./samples/' "rules/tests/$stem"/positive*.ref 2> /dev/null | wc -l)
    referred=$(grep -L '^\.\./\.\./\.\./samples/' "rules/tests/$stem"/positive*.ref 2> /dev/null | wc -l)
        source=none
        [ "$recorded" -gt 0 ] && source=recorded
        [ "$referred" -gt 0 ] && source=shared
        benign=$(count benign "$stem")
        echo "| $stem | $title | $level | $attack| $source | $(count otrf "$stem") | $(count evtx "$stem") |" \
            "$(count cloud "$stem") | $(count regression "$stem") | $(($(count samples "$stem") - benign)) | $benign | $((benign + $(judged "$stem"))) |"
    done
} > "$work/table"

awk -v table="$work/table" '
    /^<!-- table -->$/ { print; while ((getline line < table) > 0) print line; skip = 1; next }
    /^<!-- end of table -->$/ { skip = 0 }
    !skip { print }' "$document" > "$work/document"
cat "$work/document" > "$document"
