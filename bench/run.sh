#!/bin/sh
# Measures detection on the public benchmark lanes and on real Windows events, and prints one table
# (or, with --json, one JSON object a row). Needs the shared test data beside the project
# (or CANH_SHARED). Rates are wall time, of the median of BENCH_ROUNDS runs (default 5) of the whole
# command and, beside it, of the best one: input from files, findings as NDJSON to /dev/null. Loading the
# rules is shown apart; the routes of log sources are made at first sight and count into the rate.
# The tables of the event store (bench/store.sh), of the state (bench/state.sh) and of the watch
# (bench/watch.sh) follow; `bench/run.sh store`, `state` and `watch` print only those.
set -eu
cd "$(dirname "$0")/.."
if [ "${1:-}" = store ]; then
    shift
    exec bench/store.sh "$@"
elif [ "${1:-}" = state ]; then
    shift
    exec bench/state.sh "$@"
elif [ "${1:-}" = watch ]; then
    shift
    exec bench/watch.sh "$@"
fi
json=no jit=
[ "${1:-}" = --json ] && json=yes
shared=${CANH_SHARED:-../shared}
canh=${CANH:-build/release/canh}
rounds=${BENCH_ROUNDS:-5}
if [ ! -d "$shared/sigma/lanes" ]; then
    echo "bench: the shared test data is not at $shared; set CANH_SHARED to its folder" >&2
    exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
${CC:-cc} -O2 -o "$work/newline_scan" bench/newline_scan.c
mkdir "$work/rules"
tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/rules" --strip-components=1

field() { # field NAME < stats
    sed -n "s/.*\"$1\":\([0-9.e+-]*\).*/\1/p"
}

median() { # of the numbers on standard input
    sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

heading() {
    [ $json = yes ] && return
    printf '%-18s %7s %7s %9s %9s %7s %9s %7s %6s %8s\n' \
        lane routing threads events/s best MB/s findings load_s rss_MB 'of scan'
}

measure() { # NAME FILE ROUTING THREADS RULES...
    name=$1 file=$2 routing=$3 threads=$4
    shift 4
    rules=
    for path in "$@"; do rules="$rules --rules $path"; done
    : > "$work/runs"
    round=0
    while [ $round -lt "$rounds" ]; do
        # shellcheck disable=SC2086
        "$canh" detect $rules ${jit:+--jit "$jit"} --routing "$routing" --threads "$threads" --stats -q -o ndjson "$file" \
            2> "$work/stats" > /dev/null
        tail -n 1 "$work/stats" > "$work/last"
        field run_seconds < "$work/last" >> "$work/runs"
        round=$((round + 1))
    done
    seconds=$(median < "$work/runs")
    best=$(sort -g "$work/runs" | head -n 1)
    awk -v name="$name" -v routing="$routing" -v threads="$threads" -v seconds="$seconds" -v best="$best" \
        -v events="$(field events < "$work/last")" -v bytes="$(field bytes < "$work/last")" \
        -v findings="$(field findings < "$work/last")" -v loaded="$(field load_seconds < "$work/last")" \
        -v rss="$(field peak_rss_bytes < "$work/last")" -v scan="$("$work/newline_scan" "$file")" \
        -v json=$json 'BEGIN {
            rate = events / seconds; mb = bytes / 1e6 / seconds
            if (json == "yes")
                printf "{\"lane\":\"%s\",\"routing\":\"%s\",\"threads\":%d,\"events_per_second\":%.0f," \
                    "\"events_per_second_best\":%.0f,\"mb_per_second\":%.1f,\"findings\":%d,\"load_seconds\":%.3f," \
                    "\"peak_rss_bytes\":%d,\"newline_scan_mb_per_second\":%d}\n",
                    name, routing, threads, rate, events / best, mb, findings, loaded, rss, scan
            else
                printf "%-18s %7s %7d %9.0f %9.0f %7.1f %9d %7.3f %6.0f %8.4f\n", name, routing,
                    threads, rate, events / best, mb, findings, loaded, rss / 1e6, mb / scan
        }'
}

lane() { # NAME: the lane, repeated ten times to 100,000 events
    zstd -dqc "$shared/sigma/lanes/$1.ndjson.zst" > "$work/once"
    : > "$work/$1.ndjson"
    for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$work/once" >> "$work/$1.ndjson"; done
}

heading
for name in raw_windows structured_windows cisco_syslog sysmon_file_event no_match match_heavy \
    mixed_schema; do
    lane $name
    for routing in off on; do
        for threads in 1 2; do
            measure $name "$work/$name.ndjson" $routing $threads "$work/rules/rules"
        done
    done
    rm "$work/$name.ndjson"
done

# Records without times: see docs/decisions/0010.
lane correlation
for threads in 1 2; do
    measure correlation "$work/correlation.ndjson" on $threads bench/correlation.yml
done

zstd -dqc --long=27 "$shared/events/otrf-windows.ndjson.zst" > "$work/otrf.ndjson"
for routing in off on; do
    for threads in 1 2; do
        measure otrf_windows "$work/otrf.ndjson" $routing $threads "$work/rules/rules" \
            "$work/rules/rules-emerging-threats" "$work/rules/rules-threat-hunting"
    done
done

# Regular expressions interpreted.
jit=off
measure otrf_interpreted "$work/otrf.ndjson" off 1 "$work/rules/rules" \
    "$work/rules/rules-emerging-threats" "$work/rules/rules-threat-hunting"
measure otrf_interpreted "$work/otrf.ndjson" on 1 "$work/rules/rules" \
    "$work/rules/rules-emerging-threats" "$work/rules/rules-threat-hunting"
jit=

# Growth: 1,000 rules of the corpus, and the same with nine renamed copies of each.
mkdir "$work/k1" "$work/k10"
find "$work/rules/rules/windows" -name '*.yml' | LC_ALL=C sort | xargs \
    grep -LE '\|(re|base64|base64offset|cidr|fieldref|expand|wide)' | awk 'NR <= 1000' > "$work/list"
number=0
while read -r rule; do
    number=$((number + 1))
    cp "$rule" "$work/k1/$number.yml"
    cp "$rule" "$work/k10/$number.yml"
    for shift in 1 2 3 4 5 6 7 8 9; do
        awk -v shift=$shift -f bench/rename_rules.awk "$rule" > "$work/k10/$number-$shift.yml"
    done
done < "$work/list"
lane structured_windows
for routing in off on; do
    measure rules_1000 "$work/structured_windows.ndjson" $routing 1 "$work/k1"
    measure rules_10000 "$work/structured_windows.ndjson" $routing 1 "$work/k10"
done

[ $json = yes ] || echo
bench/store.sh "$@"
[ $json = yes ] || echo
bench/state.sh "$@"
[ $json = yes ] || echo
bench/watch.sh "$@"
