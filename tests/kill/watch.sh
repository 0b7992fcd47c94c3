#!/bin/sh
# watch.sh CANH SOURCE LOAD: roles are killed at random moments, or all of them, while every kind of
# listener, a followed file and a drop folder take events in, findings go to a file, and searches and
# the console are used. Afterwards what was acknowledged is there, with ids and from files once; each
# source's records are accounted for, hour by hour, as the store has them; each tenth event has one
# finding, what spans a kill correlates once, and the file has every finding.
# CANH_KILL_ROUNDS (15), CANH_KILL_SEED.
. "$2/tests/cli/expect.sh"
. "$2/tests/cli/node_life.sh"
unset CANH_CONFIG
export CANH_STORE_RESERVE_BYTES=0
load=$3
ROUNDS=${CANH_KILL_ROUNDS:-15}
seed=${CANH_KILL_SEED:-$(date +%s)}
echo "seed $seed"
RATE=200 # events a second of each sender
SETTLE_S=150
LISTENERS='udp tcp count tls ndjson bulk ids'

random() { # MAX: a number below it
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    number=$((seed / 65536 % $1))
}

kind_of() { # LISTENER: canh.yaml's kind
    case $1 in
    udp) echo 'syslog-udp' ;;
    tcp | count) echo 'syslog-tcp' ;;
    tls) echo 'syslog-tcp, tls: true' ;;
    *) echo 'http, token: false' ;;
    esac
}
load_of() { # LISTENER: the load tool's
    case $1 in
    count) echo tcp-count ;;
    ids) echo bulk-id ;;
    *) echo "$1" ;;
    esac
}

settings() {
    mkdir rules logs drop data to
    chmod 0751 data
    : >logs/app.log
    cat >rules/rules.yml <<'END'
title: Hit
id: 11111111-1111-4111-8111-111111111111
status: stable
level: high
logsource: {category: test}
detection:
  hit: {a: hit}
  condition: hit
---
title: Part
name: part
id: 11111111-1111-4111-8111-111111111112
status: stable
level: low
logsource: {category: test}
detection:
  part: {c|startswith: round-}
  condition: part
---
title: Whole
id: 11111111-1111-4111-8111-111111111113
status: stable
level: high
correlation:
  type: event_count
  rules: [part]
  group-by: [c]
  timespan: 1h
  condition: {gte: 5}
END
    {
        echo 'web: {listen: "127.0.0.1:0"}'
        echo "rules: {paths: [\"$PWD/rules\"], indicators: false}"
        echo 'sources:'
        for name in $LISTENERS; do echo "  - {name: $name, category: test}"; done
        echo "  - {name: file, category: test, format: ndjson, follow: [\"$PWD/logs/app.log\"]}"
        echo "  - {name: drop, category: test, drop: \"$PWD/drop\"}"
        echo 'listeners:'
        for name in $LISTENERS; do
            echo "  - {name: $name, listen: \"127.0.0.1:0\", source: $name, kind: $(kind_of $name)}"
        done
        echo 'outputs:'
        echo "  - {name: out, kind: file, path: \"$PWD/to/findings.ndjson\"}"
        echo 'channels:'
        echo '  - {name: nobody, url: "http://127.0.0.1:9/"}'
    } >canh.yaml
}

ports() {
    for name in $LISTENERS; do
        port_of $name >$name.new
        mv $name.new $name.port
    done
}

senders_begin() {
    senders=
    for name in $LISTENERS; do
        "$load" "$(load_of $name)" $name.port $name rate=$RATE connections=2 batch=20 \
            >$name.summary 2>>load.errors &
        senders="$senders $!"
    done
    file_run &
    file_pid=$!
    users_run &
    users_pid=$!
}

file_run() {
    n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        awk -v n=$n 'BEGIN { for (i = 0; i < 20; i++)
            printf "{\"n\":\"%d-%d\",\"a\":\"%s\"}\n", n, i, i % 10 ? "miss" : "hit" }' >>logs/app.log
        sleep 0.1
    done
}

users_run() { # what query and web are there for; a kill may fall on it
    while [ ! -e stop ]; do
        # shellcheck disable=SC2086
        timeout 20 $node_user "$canh" search -q --config canh.yaml --data data -o ndjson --limit 5 \
            'a:hit' >/dev/null 2>&1 </dev/null
        curl -sS -m 5 -o console "http://127.0.0.1:$(port_of web)/health" 2>/dev/null
        sleep 0.5
    done
}

drop_file() { # ROUND: is put there whole
    awk -v n="$1" 'BEGIN { for (i = 0; i < 500; i++)
        printf "{\"n\":\"%d-%d\",\"a\":\"%s\"}\n", n, i, i % 10 ? "miss" : "hit" }' >dropped
    cat dropped >>dropped.all
    node_own dropped
    mv dropped "drop/round-$1.ndjson"
}

# part ROUND FROM TO: events of one correlation, each until it is acknowledged
part() {
    i=$2
    while [ "$i" -le "$3" ]; do
        printf '{"create":{"_id":"part-%s-%s"}}\n{"c":"round-%s","n":"part-%s-%s","@timestamp":"%s"}\n' \
            "$1" "$i" "$1" "$1" "$i" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >part.body
        for _ in $(seq 600); do
            curl -sS -m 20 -o part.answer -H 'Content-Type: application/x-ndjson' \
                --data-binary @part.body "http://127.0.0.1:$(port_of ids)/_bulk" 2>>curl.errors &&
                grep -q '"status":\(20[01]\|409\)' part.answer && break
            sleep 0.1
        done
        echo "part-$1-$i" >>ids.acked
        i=$((i + 1))
    done
}

kill_all() {
    roles=$(pgrep -P "$node")
    kill -KILL "$node"
    wait "$node" 2>/dev/null
    for pid in $roles; do # they end by themselves when the parent is gone
        for _ in $(seq 100); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
    done
    node_start
    ports
}

kill_something() {
    random 8
    case $number in
    0 | 1) what=engine ;;
    2) what=intake ;;
    3) what=query ;;
    4) what=courier ;;
    5) what=web ;;
    6) what=reader ;;
    *) what=all ;;
    esac
    if [ $what = all ]; then
        kill_all
    else
        pid=
        for _ in $(seq 40); do # a reader is there while there is something to read
            pid=$(role_pid $what)
            [ -z "$pid" ] || break
            sleep 0.05
        done
        [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null
    fi
    echo "$what" >>killed
}

# shellcheck disable=SC2086
search() { $node_user "$canh" search -q --config canh.yaml --data data -o ndjson "$@" 2>>search.errors </dev/null; }
ledger() { $node_user "$canh" sources "$@" -o ndjson --config canh.yaml --data data 2>>search.errors </dev/null; }
figure_of() { # SOURCE NAME: ever
    sed -n "s/^{\"name\":\"$1\".*\"ever\":{[^}]*\"$2\":\(-\{0,1\}[0-9]*\).*/\1/p" ever
}
in_file() { sed -n 's/.*"event":{[^}]*"id":"\([^"]*\)".*/\1/p' to/findings.ndjson | sort -u; }
ids_of() { sed -n 's/^{"id":"\([^"]*\)".*/\1/p' "$1" | sort -u; }

settled() {
    for _ in $(seq $SETTLE_S); do
        sleep 1
        ledger >ever
        waits="file $(figure_of file stored) of $(wc -l <logs/app.log)"
        [ "$(figure_of file stored)" = "$(wc -l <logs/app.log)" ] || continue
        waits="drop: $(ls drop)"
        [ -z "$(find drop -maxdepth 1 -type f)" ] || continue
        search -p _findings '*' >findings
        ids_of findings >findings.ids
        in_file >out.ids
        waits="output $(wc -l <out.ids) of $(wc -l <findings.ids)"
        [ "$(comm -23 findings.ids out.ids | wc -l)" = 0 ] || continue
        ledger >now # nothing was stored meanwhile
        [ "$(grep -o '"ever":{[^}]*' ever)" = "$(grep -o '"ever":{[^}]*' now)" ] && return 0
        waits='the ledger goes on'
    done
    fail "the node does not come to rest: $waits"
}

ledger_check() { # SOURCE
    [ "$(figure_of "$1" unaccounted)" = 0 ] || fail 'records are not accounted for'
    [ "$(figure_of "$1" stored)" = "$stored" ] ||
        fail "the ledger says $(figure_of "$1" stored) stored, the store has $stored"
    hours=$(ledger --hours "$1" | sed -n 's/.*"stored":\([0-9]*\).*/\1/p' | awk '{ s += $1 } END { print s + 0 }')
    [ "$hours" = "$stored" ] || fail "the hours say $hours stored, the store has $stored"
}

source_check() { # SOURCE; the ledger counts what comes live, not what is imported
    code="$1: $(grep "^{\"name\":\"$1\"" ever | grep -o '"ever":{[^}]*}')"
    search "_source:$1" >"$1.rows"
    stored=$(wc -l <"$1.rows")
    sed -n 's/.*"n":"\([^"]*\)".*/\1/p' "$1.rows" | sort >"$1.stored"
    [ "$1" = drop ] || ledger_check "$1"
    [ "$stored" -gt 0 ] || fail 'nothing was stored'
    uniq -d <"$1.stored" >"$1.twice"
    grep '"a":"hit"' "$1.rows" | sed -n 's/^{"id":"\([^"]*\)".*/\1/p' >>hits
}

acknowledged_check() { # SOURCE: what was acknowledged is stored, and nothing that was not sent
    code=$1
    sort "$1.acked" >"$1.sorted"
    comm -23 "$1.sorted" "$1.stored" >missing
    [ ! -s missing ] || fail "$(wc -l <missing) acknowledged events are missing: $(head -n 3 missing)"
    sort "$1.acked" "$1.unsure" >"$1.sorted"
    comm -13 "$1.sorted" "$1.stored" >missing
    [ ! -s missing ] || fail "there are events that nobody sent: $(head -n 3 missing)"
    [ ! -s "$1.twice" ] || fail "stored twice: $(head -n 3 "$1.twice")"
}

findings_check() {
    code='findings'
    # of each finding of the rule the event that it is about
    grep '"Hit"' findings | sed -n 's/.*"event.id":"\([^"]*\)".*/\1/p' | sort >hit.findings
    sort hits >hit.events
    [ "$(wc -l <hit.findings)" = "$(wc -l <hit.events)" ] && cmp -s hit.findings hit.events ||
        fail "$(wc -l <hit.events) events want one finding each; there are $(wc -l <hit.findings), \
lost: $(comm -13 hit.findings hit.events | wc -l), twice: $(uniq -d hit.findings | wc -l)"
    code='correlations'
    grep '"Whole"' findings | grep -o 'round-[0-9]*' | sort | uniq -c >fired
    r=1
    while [ $r -le "$ROUNDS" ]; do
        grep -q " round-$r\$" fired || fail "round-$r did not correlate"
        r=$((r + 1))
    done
    [ "$(grep -c '"Whole"' findings)" = "$ROUNDS" ] ||
        fail "$(grep -c '"Whole"' findings) correlations fired, not $ROUNDS"
}

the_watch_goes_on_through_kills() {
    settings
    node_start
    ports
    senders_begin
    round=1
    while [ $round -le "$ROUNDS" ]; do
        part $round 1 3
        drop_file $round
        random 10
        sleep 0.$number
        kill_something
        part $round 4 5
        round=$((round + 1))
    done
    : >stop
    for pid in $senders; do kill -TERM "$pid"; done
    # shellcheck disable=SC2086
    wait $senders $file_pid $users_pid
    settled
    : >hits
    for name in $LISTENERS file drop; do source_check $name; done
    for name in ndjson bulk ids; do acknowledged_check $name; done
    for name in file drop; do
        code=$name
        cat logs/app.log >file.sent
        cat dropped.all >drop.sent
        sed 's/.*"n":"\([^"]*\)".*/\1/' $name.sent | sort >$name.sorted
        cmp -s $name.sorted $name.stored || fail "the lines are not stored once each: lost \
$(comm -23 $name.sorted $name.stored | wc -l), too many $(comm -13 $name.sorted $name.stored | wc -l)"
    done
    findings_check
    echo "killed: $(sort killed | uniq -c | tr -s '\n ' ' ')"
    for name in $LISTENERS file drop; do
        echo "$name: acknowledged $(cat $name.acked 2>/dev/null | wc -l), unsure" \
            "$(cat $name.unsure 2>/dev/null | wc -l), stored $(wc -l <$name.rows)"
    done
    echo "findings: $(wc -l <hit.findings) of events, $ROUNDS of correlations;" \
        "in the file: $(wc -l <to/findings.ndjson) lines"
    [ "$failed" = 0 ] || [ -z "${CANH_KILL_KEEP:-}" ] || cp -r . "$CANH_KILL_KEEP"
    node_stop
    expect_code 0
}

cases the_watch_goes_on_through_kills
finish
