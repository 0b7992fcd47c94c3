#!/bin/sh
# The real Windows events into a store, and out again: hunting with all SigmaHQ rules finds what
# `detect` finds on the file, before and after a merge; hunting with the shared indicators finds what
# `detect --indicators` finds; searches count what grep counts in the file; an export is the file's
# events again; nothing in the store was changed.
# usage: store.sh CANH SOURCE
set -eu
canh=$1 shared=${CANH_SHARED:-$2/../shared}
if [ ! -f "$shared/events/otrf-windows.ndjson.zst" ]; then
    echo "skipped: shared data not found"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
store=$work/store
failed=0
mkdir "$work/rules"
tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/rules" --strip-components=1
rules="--rules $work/rules/rules --rules $work/rules/rules-emerging-threats --rules $work/rules/rules-threat-hunting"
zstd -dqc --long=27 "$shared/events/otrf-windows.ndjson.zst" > "$work/events.ndjson"
events=$(wc -l < "$work/events.ndjson")

fail() {
    echo "FAILED: $1"
    failed=1
}

# shellcheck disable=SC2086
"$canh" import -q --data "$store" $rules --timezone UTC "$work/events.ndjson" > "$work/summary"
grep -q "\"events\":$events," "$work/summary" || fail "not all $events events were imported: $(cat "$work/summary")"

findings() { # NDJSON findings without the numbers of stored events, sorted
    sed 's/"id":"1:[0-9]*",//g' | LC_ALL=C sort
}
# shellcheck disable=SC2086
"$canh" detect -q $rules -o ndjson "$work/events.ndjson" | findings > "$work/detect"
hunt() { # WHEN
    # shellcheck disable=SC2086
    "$canh" hunt -q --data "$store" $rules -o ndjson | findings > "$work/hunt"
    cmp -s "$work/detect" "$work/hunt" || fail "hunt $1 differs from detect:
$(diff "$work/detect" "$work/hunt" | head -n 4 | cut -c 1-300)"
}
hunt "after the seal"
stored=$("$canh" search -q --data "$store" -o csv --partition _findings '* | stats count()' | tail -n 1 | tr -d '\r"')
[ "$stored" = "$(wc -l < "$work/detect")" ] || fail "$stored findings are stored, detect has $(wc -l < "$work/detect")"
"$canh" store merge -q --data "$store" > /dev/null
hunt "after the merge"
echo "$(wc -l < "$work/detect") findings, the same live and in history"

# indicators: the addresses of the events themselves, so that there is something to be found
"$canh" search -q --data "$store" -o csv '* | top 50 DestinationIp' | tail -n +2 | sed 's/,.*//; s/"//g' |
    grep -E '^[0-9]+\.[0-9.]+$' > "$work/seen.txt"
"$canh" intel import -q --data "$store" "$work/seen.txt" "$shared"/intel/indicators/maltrail-*.tsv.gz \
    "$shared/intel/indicators/ipsum.tsv.gz" > "$work/intel" 2>/dev/null || true
table=$store/intel/indicators.table
"$canh" detect -q --indicators "$table" -o ndjson "$work/events.ndjson" | findings > "$work/detect"
"$canh" hunt -q --data "$store" --indicators "$table" -o ndjson | findings > "$work/hunt"
cmp -s "$work/detect" "$work/hunt" || fail "indicator hunt differs from detect: $(wc -l < "$work/detect") and $(wc -l < "$work/hunt")"
[ -s "$work/detect" ] || fail "no indicator was found at all"
echo "$(wc -l < "$work/detect") indicator hits, the same live and in history"

count() { # QUERY
    "$canh" search -q --data "$store" -o csv "$1 | stats count()" | tail -n 1 | tr -d '\r"'
}
same() { # QUERY EXPECTED
    got=$(count "$1")
    [ "$got" = "$2" ] || fail "search '$1' counts $got, the file has $2"
}
same '*' "$events"
same 'mimikatz' "$(grep -c -i 'mimikatz' "$work/events.ndjson")"
same 'GrantedAccess:0x1410' "$(grep -c -i '"GrantedAccess":"0x1410"' "$work/events.ndjson")"
same 'CallTrace|contains|cased:UNKNOWN' "$(grep -c '"CallTrace":"[^"]*UNKNOWN' "$work/events.ndjson")"
same 'EventID:4688' "$(grep -c -E '"(EventID|event_id)":"?4688"?[,}]' "$work/events.ndjson")"

"$canh" export -q --data "$store" -o ndjson > "$work/export"
[ "$(wc -l < "$work/export")" = "$events" ] || fail "the export has $(wc -l < "$work/export") events"
"$canh" verify -q --data "$store" > "$work/verify" || fail "verify: $(head -n 3 "$work/verify")"
exit $failed
