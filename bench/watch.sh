#!/bin/sh
# Measures the watch as it runs: a node with all rules of the shared SigmaHQ archive takes Windows
# events by HTTP and syslog lines by TCP and UDP on loopback, as fast as it takes them, then at half
# of that; then rsyslog writes the same lines to a file, with one regex filter beside it. Prints
# tables, or with --json one object a row. Sender and node share the machine's cores.
#   sent-s   records a second that the sender got rid of; HTTP: that were acknowledged
#   taken-s  the same, syslog: until the last was durable
#   cpu/M    CPU seconds of all of the node's processes for a million records, without sealing
#   seal/M   CPU seconds of sealing for a million records
#   answer   from a body's first byte (at half load: from when it was due) to its answer
#   durable, finding   from receipt to fdatasync, and to the finding's; by block of records; from
#            the node's histograms, whose buckets double: between two of their bounds it is a guess
# BENCH_SECONDS (default 4) is about how long each load is kept up.
set -eu
cd "$(dirname "$0")/.."
json=no
[ "${1:-}" = --json ] && json=yes
shared=${CANH_SHARED:-../shared}
canh=$(realpath "${CANH:-build/release/canh}")
flood=$(realpath "${BENCH_FLOOD:-build/release/bench/bench_flood}")
seconds=${BENCH_SECONDS:-4}
if [ ! -d "$shared/sigma" ]; then
    echo "bench: the shared test data is not at $shared; set CANH_SHARED to its folder" >&2
    exit 2
fi
work=$(mktemp -d "${BENCH_DIR:-build}/bench-watch-XXXXXX")
work=$(realpath "$work")
node='' other=''
end() {
    [ -z "$node" ] || kill -TERM "$node" 2>/dev/null || true
    [ -z "$other" ] || kill -TERM "$other" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT TERM
unset CANH_CONFIG
export CANH_STORE_RESERVE_BYTES=0
# As root: only so is the receive buffer as large as set.
[ "$(id -u)" != 0 ] || export CANH_SERVE_USER=root CANH_SERVE_ONE_USER=true

mkdir "$work/rules"
tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/rules" --strip-components=1
zstd -dqc --long=27 "$shared/events/otrf-windows.ndjson.zst" >"$work/long.ndjson"
# 1.2 KB on average: without the message text, and without the longest
LC_ALL=C sed -E 's/"[Mm]essage":"([^"\\]|\\.)*",?//; s/,\}/}/' "$work/long.ndjson" |
    LC_ALL=C awk 'length($0) < 2400' >"$work/short.ndjson"

cat >"$work/canh.yaml" <<END
web: {listen: "127.0.0.1:0"}
rules:
  paths: ["$work/rules/rules", "$work/rules/rules-emerging-threats", "$work/rules/rules-threat-hunting"]
  select_status: experimental
  select_level: informational
sources:
  - {name: windows, product: windows}
  - {name: net, product: linux}
listeners:
  - {name: plain, listen: "127.0.0.1:0", source: windows, token: false}
  - {name: closed, listen: "127.0.0.1:0", source: windows, token: false, tls: true}
  - {name: stream, kind: syslog-tcp, listen: "127.0.0.1:0", source: net, token: false}
  - {name: datagrams, kind: syslog-udp, listen: "127.0.0.1:0", source: net, token: false}
END
chmod 0644 "$work/canh.yaml"
"$canh" serve --config "$work/canh.yaml" --data "$work/data" >/dev/null 2>"$work/log" </dev/null &
node=$!
tries=0
until grep -q 'the watch is kept' "$work/log"; do
    tries=$((tries + 1))
    if [ $tries -gt 300 ] || ! kill -0 "$node" 2>/dev/null; then
        echo "bench: the node did not become ready: $(tail -n 3 "$work/log")" >&2
        exit 1
    fi
    sleep 0.1
done
port_of() { sed -n "s/.*\"text\":\"$1 listens on .*(port \([0-9]*\)).*/\1/p" "$work/log" | tail -n 1; }
web=$(port_of web)
metrics() { curl -sS -m 20 "http://127.0.0.1:$web/metrics"; }
sum() { awk -v name="$2" 'index($1, name) == 1 { n += $2 } END { printf "%d", n }' "$1"; }
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }
processes() { echo "$node"; pgrep -P "$node"; }

# ticks: of all processes of the node, then of sealing alone, in hundredths of a second
ticks() {
    for pid in $(processes); do
        for task in /proc/"$pid"/task/*; do
            echo "$(tr ' ' _ <"$task/comm") $(sed 's/.*) //' "$task/stat")"
        done
    done | awk '{ all += $13 + $14 } $1 == "sealer" { seal += $13 + $14 }
        END { print all - seal, seal + 0 }'
}

# percentile STAGE PART: milliseconds, from the histograms in before and after
percentile() {
    awk -v stage="stage=\"$1\"" -v part="$2" '
        $1 ~ /^canh_event_seconds_bucket/ && index($1, stage) {
            match($1, /,le="[^"]*"/)
            le = substr($1, RSTART + 5, RLENGTH - 6)
            if (FNR == NR) was[le] = $2
            else { bound[++n] = le; count[n] = $2 - was[le] }
        }
        END {
            if (n == 0 || count[n] == 0) { print "-"; exit }
            want = part * count[n]
            for (i = 1; i < n && count[i] < want; i++);
            if (i == n) { printf ">%.0f", bound[n - 1] * 1000; exit }
            below = i > 1 ? count[i - 1] : 0
            from = i > 1 ? bound[i - 1] : 0
            printf "%.1f", 1000 * (from + (bound[i] - from) * (want - below) / (count[i] - below))
        }' "$work/before" "$work/after"
}

now() { date +%s.%N; }
stored() { sum "$1" 'canh_events_stored_total'; }
dropped() { sum "$1" 'canh_listener_dropped_total'; }

# load NAME SENDER ARGUMENTS...: one run; leaves rate (records a second) and lost
load() {
    name=$1
    shift
    metrics >"$work/before"
    ticks >"$work/ticks"
    began=$(now)
    "$flood" "$@" >"$work/sent"
    count=$(field records <"$work/sent")
    last=0 still=0
    while metrics >"$work/after"; do
        got=$(($(stored "$work/after") - $(stored "$work/before")))
        lost=$(($(dropped "$work/after") - $(dropped "$work/before")))
        [ $((got + lost)) -ge "$count" ] || [ $still -ge 40 ] && break
        if [ "$got $lost" = "$last" ]; then still=$((still + 1)); else still=0; fi
        last="$got $lost"
        sleep 0.05
    done
    ended=$(now)
    ticks >>"$work/ticks"
    sent=$(echo "$count $(field seconds <"$work/sent")" | awk '{ printf "%d", $1 / $2 }')
    if [ "$1" = http ]; then
        rate=$sent
    else
        rate=$(echo "$got $began $ended" | awk '{ printf "%d", $1 / ($3 - $2) }')
    fi
    awk -v json=$json -v name="$name" -v got="$got" -v rate="$rate" -v lost="$lost" \
        -v sent="$sent" \
        -v a50="$(field answer_p50_ms <"$work/sent")" -v a99="$(field answer_p99_ms <"$work/sent")" \
        -v d50="$(percentile durable 0.5)" -v d99="$(percentile durable 0.99)" \
        -v f50="$(percentile finding 0.5)" -v f99="$(percentile finding 0.99)" '
        NR == 1 { path = $1; seal = $2 }
        NR == 2 { path = ($1 - path) / 100; seal = ($2 - seal) / 100 }
        END {
            row = json == "yes" ? "{\"load\":\"%s\",\"records\":%d,\"sent_per_second\":%d,\"taken_per_second\":%d," \
                "\"per_cpu_second\":%d,\"cpu_per_million\":%.2f,\"seal_cpu_per_million\":%.2f," \
                "\"answer_p50_ms\":\"%s\",\"answer_p99_ms\":\"%s\",\"durable_p50_ms\":\"%s\"," \
                "\"durable_p99_ms\":\"%s\",\"finding_p50_ms\":\"%s\",\"finding_p99_ms\":\"%s\",\"dropped\":%d}\n" \
                : "%-30s %9d %8d %8d %9d %6.2f %6.2f %7s %7s %7s %7s %7s %7s %8d\n"
            if (path <= 0) path = 0.01
            printf row, name, got, sent, rate, got / path, path * 1e6 / got, seal * 1e6 / got, a50, a99, d50,
                d99, f50, f99, lost
        }' "$work/ticks"
}

# both NAME ARGUMENTS...: as fast as possible, then at half of the rate that was reached
both() {
    name=$1
    shift
    load "$name" "$@"
    least=$((rate / 2))
    load "$name, half load" "$@" --rate $least --count $((least * seconds))
}

[ $json = yes ] || printf '%-30s %9s %8s %8s %9s %6s %6s %7s %7s %7s %7s %7s %7s %8s\n' load records \
    sent-s taken-s per-cpu-s cpu/M seal/M ans-p50 ans-p99 dur-p50 dur-p99 fnd-p50 fnd-p99 dropped
plain=$(port_of plain) stream=$(port_of stream) datagrams=$(port_of datagrams)
# the first events make the rules' index: not measured
load '' http "$plain" "$work/short.ndjson" --count 50000 >/dev/null
load '' tcp "$stream" --count 50000 >/dev/null
both 'bulk, 1.2 KB' http "$plain" "$work/short.ndjson" --count $((seconds * 75000))
both 'bulk, 1.2 KB, TLS' http "$(port_of closed)" "$work/short.ndjson" --tls --count $((seconds * 75000))
both 'bulk, 1.2 KB, gzip' http "$plain" "$work/short.ndjson" --gzip --count $((seconds * 75000))
both 'bulk, 2.8 KB' http "$plain" "$work/long.ndjson" --count $((seconds * 30000))
both 'syslog TCP, 300 B' tcp "$stream" --count $((seconds * 200000))
# the highest rate of these without loss, and the next
for step in 200000 175000 150000 125000 100000 75000 50000 25000; do
    load "syslog UDP, $((step / 1000))k/s sent" udp "$datagrams" --rate $step --count $((step * seconds))
    [ "$lost" -gt 0 ] || break
done
load 'syslog UDP, half of that' udp "$datagrams" --rate $((step / 2)) --count $((step * seconds / 2))

[ $json = yes ] || printf '\n%-26s %8s\n' process PSS_MB
for pid in $(processes); do
    awk -v json=$json -v name="$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's/.*canh role \([a-z]*\).*/\1/; s/.* serve .*/parent/')" '
        $1 == "Pss:" { mb = $2 / 1024 }
        END { printf(json == "yes" ? "{\"process\":\"%s\",\"pss_mb\":%.1f}\n" : "%-26s %8.1f\n", name, mb) }' \
        "/proc/$pid/smaps_rollup"
done
kill -TERM "$node"
wait "$node" || true
node=

# ---- rsyslog beside it ----

command -v rsyslogd >/dev/null || {
    echo 'bench: rsyslogd is not here, nothing to compare with' >&2
    exit 0
}
rm -rf "$work/data" "$work"/*.ndjson
port=$("$flood" port)
cat >"$work/rsyslog.conf" <<END
global(workDirectory="$work")
module(load="imudp")
module(load="imtcp")
input(type="imudp" address="127.0.0.1" port="$port" rcvbufSize="32m")
input(type="imtcp" address="127.0.0.1" port="$port")
if re_match(\$msg, 'Failed password for .* from') then action(type="omfile" file="$work/matched.log")
action(type="omfile" file="$work/all.log")
END
rsyslogd -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" >/dev/null 2>&1 &
other=$!
sleep 1
[ $json = yes ] || printf '\n%-26s %9s %8s %9s %6s %8s\n' rsyslog records per-s per-cpu-s cpu/M dropped
rsyslog_ticks() { sed 's/.*) //' "/proc/$other/stat" | awk '{ print $12 + $13 }'; }
lines() { [ ! -f "$work/all.log" ] || wc -l <"$work/all.log"; }
compare() { # compare NAME ARGUMENTS...
    name=$1
    shift
    before=$(lines) first=$(rsyslog_ticks) began=$(now) last=-1 still=0
    "$flood" "$@" >"$work/sent"
    count=$(field records <"$work/sent")
    while got=$(($(lines) - ${before:-0})); [ $got -lt "$count" ] && [ $still -lt 20 ]; do
        if [ $got = $last ]; then still=$((still + 1)); else still=0; ended=$(now); fi
        last=$got
        sleep 0.05
    done
    [ $got -lt "$count" ] || ended=$(now)
    echo "$name;$got;$((count - got));$first;$(rsyslog_ticks);$began;$ended" | awk -F ';' -v json=$json '{
        cpu = ($5 - $4) / 100
        row = json == "yes" ? "{\"rsyslog\":\"%s\",\"records\":%d,\"per_second\":%d," \
            "\"per_cpu_second\":%d,\"cpu_per_million\":%.2f,\"dropped\":%d}\n" \
            : "%-26s %9d %8d %9d %6.2f %8d\n"
        printf row, $1, $2, $2 / ($7 - $6), $2 / cpu, cpu * 1e6 / $2, $3
    }'
}
compare 'syslog TCP, 300 B' tcp "$port" --count $((seconds * 200000))
compare "syslog UDP, $((step / 1000))k/s sent" udp "$port" --rate "$step" --count $((step * seconds))
