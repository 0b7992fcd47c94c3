#!/bin/sh
# hostile_net.sh CANH SOURCE LOAD HOSTILE: senders that do not behave: slow ones, ones that say
# nothing or never read, garbage on every port, TLS where there is none and none where there is,
# handshakes that stop, bodies that are too large, bombs, depth, a million bad items. Meanwhile the
# events of those who behave go on arriving, intake's memory stays bounded, and no role falls.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
export CANH_STORE_RESERVE_BYTES=0
load=$3
hostile=$4
for tool in openssl zstd gzip; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
INTAKE_KB_MAX=900000
grep -q __asan_init "$canh" && INTAKE_KB_MAX=4000000
SLOWEST_MS_MAX=20000
LISTENERS='udp tcp tls mtls gelf gelfudp http https'

kind_of() {
    limits='connections: 300, connections_per_address: 100, timeout: 3s'
    case $1 in
    udp) echo 'syslog-udp' ;;
    tcp) echo "syslog-tcp, $limits" ;;
    tls) echo "syslog-tcp, tls: true, $limits" ;;
    mtls) echo "syslog-tcp, tls: true, client_ca_file: \"$PWD/ca.crt\", $limits" ;;
    gelf) echo "gelf-tcp, $limits" ;;
    gelfudp) echo 'gelf-udp' ;;
    http) echo "http, token: false, $limits" ;;
    https) echo "http, token: false, tls: true, $limits" ;;
    esac
}

certificate() { # NAME: signed by itself
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
        -keyout "$1.key" -out "$1.crt" 2>/dev/null
    chmod 0644 "$1.crt"
}

settings_write() {
    mkdir data
    certificate ca
    certificate stranger
    {
        echo 'web: {listen: "127.0.0.1:0", timeout: 3s}'
        echo 'rules: {indicators: false}'
        echo 'sources:'
        echo '  - {name: good, category: test}'
        echo '  - {name: bad, category: test}'
        echo 'listeners:'
        for name in $LISTENERS; do
            echo "  - {name: $name, listen: \"127.0.0.1:0\", source: bad, kind: $(kind_of $name)}"
        done
        # who behaves speaks to the same processes, some at the very same ports; lines have no
        # answer, so that a machine that stands still must not end their connection
        echo "  - {name: goodtcp, listen: \"127.0.0.1:0\", source: good, kind: syslog-tcp," \
            'connections: 300, connections_per_address: 100, timeout: 60s}'
        echo "  - {name: goodhttp, listen: \"127.0.0.1:0\", source: good, kind: $(kind_of http)}"
    } >canh.yaml
    node_start
    for name in $LISTENERS goodtcp goodhttp; do port_of $name >$name.port; done
}

settings() {
    settings_write
    roles=$(pids)
    "$load" bulk-id goodhttp.port posts rate=100 connections=2 batch=10 >posts.summary &
    senders=$!
    "$load" bulk-id http.port beside rate=100 connections=2 batch=10 >beside.summary &
    senders="$senders $!"
    "$load" tcp goodtcp.port lines rate=100 connections=2 batch=10 >lines.summary &
    senders="$senders $!"
    # before others want all places
    for name in posts beside lines; do
        until_true has_lines $name.acked 1 '^0-' && until_true has_lines $name.acked 1 '^1-' ||
            fail "$name does not send"
    done
}

pids() { for role in engine intake query web; do role_pid $role; done | tr '\n' ' '; }
# shellcheck disable=SC2086
ask() { $node_user "$canh" "$@" --config canh.yaml --data data 2>>ask.errors </dev/null; }
answer() { sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "$1.summary"; }
bad() { # MODE LISTENER CONNECTIONS SECONDS FILE
    "$hostile" "$1" "$(cat "$2.port")" "$3" "$4" "$5" >>hostile.out ||
        fail "the tool failed: $*"
}

# What those who behave sent is there, at once or soon; nobody fell.
the_others_are_served() { # WHAT
    # shellcheck disable=SC2086
    kill -TERM $senders
    # shellcheck disable=SC2086
    wait $senders
    sent=0
    for name in posts lines; do sent=$((sent + $(answer $name acked))); done
    for _ in $(seq 100); do
        ask sources -o ndjson >ever
        stored=$(sed -n 's/^{"name":"good".*"ever":{[^}]*"stored":\([0-9]*\).*/\1/p' ever)
        [ "$stored" -ge "$sent" ] && break
        sleep 0.2
    done
    code="$1: $(cat posts.summary beside.summary lines.summary)"
    [ "$sent" -gt 0 ] && [ "$stored" -ge "$sent" ] || fail "$sent were sent, $stored are stored"
    for name in posts beside; do
        [ "$(answer $name acked)" -gt 0 ] || fail "$name was not served"
        [ "$(answer $name slowest_ms)" -lt $SLOWEST_MS_MAX ] || fail "$name had to wait"
        [ "$(answer $name answers_lost)" = 0 ] || fail "$name lost answers"
    done
    grep -q '"ever":{[^}]*"unaccounted":[1-9-]' ever && fail 'records are not accounted for'
    [ "$(pids)" = "$roles" ] || fail 'a role was started again'
    ask status >status
    grep -q '"restarts":[1-9]' status && fail 'the status tells of restarts'
    peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$(role_pid intake)/status")
    [ "$peak" -lt $INTAKE_KB_MAX ] || fail "intake had $peak kB"
    echo "$1: slowest answers $(answer posts slowest_ms) and $(answer beside slowest_ms) ms," \
        "intake had at most $peak kB"
    node_stop
    expect_code 0
}

slow_and_silent_ones() {
    settings
    : >nothing
    printf 'POST /_bulk HTTP/1.1\r\nHost: localhost\r\nX-Long: %s' "$(printf '%0500d' 1)" >head.slow
    printf 'POST /_bulk HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-ndjson\r\nContent-Length: 999999\r\n\r\n{"create"' >body.slow
    printf '<13>Nov 22 10:00:00 host app: begun and never' >line.slow
    printf '\026\003\001\002\000\001\000\001\374\003\003' >hello.half
    jobs=
    for one in 'slow http 90 12 head.slow' 'hold http 90 12 body.slow' 'slow tcp 90 12 line.slow' \
        'hold tls 90 12 hello.half' 'slow mtls 90 12 hello.half' 'hold https 90 12 hello.half' \
        'hold gelf 90 12 line.slow'; do
        # shellcheck disable=SC2086
        bad $one &
        jobs="$jobs $!"
    done
    # a thousand that say nothing, from ten addresses, at a listener for three hundred
    for i in 1 2 3 4 5 6 7 8 9 10; do
        CANH_SEND_FROM=127.0.1.$i bad hold goodtcp 100 12 nothing &
        jobs="$jobs $!"
    done
    # shellcheck disable=SC2086
    wait $jobs
    [ "$(sed 's/.*"connections":\([0-9]*\).*/\1/' hostile.out | awk '{ s += $1 } END { print s }')" -ge 1000 ] ||
        fail "too few connections were made: $(cat hostile.out)"
    the_others_are_served 'slow and silent'
}

# Ticks of a processor that intake has taken.
ticks() { awk '{ print $14 + $15 }' "/proc/$(role_pid intake)/stat"; }

# A loop that goes round while it waits would take all of the 3 s that a handshake may take.
half_a_handshake_is_waited_for() {
    settings_write
    printf '\026\003\001\002\000\001\000\001\374\003\003' >hello.half
    for name in https mtls tls; do
        before_ticks=$(ticks)
        bad hold $name 20 4 hello.half
        used=$(($(ticks) - before_ticks))
        [ $used -lt 150 ] || fail "$name: intake took $used ticks of $(getconf CLK_TCK) a second"
    done
    expect_stop
}

garbage_and_wrong_tls() {
    settings
    head -c 2000000 /dev/urandom >garbage
    printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' >get
    printf '99999999999999999999 <13>' >count.huge
    { printf '9000000 <13>'; head -c 9000000 /dev/zero | tr '\0' y; } >message.huge
    for name in tcp tls mtls gelf http https; do
        bad count $name 5 2 garbage
        bad count $name 3 1 get
    done
    bad count tcp 3 2 count.huge
    bad count tcp 3 4 message.huge
    bad count gelf 3 4 message.huge
    bad count http 3 2 message.huge
    for name in tcp gelf http; do # TLS to those that speak none
        timeout 5 openssl s_client -connect "127.0.0.1:$(cat $name.port)" </dev/null >tls.out 2>&1
    done
    for i in 1 2 3; do # a certificate of a stranger, and none
        echo '<13>Nov 22 10:00:00 host app: stranger' | timeout 5 openssl s_client -quiet \
            -connect "127.0.0.1:$(cat mtls.port)" -cert stranger.crt -key stranger.key >tls.out 2>&1
        echo '<13>Nov 22 10:00:00 host app: stranger' | timeout 5 openssl s_client -quiet \
            -connect "127.0.0.1:$(cat mtls.port)" >tls.out 2>&1
    done
    [ "$(ask search -q 'message:stranger' -o ndjson | wc -l)" = 0 ] || fail 'a stranger is heard'
    the_others_are_served 'garbage, wrong TLS'
}

# post NAME CODES [CURL OPTIONS]: the answer's status is one of them
post() {
    name=$1
    codes=$2
    shift 2
    got=$(curl -sS -m 60 -o "answer.$name" -w '%{http_code}' "$@" 2>errors)
    code="$name: $(head -c 200 "answer.$name")"
    case " $codes " in *" $got "*) ;; *) fail "$name: HTTP $got, not one of $codes" ;; esac
}

bodies() {
    head -c 300000000 /dev/zero | gzip -9 >zeros.gz
    head -c 300000000 /dev/zero | zstd -q -19 -c >zeros.zst
    gzip -c zeros.gz >twice.gz
    { printf '\377\377\377\377\017'; head -c 1000000 /dev/zero | tr '\0' '\376'; } >bomb.snappy
    { printf '{"create":{}}\n'; head -c 3000000 /dev/zero | tr '\0' '['; echo; } >deep
    awk 'BEGIN { for (i = 0; i < 1000000; i++) print "{\"create\":{}}\nx" }' >bad.lines
    awk 'BEGIN { for (i = 0; i < 1000000; i++) print "{}" }' >actions.wrong
    head -c 20000000 /dev/zero | tr '\0' ' ' >large
    awk 'BEGIN { for (i = 0; i < 200; i++) printf "POST /api/v1/ingest HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-ndjson\r\nContent-Length: 8\r\n\r\n{\"n\":%d}\n", i % 10 }' >pipelined
    awk 'BEGIN { for (i = 0; i < 500; i++) printf "GET /_nodes HTTP/1.1\r\nHost: h\r\n\r\n" }' >asked
}

bodies_that_hurt() {
    bodies
    settings
    at="http://127.0.0.1:$(cat http.port)"
    type='Content-Type: application/x-ndjson'
    for path in /_bulk /api/v1/ingest; do
        post gzip '400 413' -H "$type" -H 'Content-Encoding: gzip' --data-binary @zeros.gz "$at$path"
        post zstd '400 413' -H "$type" -H 'Content-Encoding: zstd' --data-binary @zeros.zst "$at$path"
        post twice '200 400 413' -H "$type" -H 'Content-Encoding: gzip' --data-binary @twice.gz "$at$path"
        post snappy '400 413' -H "$type" -H 'Content-Encoding: snappy' --data-binary @bomb.snappy "$at$path"
        post deep '200 400' -H "$type" --data-binary @deep "$at$path"
        post large '413' -H "$type" --data-binary @large "$at$path"
        post unpacked '400' -H "$type" -H 'Content-Encoding: gzip' --data-binary @deep "$at$path"
    done
    post endless '413' -H "$type" -H 'Content-Length: 9999999999' -H 'Expect: 100-continue' -X POST "$at/_bulk"
    post lines '200 400 413' -H "$type" --data-binary @bad.lines "$at/_bulk"
    post actions '200 400 413' -H "$type" --data-binary @actions.wrong "$at/_bulk"
    post otlp '400' -H 'Content-Type: application/x-protobuf' --data-binary @bomb.snappy "$at/v1/logs"
    bad count http 1 5 pipelined
    [ "$(sed -n '$s/.*"answers":\([0-9]*\).*/\1/p' hostile.out)" = 200 ] ||
        fail "200 requests at once: $(tail -n 1 hostile.out)"
    bad flood http 50 6 asked # never reads what it asked for
    bad flood http 20 6 pipelined
    the_others_are_served 'bodies that hurt'
}

cases half_a_handshake_is_waited_for slow_and_silent_ones garbage_and_wrong_tls bodies_that_hurt
finish
