#!/bin/sh
# Compares findings with the golden pairs of the shared data (line, rule id), made by an independent
# evaluator: routing off and no mappings must give exactly these, but for the differences that
# tests/golden/differences.tsv lists with their reason (golden, rule id, more|fewer|mapped, why). With
# the built-in mappings nothing may be lost, and what is new must be owed to an alias; with routing on
# nothing new may appear.
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

# Every pair of $work/more must be owed to an alias or a prefix: a matched field that the event does not
# have under that name at its top (before the nested event_data of old Winlogbeats). Prints how many there are and by which names.
by_alias() { # GOLDEN EVENTS
    awk -v golden="$1" '
        function number_of(text,    rest) {
            rest = substr(text, index(text, "\"event\":{\"file\":\"") + 17)
            return substr(rest, index(rest, "\"line\":") + 7) + 0
        }
        function id_of(text,    rest) {
            rest = substr(text, index(text, "\"id\":\"") + 6)
            return substr(rest, 1, index(rest, "\"") - 1)
        }
        FILENAME == ARGV[1] {
            split($0, row, "\t")
            if (row[1] == golden && row[3] == "mapped") known[row[2]] = 1
            next
        }
        FILENAME == ARGV[2] { wanted[$0] = 1; next }
        FILENAME == ARGV[3] {
            pair = number_of($0) "\t" id_of($0)
            if (pair in wanted) {
                line = number_of($0)
                count++
                found[line] = found[line] "\n" id_of($0) substr($0, index($0, "\"matched\":{") + 11)
            }
            next
        }
        FNR in found {
            parts = split(found[FNR], part, "\n")
            nested = index($0, "\"event_data\":{")
            top = nested ? substr($0, 1, nested) : $0
            for (i = 2; i <= parts; i++) {
                alias = ""
                rest = part[i]
                while (match(rest, /"[A-Za-z_.-]+":/)) {
                    name = substr(rest, RSTART, RLENGTH)
                    if (index(top, name) == 0) alias = name
                    rest = substr(rest, RSTART + RLENGTH)
                }
                if (alias == "" && substr(part[i], 1, 36) in known) alias = "differences.tsv"
                if (alias == "") { print golden ": line " FNR " has a finding more that no alias explains"; bad = 1 }
                else by[alias]++
            }
        }
        END {
            printf "%s: with built-in mappings %d more, each by an alias", golden, count
            for (name in by) printf " %s %d", name, by[name]
            print ""
            exit bad
        }' "$source/tests/golden/differences.tsv" "$work/more" "$work/mapped.ndjson" "$2"
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
    "$canh" detect "$@" --routing off -q -o ndjson "$events" > "$work/mapped.ndjson"
    pairs < "$work/mapped.ndjson" > "$work/mapped"
    LC_ALL=C comm -13 "$work/wanted" "$work/mapped" > "$work/more"
    LC_ALL=C comm -23 "$work/wanted" "$work/mapped" > "$work/fewer"
    if unexplained "$golden" fewer > "$work/left" && [ -s "$work/left" ]; then
        echo "$golden: built-in mappings lose pairs:"
        head -n 5 "$work/left"
        failed=1
    fi
    by_alias "$golden" "$events" || failed=1
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
