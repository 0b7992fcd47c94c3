#!/bin/sh
# overload.sh CANH SOURCE LOAD: senders are faster than the node: datagrams are dropped by the kernel
# and counted, streams are slowed and lose nothing, HTTP is told when to come again, memory is
# bounded, and what was received is what became of it.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
export CANH_STORE_RESERVE_BYTES=0
load=$3
INTAKE_KB_MAX=700000 # 256 MiB of bodies, blocks of listeners, and what judging them takes
grep -q __asan_init "$canh" && INTAKE_KB_MAX=3000000
STOPPED_S=6 # below serve.hang
TOLD_S=50   # too
LISTENERS='udp tcp count tls http'

kind_of() {
    case $1 in
    udp) echo 'syslog-udp, receive_bytes: 64KiB' ;;
    tcp | count) echo 'syslog-tcp' ;;
    tls) echo 'syslog-tcp, tls: true' ;;
    http) echo 'http, token: false, connections: 100, connections_per_address: 100' ;;
    esac
}

settings() {
    mkdir data
    {
        echo 'web: {listen: none}'
        echo 'serve: {hang: 90s}'
        echo 'rules: {indicators: false}'
        echo 'sources:'
        for name in $LISTENERS; do echo "  - {name: $name, category: test}"; done
        echo 'listeners:'
        for name in $LISTENERS; do
            echo "  - {name: $name, listen: \"127.0.0.1:0\", source: $name, kind: $(kind_of $name)}"
        done
    } >canh.yaml
    node_start
    for name in $LISTENERS; do port_of $name >$name.port; done
    roles=$(pids)
}

pids() { for role in engine intake query; do role_pid $role; done | tr '\n' ' '; }
ledger() {
    # shellcheck disable=SC2086
    $node_user "$canh" sources -o ndjson --config canh.yaml --data data 2>errors </dev/null
}
figure_of() { # SOURCE NAME: ever
    sed -n "s/^{\"name\":\"$1\".*\"ever\":{[^}]*\"$2\":\(-\{0,1\}[0-9]*\).*/\1/p" ever
}
rows_of() { # SOURCE: the store's
    # shellcheck disable=SC2086
    $node_user "$canh" search -q "_source:$1 | stats count()" -o ndjson --config canh.yaml \
        --data data 2>errors </dev/null | sed 's/.*:\([0-9]*\)}.*/\1/'
}
# comes_to SOURCE NAME NUMBER: before long
comes_to() {
    for _ in $(seq 300); do
        ledger >ever
        [ "$(figure_of "$1" "$2")" = "$3" ] && return 0
        sleep 0.2
    done
    code="$(grep "^{\"name\":\"$1\"" ever | grep -o '"ever":{[^}]*}')"
    fail "$1 has not $3 $2"
}
# at_rest SOURCE: until what the ledger calls stored is in the store, and no more comes
is_at_rest() {
    ledger >ever
    rested=$(figure_of "$1" received)
    sleep 1
    ledger >ever
    [ "$(figure_of "$1" received)" = "$rested" ] &&
        [ "$(figure_of "$1" stored)" = "$(rows_of "$1")" ]
}
at_rest() { until_true is_at_rest "$1"; }
answer() { sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "$1.summary"; }

# The ledger of a source holds, and is the store's.
accounted() { # SOURCE
    code="$1: $(grep "^{\"name\":\"$1\"" ever | grep -o '"ever":{[^}]*}')"
    [ "$(figure_of "$1" unaccounted)" = 0 ] || fail 'records are not accounted for'
    [ "$(figure_of "$1" stored)" = "$(rows_of "$1")" ] || fail "the store has $(rows_of "$1")"
}

# The engine stands still while events go on coming.
stand_still() {
    engine=$(role_pid engine)
    kill -STOP "$engine"
    sleep $STOPPED_S
    kill -CONT "$engine"
}

bounded() {
    intake=$(role_pid intake)
    peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$intake/status")
    echo "$1: intake had at most $peak kB"
    [ "$peak" -lt $INTAKE_KB_MAX ] || fail "intake had $peak kB"
    [ "$(pids)" = "$roles" ] || fail 'a role was started again'
}

datagrams_are_counted() {
    settings
    "$load" udp udp.port udp count=200000 connections=4 bytes=300 >udp.summary &
    sender=$!
    sleep 0.2
    stand_still
    wait $sender
    comes_to udp received 200000
    accounted udp
    [ "$(figure_of udp dropped_kernel)" -gt 0 ] || fail 'the kernel dropped nothing: no overload'
    echo "udp: 200000 sent, $(figure_of udp stored) stored," \
        "$(figure_of udp dropped_kernel) dropped by the kernel"
    bounded udp
    node_stop
    expect_code 0
}

streams_are_slowed() {
    settings
    senders=
    for name in tcp count tls; do
        kind=$name
        [ $name != count ] || kind=tcp-count
        "$load" $kind $name.port $name count=120000 connections=8 batch=200 bytes=500 \
            >$name.summary &
        senders="$senders $!"
    done
    sleep 0.2
    stand_still
    # shellcheck disable=SC2086
    wait $senders
    for name in tcp count tls; do
        comes_to $name stored 120000
        [ "$(figure_of $name received)" = 120000 ] || fail "$name: more than was sent"
        accounted $name
        echo "$name: 120000 sent and stored, senders took $(answer $name seconds) s"
    done
    bounded streams
    node_stop
    expect_code 0
}

posts_come_again() {
    settings
    "$load" bulk-id http.port ids seconds=12 connections=32 batch=500 >ids.summary &
    senders=$!
    "$load" ndjson http.port plain seconds=12 connections=32 batch=500 >plain.summary &
    senders="$senders $!"
    sleep 2
    stand_still
    # shellcheck disable=SC2086
    wait $senders
    cat ids.summary plain.summary
    for name in ids plain; do
        [ "$(answer $name without_retry_after)" = 0 ] || fail "$name: 429 or 503 without Retry-After"
    done
    at_rest http
    accounted http
    sure=$(($(answer ids acked) + $(answer plain acked)))
    all=$((sure + $(answer ids unsure) + $(answer plain unsure)))
    stored=$(figure_of http stored)
    [ "$stored" -ge $sure ] && [ "$stored" -le $all ] ||
        fail "$stored stored, $sure acknowledged, $all sent"
    bounded posts
    node_stop
    expect_code 0
}

# More than intake holds: 429 at once, and afterwards it goes through.
large_bodies_are_refused() {
    settings
    awk 'BEGIN { for (i = 0; i < 150; i++) p = p "0123456789"
        for (n = 0; n < 9800; n++) printf "{\"n\":%d,\"p\":\"%s\"}\n", n, p }' >body
    engine=$(role_pid engine)
    kill -STOP "$engine"
    posts=
    for i in $(seq 24); do
        curl -sS -m 200 -D "head$i" -o "answer$i" -w '%{http_code}' --data-binary @body \
            -H 'Content-Type: application/x-ndjson' -H 'Expect:' \
            "http://127.0.0.1:$(cat http.port)/api/v1/ingest" >"status$i" 2>"errors$i" &
        posts="$posts $!"
    done
    for _ in $(seq $TOLD_S); do # until somebody was told, on a slow machine, too
        sleep 1
        cat status* | grep -q -e 429 -e 503 && break
    done
    kill -CONT "$engine"
    # shellcheck disable=SC2086
    wait $posts
    good=0 told=0
    for i in $(seq 24); do
        case $(cat "status$i") in
        200) good=$((good + 1)) ;;
        429 | 503)
            grep -q -i '^Retry-After: [0-9]' "head$i" || fail "no Retry-After: $(cat "head$i")"
            told=$((told + 1))
            ;;
        *) fail "HTTP $(cat "status$i"): $(cat "errors$i")" ;;
        esac
    done
    echo "24 bodies of 15 MB: $good taken, $told told to come again"
    [ $told -gt 0 ] || fail 'nobody was told to come again'
    [ "$(curl -sS -m 60 -o answer -w '%{http_code}' --data-binary '{"n":1}' \
        -H 'Content-Type: application/x-ndjson' \
        "http://127.0.0.1:$(cat http.port)/api/v1/ingest" 2>errors)" = 200 ] ||
        fail 'an event is not taken afterwards'
    at_rest http
    accounted http
    bounded bodies
    node_stop
    expect_code 0
}

cases datagrams_are_counted streams_are_slowed posts_come_again large_bodies_are_refused
finish
