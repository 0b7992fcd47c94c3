#!/bin/sh
# disk_full.sh CANH SOURCE: the disk of the data folder is full while commands and events come: they
# are refused with a sentence, what was acknowledged stays, and with room again all goes on by itself.
if [ "${3:-}" != inside ]; then
    if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
        echo 'skipped: a small disk wants root and mount namespaces'
        exit 77
    fi
    exec unshare -m --propagation private sh "$0" "$1" "$2" inside
fi
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
DISK=32m

settings() {
    mkdir data
    mount -t tmpfs -o "size=$DISK,mode=0751" tmpfs data
    node_own data
    cat >canh.yaml <<END
web: {listen: none}
store: {reserve_bytes: 1MiB, journal_file_bytes: 4MiB}
sources:
  - {name: app, category: test}
listeners:
  - {name: in, listen: "127.0.0.1:0", source: app, token: false}
END
    chmod 0644 canh.yaml
}
settings_end() { umount data || umount -l data; }

ask() {
    # shellcheck disable=SC2086
    run timeout 60 $node_user "$canh" "$@" --config canh.yaml --data data
}

# post N: an event with the number N; leaves status, head and out
post() {
    echo "{\"n\":$1,\"pad\":\"$(head -c 30000 /dev/urandom | base64 -w 0)\"}" |
        curl -sS -m 60 -o out -D head -w '%{http_code}' -H 'Content-Type: application/x-ndjson' \
            --data-binary @- "http://127.0.0.1:$(port_of in)/api/v1/ingest" >status 2>errors
}

fill() { head -c 64000000 /dev/zero >data/filler 2>/dev/null; }
pids() { for role in engine intake query; do role_pid $role; done | tr '\n' ' '; }

unit() { # unit NAME: what was acknowledged is noted
    ask unit add "$1" --title "$1" -q
    [ "$code" != 0 ] || echo "$1" >>units
}

all_is_there() {
    lost=
    ask unit list -o ndjson
    expect_code 0
    for one in $(cat units); do
        expect_out "\"name\":\"$one\""
    done
    ask search -o ndjson --limit 1000 '*'
    expect_code 0
    for n in $(cat events); do
        [ "$(grep -c "\"n\":$n," out)" = 1 ] || lost="$lost $n"
    done
    [ -z "$lost" ] || fail "acknowledged events are not there once:$lost"
}

# What waited may be tried again for up to half a minute.
works_again() {
    for _ in $(seq 60); do
        post "$1"
        [ "$(cat status)" = 200 ] && break
        sleep 1
    done
    [ "$(cat status)" = 200 ] || fail "HTTP $(cat status) with room again: $(cat out)"
    echo "$1" >>events
    unit "unit-$1"
    expect_code 0
}

a_disk_that_is_full() {
    settings
    : >units
    : >events
    node_start
    unit before
    post 1 && echo 1 >>events
    [ "$(cat status)" = 200 ] || fail "HTTP $(cat status)"
    fill
    roles=$(pids)
    refused=0
    for i in $(seq 8); do
        unit "during-$i"
        [ "$code" = 0 ] && continue
        refused=$((refused + 1))
        expect_error 'the disk of the data folder is full, nothing was changed: make room'
    done
    [ $refused -gt 0 ] || fail 'commands were not refused'
    ask unit add during --title D --lang vi
    expect_error 'đã đầy'
    stopped=0
    for n in $(seq 2 200); do
        post "$n"
        [ "$(cat status)" = 200 ] && echo "$n" >>events && continue
        stopped=$((stopped + 1))
        case $(cat status) in
        503 | 507) ;;
        *) fail "HTTP $(cat status)" ;;
        esac
        grep -qi '^Retry-After: [0-9]' head || fail 'no Retry-After'
        [ $stopped -ge 1 ] && break
    done
    [ $stopped -gt 0 ] || fail 'events were not refused'
    ask status
    expect_out 'full'
    [ "$(pids)" = "$roles" ] || fail 'a role was started again'
    rm -f data/filler
    works_again 1000
    [ "$(pids)" = "$roles" ] || fail 'a role was started again with room'
    all_is_there
    ask audit verify
    expect_code 0
    ask verify
    expect_code 0
    node_stop
    expect_code 0
    node_start
    all_is_there
    node_stop
    settings_end
}

# Full already when it starts: it does not turn in a loop, and starts when there is room.
a_start_on_a_full_disk() {
    settings
    : >units
    : >events
    node_start
    post 1 && echo 1 >>events
    unit before
    node_stop
    fill
    node_own .
    : >log
    # shellcheck disable=SC2086
    $node_user "$canh" serve --config canh.yaml --data data >printed 2>log </dev/null &
    node=$!
    sleep 8
    kill -0 $node 2>/dev/null || {
        wait $node
        code=$?
        node=
        grep -q 'full' log || fail "it ended, and does not say why: $(tail -n 3 log)"
    }
    [ "$(grep -c '"event":"role"' log)" -lt 30 ] || fail 'roles are started in a loop'
    rm -f data/filler
    if [ -n "$node" ]; then
        wait_for 'the watch is kept' || fail "not ready with room again: $(tail -n 3 log)"
    else
        node_start
    fi
    works_again 2
    all_is_there
    ask verify
    expect_code 0
    node_stop
    settings_end
}

cases a_disk_that_is_full a_start_on_a_full_disk
finish
