#!/bin/sh
# Measures the event store: import (what is acknowledged and sealing apart), bytes on disk, searches
# and hunts, on four kinds of events: Windows (real, laboratory captures), web and cloud (made),
# flows (made, nearly random). Prints tables, or with --json one object a row. Times are processor
# time of the process unless they say otherwise; the best of BENCH_ROUNDS runs (default 3).
# The hunts read the Windows events STORE_REPEAT times over (default 6: about 1,000,000 events).
set -eu
cd "$(dirname "$0")/.."
json=no
[ "${1:-}" = --json ] && json=yes
shared=${CANH_SHARED:-../shared}
canh=${CANH:-build/release/canh}
rounds=${BENCH_ROUNDS:-3}
repeat=${STORE_REPEAT:-6}
if [ ! -d "$shared/sigma" ]; then
    echo "bench: the shared test data is not at $shared; set CANH_SHARED to its folder" >&2
    exit 2
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
unset CANH_CONFIG
export CANH_STORE_RESERVE_BYTES=0
${CC:-cc} -O2 -D_GNU_SOURCE -o "$work/store_data" bench/store_data.c
${CC:-cc} -O2 -D_GNU_SOURCE -o "$work/measure" bench/measure.c
mkdir "$work/rules"
tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/rules" --strip-components=1
rules="--rules $work/rules/rules --rules $work/rules/rules-emerging-threats --rules $work/rules/rules-threat-hunting"

field() { # field NAME < object
    sed -n "s/.*\"$1\":\([0-9.e+-]*\).*/\1/p" | tail -n 1
}

bytes_of() { # of all files in folders that are there
    for folder in "$@"; do
        [ ! -d "$folder" ] || find "$folder" -type f -printf '%s\n'
    done | awk '{ n += $1 } END { printf "%d", n }'
}

# best KEY COMMAND...: the run that took least; its object is left in $work/best
best() {
    key=$1
    shift
    : >"$work/runs"
    round=0
    while [ $round -lt "$rounds" ]; do
        "$@" >>"$work/runs"
        round=$((round + 1))
    done
    awk -v key="\"$key\":" '{ split(substr($0, index($0, key) + length(key)), v, /[,}]/)
        if (NR == 1 || v[1] + 0 < least) { least = v[1] + 0; line = $0 } }
        END { print line }' "$work/runs" >"$work/best"
}

import_once() { # STORE FILE [OPTIONS]
    store=$1
    shift
    rm -rf "$store"
    # shellcheck disable=SC2086
    "$canh" import --data "$store" $rules --threads 1 --stats -q -o ndjson "$@" 2>&1 >/dev/null |
        tail -n 1
}

# measure_import NAME FILE [OPTIONS]: leaves the store in $work/NAME
measure_import() {
    name=$1
    shift
    best cpu_seconds import_once "$work/$name" "$@"
    journal=$(bytes_of "$work/$name/journal")
    sealed=$(bytes_of "$work/$name/segments")
    "$canh" store merge --data "$work/$name" -q >/dev/null
    count=$(find "$work/$name/segments" -name '*.segment' | wc -l)
    awk -v name="$name" -v json=$json -v journal="$journal" -v sealed="$sealed" \
        -v merged="$(find "$work/$name/segments" -name '*.g1.segment' -printf '%s\n' |
            awk '{ n += $1 } END { printf "%d", n }')" -v segments="$count" \
        -v zstd="$(zstd -3 -c -q "$1" | wc -c)" \
        -v received="$(field bytes <"$work/best")" -v events="$(field events <"$work/best")" \
        -v loaded="$(field load_seconds <"$work/best")" -v cpu="$(field cpu_seconds <"$work/best")" \
        -v seal="$(field seal_cpu_seconds <"$work/best")" \
        -v wall="$(field seconds <"$work/best")" \
        -v rss="$(field peak_rss_bytes <"$work/best")" 'BEGIN {
            path = cpu - loaded - seal
            row = json == "yes" ? "{\"store\":\"%s\",\"events\":%d,\"event_bytes\":%d," \
                "\"acknowledged_per_cpu_second\":%d,\"acknowledged_mb_per_cpu_second\":%d," \
                "\"sealed_per_cpu_second\":%d,\"sealed_mb_per_cpu_second\":%d," \
                "\"segment_part\":%.4f,\"merged_part\":%.4f,\"zstd_part\":%.4f," \
                "\"journal_left_bytes\":%d,\"peak_rss_mb\":%d}\n" \
                : "%-18s %8d %6d %9d %6d %9d %6d %8.4f %8.4f %8.4f %8d %6d\n"
            printf row, name, events, received / events, events / path, received / path / 1e6,
                events / seal, received / seal / 1e6, sealed / received,
                (merged ? merged : sealed) / received, zstd / received, journal / 1e6, rss / 1e6
        }'
}

ask() { # NAME WHAT COMMAND...: one row of the second table
    name=$1 what=$2
    shift 2
    best cpu_seconds "$work/measure" "$@" 2>/dev/null
    events=$(cat "$work/$name.events")
    received=$(cat "$work/$name.bytes")
    awk -v name="$name" -v what="$what" -v json=$json -v events="$events" -v received="$received" \
        -v cpu="$(field cpu_seconds <"$work/best")" -v wall="$(field wall_seconds <"$work/best")" \
        -v first="$(field first_seconds <"$work/best")" -v rows="$(field lines <"$work/best")" \
        -v rss="$(field rss_bytes <"$work/best")" -v pss="$(field pss_bytes <"$work/best")" \
        -v code="$(field exit <"$work/best")" 'BEGIN {
            row = json == "yes" ? "{\"store\":\"%s\",\"question\":\"%s\",\"rows\":%d," \
                "\"cpu_ms\":%.1f,\"wall_ms\":%.1f,\"first_ms\":%.1f,\"events_per_cpu_second\":%d," \
                "\"mb_per_cpu_second\":%d,\"rss_mb\":%d,\"pss_mb\":%d,\"exit\":%d}\n" \
                : "%-18s %-18s %7d %9.1f %9.1f %9.1f %11d %9d %7d %7d %4d\n"
            printf row, name, what, rows, cpu * 1e3, wall * 1e3, first * 1e3, events / cpu,
                received / cpu / 1e6, rss / 1e6, pss / 1e6, code
        }'
}

query() { # NAME WHAT QUERY [OPTIONS]
    name=$1 what=$2
    shift 2
    ask "$name" "$what" "$canh" search --data "$work/$name" -q -o ndjson "$@"
}

hunts() { # NAME
    # shellcheck disable=SC2086
    ask "$1" 'rules' "$canh" hunt --data "$work/$1" $rules -q -o ndjson
    ask "$1" 'indicators' "$canh" hunt --data "$work/$1" --indicators "$indicators" -q -o ndjson
}

about() { # NAME FILE: what the rates of questions are made with
    name=$1
    wc -lc <"$2" | { read -r lines bytes; echo "$lines" >"$work/$name.events"; echo "$bytes" >"$work/$name.bytes"; }
}

repeated() { # NAME FILE: a store with the file several times over, imported once, not measured
    i=0
    while [ $i -lt "$repeat" ]; do cat "$2"; i=$((i + 1)); done |
        "$canh" import --data "$work/$1" -q -o ndjson - >/dev/null 2>&1
    about "$1" "$2"
    for kind in events bytes; do
        echo $(($(cat "$work/$1.$kind") * repeat)) >"$work/$1.$kind"
    done
}

zstd -dqc --long=27 "$shared/events/otrf-windows.ndjson.zst" >"$work/windows.ndjson"
"$work/store_data" web 400000 >"$work/web.log"
"$work/store_data" cloud 300000 >"$work/cloud.ndjson"
"$work/store_data" flow 500000 >"$work/flow.ndjson"

[ $json = yes ] || printf '%-18s %8s %6s %9s %6s %9s %6s %8s %8s %8s %8s %6s\n' import events \
    bytes/ev ack/cpu-s MB seal/cpu-s MB segments merged zstd-3 journalMB RSS_MB
measure_import windows "$work/windows.ndjson"
measure_import web "$work/web.log" --logsource nginx/webserver/
measure_import cloud "$work/cloud.ndjson"
measure_import flow "$work/flow.ndjson" --logsource zeek//conn
about windows "$work/windows.ndjson"
about web "$work/web.log"
about cloud "$work/cloud.ndjson"
about flow "$work/flow.ndjson"
rm "$work/web.log" "$work/cloud.ndjson" "$work/flow.ndjson"

"$canh" intel import --data "$work/intel" -q "$shared/intel/indicators/ipsum.tsv.gz" \
    "$shared"/intel/indicators/maltrail-*.tsv.gz >/dev/null 2>&1 || true
indicators=$work/intel/intel/indicators.table

repeated windows_large "$work/windows.ndjson"
# without the message text: Message is the last but for a few fields, and holds no quotes unescaped
LC_ALL=C sed -E 's/"[Mm]essage":"([^"\\]|\\.)*",?//; s/,\}/}/' "$work/windows.ndjson" >"$work/short.ndjson"
rm "$work/windows.ndjson"
repeated windows_no_message "$work/short.ndjson"
rm "$work/short.ndjson"

[ $json = yes ] || printf '\n%-18s %-18s %7s %9s %9s %9s %11s %9s %7s %7s %4s\n' store question rows \
    cpu_ms wall_ms first_ms events/cpu MB/cpu RSS_MB PSS_MB exit
query windows_large 'newest 100' '*' -n 100
query windows_large 'rare value' 'ProcessGuid:"{fe86be69-0884-64b8-0403-000000001000}"'
query windows_large 'substring' 'CommandLine|contains:whoami'
query windows_large 'free text' 'mimikatz'
query windows_large 'regex' 'CommandLine|re:"(?i)-enc[a-z]*\s+[A-Za-z0-9+/]{20}"'
query windows_large 'stats by' '* | stats count() by EventID'
query windows_large 'no index' '_any|re:"zq[0-9]x"'
hunts windows_large
hunts windows_no_message
query web 'newest 100' '*' -n 100
query web 'rare value' 'c-ip:203.0.113.77'
query web 'substring' 'cs-uri-query|contains:"id=49999&"'
query web 'stats by' '* | stats count() by _time:1h'
query web 'no index' '_any|re:"zq[0-9]x"'
hunts web
query cloud 'rare value' 'sourceIPAddress:203.0.113.77'
query cloud 'substring' 'userAgent|contains:"2.17.59"'
query cloud 'regex' 'requestParameters.key|re:"du-lieu/36[0-4]/9999[0-9]"'
query cloud 'stats by' '* | stats count() by eventName'
hunts cloud
query flow 'newest 100' '*' -n 100
query flow 'rare value' 'id.orig_h:203.0.113.77'
query flow 'substring' 'uid|contains:dead'
query flow 'regex' 'uid|re:"^0000[0-9a-f]+-"'
query flow 'stats by' '* | stats count(), sum(orig_bytes) by proto'
query flow 'no index' '_any|re:"zq[0-9]x"'
hunts flow
