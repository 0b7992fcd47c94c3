#!/bin/sh
# Compares findings with the golden pairs of the shared data (line, rule id), made by an independent
# evaluator: routing off and no mappings must give exactly these, but for the differences that
# tests/golden/differences.tsv lists with their reason (golden, rule id, more|fewer, why). With routing
# on nothing new may appear.
# usage: sigma_golden.sh CANH SOURCE
set -eu
canh=$1 source=$2 shared=${CANH_SHARED:-$2/../shared}
if [ ! -d "$shared/sigma/golden" ]; then
    echo "skipped: shared data not found"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir "$work/rules"
tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/rules" --strip-components=1
all="--rules $work/rules/rules --rules $work/rules/rules-emerging-threats --rules $work/rules/rules-threat-hunting"
failed=0

pairs() { # NDJSON findings -> sorted "line TAB rule id"
    awk '{
        at = index($0, "\"id\":\""); rest = substr($0, at + 6); id = substr(rest, 1, index(rest, "\"") - 1)
        at = index($0, "\"event\":{\"file\":\""); rest = substr($0, at + 17)
        at = index(rest, "\"line\":"); rest = substr(rest, at + 7)
        print (rest + 0) "\t" id
    }' | LC_ALL=C sort -u
}

# Takes out of $work/more and $work/fewer what differences.tsv explains for this golden.
unexplained() { # GOLDEN more|fewer
    awk -F '\t' -v golden="$1" -v side="$2" '
        NR == FNR { if ($1 == golden && $3 == side) known[$2] = 1; next }
        !($2 in known)' "$source/tests/golden/differences.tsv" "$work/$2"
}

compare() { # GOLDEN EVENTS RULE-OPTIONS...
    golden=$1 events=$2
    shift 2
    zstd -dqc "$shared/sigma/golden/$golden.tsv.zst" | tail -n +2 | LC_ALL=C sort -u > "$work/wanted"
    "$canh" detect "$@" --routing off --mappings none -q -o ndjson "$events" | pairs > "$work/got"
    LC_ALL=C comm -13 "$work/wanted" "$work/got" > "$work/more"
    LC_ALL=C comm -23 "$work/wanted" "$work/got" > "$work/fewer"
    for side in more fewer; do
        if unexplained "$golden" $side > "$work/left" && [ -s "$work/left" ]; then
            echo "$golden: $(wc -l < "$work/left") pairs $side than the golden ones, not explained:"
            head -n 10 "$work/left"
            failed=1
        fi
    done
    echo "$golden: $(wc -l < "$work/wanted") wanted, $(wc -l < "$work/got") found," \
        "$(wc -l < "$work/more") more, $(wc -l < "$work/fewer") fewer; rules that agree:" \
        "$(cut -f2 "$work/wanted" "$work/got" | sort -u | wc -l) less" \
        "$(cat "$work/more" "$work/fewer" | cut -f2 | sort -u | wc -l)"
    for mappings in none built-in; do
        option=
        [ $mappings = none ] && option="--mappings none"
        # shellcheck disable=SC2086
        "$canh" detect "$@" --routing off $option -q -o ndjson "$events" | pairs > "$work/unrouted"
        # shellcheck disable=SC2086
        "$canh" detect "$@" --routing on $option -q -o ndjson "$events" | pairs > "$work/routed"
        LC_ALL=C comm -13 "$work/unrouted" "$work/routed" > "$work/new"
        if [ -s "$work/new" ]; then
            echo "$golden: routing on gives findings that routing off does not (mappings $mappings):"
            head -n 5 "$work/new"
            failed=1
        fi
    done
}

for lane in structured_windows raw_windows cisco_syslog sysmon_file_event; do
    zstd -dqc "$shared/sigma/lanes/$lane.ndjson.zst" > "$work/$lane.ndjson"
    compare $lane "$work/$lane.ndjson" --rules "$work/rules/rules"
    rm "$work/$lane.ndjson"
done
zstd -dqc "$shared/sigma/golden/regression-dev.ndjson.zst" > "$work/regression.ndjson"
# shellcheck disable=SC2086
compare regression-dev "$work/regression.ndjson" $all
# Line numbers of the golden are those of the whole file; empty lines are no records.
zstd -dqc --long=27 "$shared/events/otrf-windows.ndjson.zst" |
    awk 'NR % 40 == 1 { print; next } { print "" }' > "$work/otrf.ndjson"
# shellcheck disable=SC2086
compare otrf-windows-every40 "$work/otrf.ndjson" $all
exit $failed
