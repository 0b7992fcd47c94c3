#!/bin/sh
# descriptors.sh CANH SOURCE: a process of the node has no descriptors left, under hundreds of
# connections: it and the others live on, who asks is told, and all goes on when there are some again.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
for tool in bash curl prlimit; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
CONNECTIONS=300
LOG_LINES_MAX=600

settings() {
    cat >canh.yaml <<END
web: {listen: "127.0.0.1:0", connections: 500, connections_per_address: 500}
sources:
  - {name: app, category: test}
  - {name: lines, category: test}
listeners:
  - {name: stream, kind: syslog-tcp, listen: "127.0.0.1:0", source: lines, connections: 500}
  - {name: in, listen: "127.0.0.1:0", source: app, token: false}
END
    chmod 0644 canh.yaml
}

ask() {
    # shellcheck disable=SC2086
    run timeout 60 $node_user "$canh" "$@" --config canh.yaml --data data
}
post_code() {
    echo '{"n":1}' | curl -sS -m 20 -o out -w '%{http_code}' --data-binary @- \
        -H 'Content-Type: application/x-ndjson' "http://127.0.0.1:$(port_of in)/api/v1/ingest" \
        2>errors
}
health_code() { curl -sS -m 20 -o out -w '%{http_code}' "http://127.0.0.1:$(port_of web)/health" 2>errors; }
pids() { for role in engine intake query web; do role_pid $role; done | tr '\n' ' '; }

# starve PID [MORE]: what it has and two more; as its user, who needs no further right for that
starve() {
    held=$(find "/proc/$1/fd" -mindepth 1 | wc -l)
    soft=$($node_user prlimit --pid "$1" --nofile --noheadings --output SOFT | tr -d ' ')
    limit "$1" $((held + ${2:-2}))
}
feed() { limit "$1" "$soft"; }
limit() { $node_user prlimit --pid "$1" "--nofile=$2:" || fail "the limit of $1 is not set"; }

# hold PORT: many connections that say nothing, until let_go
hold() {
    # shellcheck disable=SC2016
    bash -c 'for i in $(seq $1); do exec {fd}<>/dev/tcp/127.0.0.1/$0 || break; done 2>/dev/null
        exec sleep 300' "$1" $CONNECTIONS &
    holder=$!
    sleep 2
}
let_go() { kill $holder 2>/dev/null; wait $holder 2>/dev/null; }

# becomes CODE COMMAND: before long
becomes() {
    for _ in $(seq 100); do
        [ "$($2)" = "$1" ] && return 0
        sleep 0.2
    done
    fail "$2 does not become $1"
}

nobody_fell() { # WHO
    [ "$(pids)" = "$roles" ] || fail "$1: a role was started again"
    [ "$(wc -l <log)" -lt $LOG_LINES_MAX ] || fail "$1: the log has $(wc -l <log) lines"
}

web_without_descriptors() {
    settings
    node_start
    roles=$(pids) web=$(role_pid web)
    starve "$web"
    hold "$(port_of web)"
    ask unit add alpha --title A
    expect_code 0
    becomes 200 post_code
    let_go
    feed "$web"
    becomes 200 health_code
    nobody_fell web
    node_stop
    expect_code 0
}

intake_without_descriptors() {
    settings
    node_start
    roles=$(pids) intake=$(role_pid intake)
    starve "$intake"
    hold "$(port_of in)"
    ask unit add alpha --title A
    expect_code 0
    becomes 200 health_code
    let_go
    feed "$intake"
    becomes 200 post_code
    nobody_fell intake
    node_stop
    expect_code 0
}

stream_without_descriptors() {
    settings
    node_start
    roles=$(pids) intake=$(role_pid intake)
    starve "$intake"
    began=$(date +%s)
    hold "$(port_of stream)"
    wait_for 'listener stream: no descriptor is left' || fail 'it is not told what is missing'
    becomes 200 health_code
    let_go
    feed "$intake"
    bash -c 'echo "<13>1 2026-11-22T10:00:00Z h t - - - one line" >/dev/tcp/127.0.0.1/$0' \
        "$(port_of stream)" || fail 'a new connection is not taken'
    # each time it rests for a second
    told=$(grep -c 'listener stream: no descriptor is left' log)
    [ "$told" -le $(($(date +%s) - began + 2)) ] || fail "it was told $told times"
    expect_count 1 _source:lines
    becomes 200 post_code
    nobody_fell intake
    node_stop
    expect_code 0
}

engine_without_descriptors() {
    settings
    node_start
    roles=$(pids) engine=$(role_pid engine)
    starve "$engine" 0
    for i in $(seq 32); do
        # shellcheck disable=SC2086
        timeout 60 $node_user "$canh" unit add "many-$i" --title M --config canh.yaml --data data \
            >"out-$i" 2>"errors-$i" &
        clients="${clients:-} $!"
    done
    good=0 told=0
    for client in $clients; do
        wait "$client"
        client_code=$?
        case $client_code in
        0) good=$((good + 1)) ;;
        3 | 4) told=$((told + 1)) ;;
        *) fail "a client ended with $client_code" ;;
        esac
    done
    [ $((good + told)) = 32 ] || fail "$good were served, $told were told"
    [ $told -gt 0 ] || fail 'nobody was sent away'
    grep -q -h 'went away before it answered' errors-* || fail "what is said: $(cat errors-*)"
    becomes 200 health_code
    feed "$engine"
    ask unit add alpha --title A
    expect_code 0
    becomes 200 post_code
    nobody_fell engine
    ask verify
    expect_code 0
    node_stop
    expect_code 0
}

parent_without_descriptors() {
    settings
    node_start
    starve "$node" 0
    engine=$(role_pid engine)
    kill -KILL "$(role_pid query)"
    wait_for 'query cannot be started' || fail 'it is not told that query cannot be started'
    ask unit add alpha --title A
    expect_code 0
    becomes 200 health_code
    becomes 200 post_code
    feed "$node"
    WAIT_S=150 # it is tried again after up to 60 s
    wait_for 'query 0 is ready' 2 || fail 'query did not come back'
    [ "$(role_pid engine)" = "$engine" ] || fail 'the engine was started again'
    [ "$(wc -l <log)" -lt $LOG_LINES_MAX ] || fail "the log has $(wc -l <log) lines"
    node_stop
    expect_code 0
}

cases web_without_descriptors intake_without_descriptors stream_without_descriptors \
    engine_without_descriptors parent_without_descriptors
finish
