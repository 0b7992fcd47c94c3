#!/bin/sh
# Runs the matcher against its naive twin (twin.c) over samples of the shared lanes and of the real Windows
# events, all rules of the corpus, routing off and on. TWIN_EVERY (default 1) thins the events out further.
# usage: twin.sh TWIN SOURCE
set -eu
twin=$1 shared=${CANH_SHARED:-$2/../shared}
if [ ! -d "$shared/sigma/lanes" ]; then
    echo "skipped: shared data not found"
    exit 77
fi
thin=${TWIN_EVERY:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir "$work/rules"
tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/rules" --strip-components=1
run() { # EVERY FILE
    for routing in off on; do
        printf '%s routing %s: ' "$(basename "$2")" $routing
        "$twin" $routing $(($1 * thin)) "$2" "$work/rules/rules" "$work/rules/rules-emerging-threats" \
            "$work/rules/rules-threat-hunting"
    done
}
for lane in structured_windows raw_windows cisco_syslog sysmon_file_event mixed_schema match_heavy; do
    run 50 "$shared/sigma/lanes/$lane.ndjson.zst"
done
run 1 "$shared/sigma/golden/regression-dev.ndjson.zst"
run 500 "$shared/events/otrf-windows.ndjson.zst"
