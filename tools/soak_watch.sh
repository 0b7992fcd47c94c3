#!/bin/sh
# tools/soak_watch.sh CANH LOAD: a node under load for SOAK_WATCH_MINUTES (10): all rules of the shared
# test data where they are, else the own ones; events by bulk and by syslog over TCP at 80 % of what
# the node was measured to take just before; another set of rules every minute. Prints PSS of each
# role every 10 s, and ends with memory at minute 2, in the middle and at the end, its slope, events a second and
# the ledger. Fails when records are lost or not accounted for, when a role was started again, or
# when a role grew by more than SOAK_WATCH_GROWTH percent (10) and 16 MiB in the second half: the
# first changes of rules leave room behind that later ones use again.
set -eu
cd "$(dirname "$0")/.."
source=$PWD
canh=$(realpath "$1")
load=$(realpath "$2")
minutes=${SOAK_WATCH_MINUTES:-10}
growth=${SOAK_WATCH_GROWTH:-10}
shared=$(realpath "${CANH_SHARED:-../shared}" 2>/dev/null || :)
home=$(mktemp -d)
node= senders=
end() {
    # shellcheck disable=SC2086
    kill -TERM $senders 2>/dev/null || :
    [ -z "$node" ] || { kill -TERM "$node" 2>/dev/null && wait "$node" 2>/dev/null; } || :
    rm -rf "$home"
}
trap end EXIT
trap 'exit 1' INT TERM
cd "$home"
unset CANH_CONFIG
CANH_SERVE_ONE_USER=true
[ "$(id -u)" != 0 ] || { CANH_SERVE_USER=root; export CANH_SERVE_USER; }
export CANH_SERVE_ONE_USER

mkdir rules data swaps swaps/one swaps/two to
if [ -n "$shared" ] && [ -d "$shared/sigma" ]; then
    tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C rules --strip-components=1
else
    cp -r "$source/rules/." rules
fi
rule() { # TITLE LAST_DIGIT WORD
    printf 'title: %s\nid: 11111111-1111-4111-8111-11111111111%s\nstatus: stable\nlevel: high\n' "$1" "$2"
    printf 'logsource: {category: test}\ndetection:\n  seen: {a: %s}\n  condition: seen\n' "$3"
}
rule Seldom 1 never >rules/seldom.yml
rule One 2 other-one >swaps/one/swap.yml
rule Two 3 other-two >swaps/two/swap.yml
cat >canh.yaml <<END
web: {listen: none}
store: {reserve_bytes: 0, partitions: {main: {keep_bytes: 4GB}}}
rules: {paths: ["$home/rules"]}
sources:
  - {name: posts, product: windows, category: process_creation}
  - {name: lines, category: test}
listeners:
  - {name: posts, listen: "127.0.0.1:0", source: posts, token: false}
  - {name: lines, listen: "127.0.0.1:0", source: lines, kind: syslog-tcp}
outputs:
  - {name: out, kind: file, path: "$home/to/findings.ndjson"}
END
chmod 0644 canh.yaml
"$canh" serve --config canh.yaml --data data >printed 2>log </dev/null &
node=$!
for _ in $(seq 600); do
    ! grep -q 'the watch is kept' log || break
    kill -0 $node || { tail -n 5 log; exit 1; }
    sleep 0.1
done
for name in posts lines; do
    sed -n "s/.*\"text\":\"$name listens on .*(port \([0-9]*\)).*/\1/p" log >$name.port
done

role_pid() { pgrep -P "$node" -f "canh role $1" | head -n 1; }
ask() { "$canh" "$@" --config canh.yaml --data data </dev/null; }
pss_kb() { # ROLE
    pid=$1
    [ "$1" != parent ] || pid=$node
    [ "$1" = parent ] || pid=$(role_pid "$1")
    [ -z "$pid" ] || sed -n 's/^Pss:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/smaps_rollup" 2>/dev/null
}
roles='parent engine intake query courier'
pids() { for role in engine intake query courier; do role_pid $role; done | tr '\n' ' '; }
answer() { sed -n "s/.*\"$2\":\([0-9.]*\).*/\1/p" "$1"; }
figure() { # SOURCE NAME: ever
    ask sources -o ndjson | sed -n "s/^{\"name\":\"$1\".*\"ever\":{[^}]*\"$2\":\(-\{0,1\}[0-9]*\).*/\1/p"
}

"$load" bulk-id posts.port warm seconds=5 connections=4 batch=500 bytes=400 >/dev/null
"$load" bulk-id posts.port measured seconds=15 connections=4 batch=500 bytes=400 >measured.summary &
senders=$!
"$load" tcp lines.port measured seconds=15 connections=2 batch=100 bytes=400 >lines.summary
wait $senders
senders=
capacity=$(($(answer measured.summary acked) / 15 + $(answer lines.summary acked) / 15))
rate=$((capacity * 80 / 100))
posts_share=$(($(answer measured.summary acked) * 100 / 15 / capacity))
grep -o '[0-9]* rules are loaded' log | tail -n 1
echo "capacity: $capacity events/s (sender and node on the same $(nproc) cores); load: $rate events/s"
posts_before=$(figure posts stored)

"$load" bulk-id posts.port run rate=$((rate * posts_share / 100)) connections=4 batch=500 bytes=400 >run.summary &
senders=$!
"$load" tcp lines.port lines rate=$((rate - rate * posts_share / 100)) connections=2 batch=100 bytes=400 >lines.run &
senders="$senders $!"
began=$(pids)
from=$(date +%s)
stored_from=$(($(figure posts stored) + $(figure lines stored)))
# shellcheck disable=SC2086
echo "seconds $(echo $roles | sed 's/ / kB /g') kB"
swap=one
minute=0
while [ $(($(date +%s) - from)) -lt $((minutes * 60)) ]; do
    now=$(($(date +%s) - from))
    line=$now
    for role in $roles; do line="$line $(pss_kb $role)"; done
    echo "$line"
    echo "$line" >>pss
    if [ $((now / 60)) -gt $minute ]; then
        minute=$((now / 60))
        ask rules update swaps/$swap --pack swap --days 0 --enable >swap.out 2>&1 ||
            { cat swap.out; echo 'FAILED: rules cannot be changed'; exit 1; }
        [ $swap = one ] && swap=two || swap=one
    fi
    sleep 10
done
# shellcheck disable=SC2086
kill -TERM $senders
# shellcheck disable=SC2086
wait $senders
senders=
took=$(($(date +%s) - from))
sleep 5
stored=$(($(figure posts stored) + $(figure lines stored) - stored_from))
echo "events: $stored in $took s: $((stored / took)) a second; slowest answer" \
    "$(answer run.summary slowest_ms) ms"
failed=0
fail() { echo "FAILED: $*"; failed=1; }
for name in posts lines; do
    echo "ledger of $name: received $(figure $name received), stored $(figure $name stored)," \
        "unaccounted $(figure $name unaccounted)"
    [ "$(figure $name unaccounted)" = 0 ] || fail "records of $name are not accounted for"
done
# what warmed up was stored before
posts=$(($(figure posts stored) - posts_before))
[ $posts -ge "$(answer run.summary acked)" ] || fail 'acknowledged posts are not stored'
[ "$(figure lines received)" -ge $(($(answer lines.summary acked) + $(answer lines.run acked))) ] ||
    fail 'lines were lost'
[ "$(pids)" = "$began" ] || fail 'a role was started again'
column=1
for role in $roles; do
    column=$((column + 1))
    awk -v c=$column -v role=$role -v growth="$growth" -v half=$((minutes * 30)) '
        !early && ($1 >= 120 || half < 120) { early = $c }
        $1 >= half { if (!n) middle = $c; n++
            x += $1; y += $c; xx += $1 * $1; xy += $1 * $c; last = $c }
        END { slope = n > 1 && n * xx > x * x ? (n * xy - x * y) / (n * xx - x * x) * 60 : 0
            printf "%s: %d kB at minute 2, %d kB in the middle, %d kB at the end, slope since the middle %.0f kB a minute\n",
                role, early, middle, last, slope
            exit last > middle * (1 + growth / 100) && last - middle > 16384 }' pss ||
        fail "$role grew"
done
exit $failed
