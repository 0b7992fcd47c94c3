#!/bin/sh
# clock.sh CANH_CLOCK SOURCE SEND: the machine's clock jumps, far and near, forward and back, while
# events come in: nothing acknowledged is lost, doubled or expired, and the watch says what was.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
export CANH_STORE_RESERVE_BYTES=0
send=$3
command -v curl >/dev/null || { echo 'skipped: curl is not installed'; exit 77; }
DAY_S=86400
END_S=2145000000 # in 2037

settings() { # settings [SECTION...]
    rule_seen
    rule_many 5m
    mkdir -p to data
    chmod 0751 data
    {
        cat <<END
web: {listen: none}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: app, category: test, expect: 10min}
  - {name: log, expect: 10min}
  - {name: quiet, expect: 10min}
outputs:
  - {name: archive, kind: file, path: "$PWD/to/findings.ndjson"}
listeners:
  - {name: in, listen: "127.0.0.1:0", source: app, token: false}
  - {name: rarely, listen: "127.0.0.1:0", source: quiet, token: true}
  - {name: lines, kind: syslog-tcp, listen: "127.0.0.1:0", source: log}
END
        for section in "$@"; do echo "$section"; done
    } >canh.yaml
    chmod 0644 canh.yaml
    head -c 8 /dev/zero >clock
    export CANH_TEST_CLOCK="$PWD/clock"
}

# clock_set SECONDS: how far the node's clock is ahead of this machine's, in one write of 8 bytes
clock_set() {
    number=$1 octal=
    for _ in 1 2 3 4 5 6 7 8; do
        octal=$octal$(printf '\\%03o' $((number & 255)))
        number=$((number >> 8))
    done
    # shellcheck disable=SC2059
    printf "$octal" | dd of=clock bs=8 conv=notrunc status=none
}

# ---- what comes in ----

take() { # take LISTENER [CURL OPTIONS]: JSON lines of standard input; true when acknowledged
    listener=$1
    shift
    [ "$(curl -s -m 60 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/x-ndjson' \
        "$@" --data-binary @- "http://127.0.0.1:$(port_of "$listener")/api/v1/ingest")" = 200 ]
}
step() { # step USER: by a machine whose clock is right
    steps=$((steps + 1))
    printf '{"a":"step","user":"%s","step":%d,"@timestamp":"%s"}\n' "$1" $steps \
        "$(date -u +%Y-%m-%dT%H:%M:%SZ)" | take in || fail 'a step is refused'
}
bare() { # bare USER: by one that tells no time
    steps=$((steps + 1))
    printf '{"a":"step","user":"%s","step":%d}\n' "$1" $steps | take in || fail 'a step is refused'
}
ahead() { # ahead USER: by one whose clock is years ahead
    steps=$((steps + 1))
    printf '{"a":"step","user":"%s","step":%d,"@timestamp":"2037-01-01T00:00:00Z"}\n' "$1" $steps |
        take in || fail 'a step is refused'
}
hit() {
    hits=$((hits + 1))
    echo "{\"a\":\"hit\",\"hit\":$hits}" | take in || fail 'a hit is refused'
}

posting() { # ten events a request, until there is a file `end`
    n=0
    while [ ! -e end ]; do
        n=$((n + 10))
        seq $((n - 9)) $n | sed 's/.*/{"a":"x","n":&}/' | take in && echo $n >>posted
        sleep 0.05
    done
}
talking() {
    n=0
    while [ ! -e end ]; do
        n=$((n + 1))
        echo "<13>1 2026-11-22T10:00:00Z host app - - - talk=$n" && echo $n >&3
        sleep 0.05
    done 3>talked | "$send" tcp "$(port_of lines)" /dev/stdin
}
senders_begin() {
    rm -f end
    : >posted
    : >talked
    posting &
    one=$!
    talking &
    two=$!
    { until_true test -s posted && until_true test -s talked; } || fail 'nothing is taken'
}
# senders_end: what they sent is stored
senders_end() {
    : >end
    wait $one
    wait $two
    expect_count "$(wc -l <talked)" '"talk"'
}
more_than() { [ "$(wc -l <posted)" -gt "$1" ]; }
roles() { for role in engine intake query courier; do role_pid $role; done | tr '\n' ' '; }

jumps=0
# jump SECONDS: to so far ahead; seen by the engine, and events go on
jump() {
    jumps=$((jumps + 1))
    clock_set "$1"
    wait_for 'clock jumped' $jumps || fail "the jump to $1 s was not seen"
    had=$(wc -l <posted)
    until_true more_than $((had + 3)) || fail "nothing is taken after the jump to $1 s"
    hit
}

# ---- what is asked ----

status_has() { node_cli status -o ndjson 2>/dev/null | grep -q -F -e "$1"; }
source_has() { node_cli sources "$1" -o ndjson 2>/dev/null | grep -q -F -e "$2"; }
output_has() { [ "$(grep -c -F -e "$1" to/findings.ndjson)" = "$2" ]; }

expect_all_there() {
    expect_values $(($(wc -l <posted) * 10)) '"n":\([0-9]*\)' 'n:*'
    expect_count "$(wc -l <talked)" '"talk"'
    expect_values "$hits" '"hit":\([0-9]*\)' 'hit:*'
    expect_values "$steps" '"step":\([0-9]*\)' 'step:*'
    events '*' | sed -n 's/^{"id":"\([^"]*\)".*/\1/p' >ids
    [ "$(sort -u ids | wc -l)" = "$(wc -l <ids)" ] || fail 'an id is given twice'
    expect_count "$hits" -p _findings 'rule.title:Seen'
}

# found_once USER...: that one has many steps
found_once() {
    for user in "$@"; do
        expect_count 1 -p _findings "rule.title:\"Many steps\" $user"
    done
}
accounted() { # accounted SOURCE...
    for source in "$@"; do
        until_true source_has "$source" '"unaccounted":0' || fail "$source: nothing is said"
        node_cli sources "$source" -o ndjson 2>/dev/null | grep -q '"unaccounted":-\{0,1\}[1-9]' &&
            fail "$source: not all is accounted for"
        node_cli sources --hours "$source" -o ndjson >hours 2>/dev/null
        [ -s hours ] || fail "$source: there are no hours"
        grep -v -q '"unaccounted":0' hours && fail "$source: an hour does not add up: $(cat hours)"
    done
}

node_begin() {
    settings
    node_start
    seed sender ingest
    chmod 0644 token
    begin=$(roles)
    now=$(date +%s)
    hits=0 steps=0 jumps=0
    senders_begin
}
# roles are as they were; what was taken is there, once
node_check() {
    [ "$(roles)" = "$begin" ] || fail "roles were started again: $begin, now $(roles)"
    expect_all_there
    accounted app log
    run node_cli verify
    expect_code 0
}

it_jumps_and_nothing_is_lost() {
    node_begin
    echo '{"once":1}' | take rarely -H "Authorization: Bearer $(cat token)" ||
        fail 'the token is refused'
    for to in $DAY_S 0 -3600 $((-2 * DAY_S)) $((-now)) $((END_S - now)) 0; do
        step early
        bare early
        step right
        bare timeless
        jump $to
        [ $jumps != 1 ] || ahead early
        [ $jumps != 4 ] || found_once early
    done
    bare after
    for _ in 1 2 3 4; do step after; done
    senders_end
    status_has '"code":"clock"' || fail 'the status does not say that the clock jumped'
    node_check
    found_once right timeless after
    # its steps, two a jump, are a run without an end: once
    found_once early
    expect_count 0 -p _findings 'rule.id:canh-health-silent OR rule.id:canh-health-skew'
    expect_count 1 -p _findings 'rule.id:canh-health-clock AND state:begins'
    until_true sent_once || fail 'what the output got is not what was found'
    echo '{"once":2}' | take rarely -H "Authorization: Bearer $(cat token)" ||
        fail 'the token is refused for good'
    expect_stop
}
# sent_once: every finding of a rule went out, and no other
sent_once() {
    events -p _findings 'rule.id:*' | sed -n 's/^{"id":"\([^"]*\)".*/\1/p' | sort >want
    sed -n 's/.*"event":{[^}]*"id":"\([^"]*\)".*/\1/p' to/findings.ndjson | sort >have
    cmp -s want have
}

# Stopped with its clock ahead, started with one that is right, then with one of 1970.
it_starts_with_another_clock() {
    node_begin
    jump $DAY_S
    bare over
    step right
    bare over
    senders_end
    expect_stop
    clock_set 0
    node_start
    begin=$(roles) jumps=0
    hit
    for _ in 1 2 3 4 5; do bare over; done
    for _ in 1 2 3 4; do step right; done
    found_once over right
    node_check
    expect_stop
    clock_set $((-now))
    node_start
    begin=$(roles)
    hit
    step right
    clock_set 0
    wait_for 'clock jumped' || fail 'the jump out of 1970 was not seen'
    step right
    found_once right
    node_check
    expect_stop
}

# canh.yaml keeps for five days what a clock of 2037 would call old.
nothing_expires_by_a_jump() {
    node_begin
    senders_end
    expect_stop
    echo 'store: {partitions: {default: {keep: 5d}}}' >>canh.yaml
    clock_set $((END_S - now))
    run node_cli store seal
    expect_code 0
    run node_cli store expire
    expect_code 0
    expect_out '0 segments with 0 events'
    node_start
    jumps=0
    hit
    clock_set 0
    wait_for 'clock jumped' || fail 'the jump back was not seen'
    hit
    begin=$(roles)
    node_check
    expect_stop
    run node_cli store expire
    expect_out '0 segments with 0 events'
}

cases it_jumps_and_nothing_is_lost it_starts_with_another_clock nothing_expires_by_a_jump
finish
