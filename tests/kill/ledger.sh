#!/bin/sh
# ledger.sh CANH SOURCE: what is posted with ids, posted without, and appended to a followed file is
# accounted for through SIGKILL of engine, intake and all: nothing that was acknowledged is missing,
# events with ids and lines of files are stored once, those without ids again only when the answer
# of their post was lost; for each source what was received is what became of it, and what the
# ledger calls stored is in the store. CANH_KILL_ROUNDS, CANH_KILL_SEED.
. "$2/tests/cli/expect.sh"
. "$2/tests/cli/node_life.sh"
export CANH_STORE_RESERVE_BYTES=0
ROUNDS=${CANH_KILL_ROUNDS:-6}
random_begin
BATCH=20

settings() {
    cat >canh.yaml <<END
web: {listen: none}
rules: {indicators: false}
sources:
  - {name: named, category: test, format: ndjson}
  - {name: plain, category: test, format: ndjson}
  - {name: file, category: test, format: ndjson, follow: ["$PWD/logs/app.log"]}
listeners:
  - {name: named, listen: "127.0.0.1:0", source: named, token: false}
  - {name: plain, listen: "127.0.0.1:0", source: plain, token: false}
END
    mkdir data logs
    chmod 0751 data
    : >logs/app.log
    : >named.acked
    : >plain.acked
    : >plain.lost
}

# sent NAME TYPE FILE PATH: posts once; true when it was acknowledged
sent() {
    port=$(port_of "$1")
    [ -n "$port" ] || return 1
    [ "$(curl -sS -m 20 -o "$1.answer" -w '%{http_code}' -H "Content-Type: $2" \
        --data-binary "@$3" "http://127.0.0.1:$port$4" 2>>curl.errors)" = 200 ]
}

# Every batch again and again until it is acknowledged; every tenth one is sent twice all the same.
named_run() {
    n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        awk -v n=$n -v count=$BATCH 'BEGIN {
            for (i = 0; i < count; i++)
                printf "{\"create\":{\"_id\":\"%d-%d\"}}\n{\"n\":\"%d-%d\"}\n", n, i, n, i }' >named.body
        until sent named application/x-ndjson named.body /_bulk; do
            [ ! -e stop ] || return
            sleep 0.05
        done
        awk -v n=$n -v count=$BATCH 'BEGIN { for (i = 0; i < count; i++) print n "-" i }' \
            >>named.acked
        [ $((n % 10)) != 0 ] || sent named application/x-ndjson named.body /_bulk
    done
}

# Without ids: a batch whose answer was lost may be stored, and is not sent again.
plain_run() {
    n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        awk -v n=$n -v count=$BATCH 'BEGIN {
            for (i = 0; i < count; i++) printf "{\"n\":\"%d-%d\"}\n", n, i }' >plain.body
        if sent plain application/x-ndjson plain.body /api/v1/ingest; then
            to=plain.acked
        else
            to=plain.lost
            sleep 0.05
        fi
        awk -v n=$n -v count=$BATCH 'BEGIN { for (i = 0; i < count; i++) print n "-" i }' >>$to
    done
}

file_run() {
    n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        awk -v n=$n -v count=$BATCH 'BEGIN {
            for (i = 0; i < count; i++) printf "{\"n\":\"%d-%d\"}\n", n, i }' >>logs/app.log
        sleep 0.02
    done
}

kill_something() {
    random 10
    sleep 0.$((number + 1))
    random 4
    case $number in
    0) what=intake ;;
    1) what=all ;;
    *) what=engine ;;
    esac
    if [ $what = all ]; then
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
    else
        role_kill $what
    fi
}

# stored SOURCE: the `n` of each of its events, sorted
stored() {
    events "_source:$1" | sed -n 's/.*"n":"\([0-9-]*\)".*/\1/p' | sort >"$1.stored"
}

figures() { # the newest, as lines "source received stored unaccounted"
    node_cli sources --output ndjson 2>>search.errors | sed 's/^{"name":"\([a-z]*\)".*"ever":{\([^}]*\)}.*/\1 \2/' >ever
}
figure_of() { # SOURCE NAME
    sed -n "s/^$1 .*\"$2\":\(-\{0,1\}[0-9]*\).*/\1/p" ever
}

file_is_stored() {
    figures
    [ "$(figure_of file stored)" = "$lines" ]
}
nothing_waits() { # what the ledger calls stored is in the store
    figures
    for name in named plain; do
        stored $name
        [ "$(figure_of $name stored)" = "$(wc -l <$name.stored)" ] || return 1
    done
}
settled() { # the whole file is stored, and nothing waits
    lines=$(wc -l <logs/app.log)
    WAIT_S=120
    until_true file_is_stored && until_true nothing_waits && return
    code="the file has $lines lines, the ledger stored $(figure_of file stored)"
    fail "the node does not catch up"
}

source_check() { # SOURCE
    stored "$1"
    count=$(wc -l <"$1.stored")
    code="$1: $(grep "^$1 " ever); in the store: $count"
    [ "$(figure_of "$1" unaccounted)" = 0 ] || fail "records are not accounted for"
    [ "$(figure_of "$1" stored)" = "$count" ] || fail "the ledger and the store do not agree"
    uniq -d <"$1.stored" >"$1.twice"
}

records_are_accounted_for_through_kills() {
    settings
    node_start
    named_run &
    named_pid=$!
    plain_run &
    plain_pid=$!
    file_run &
    file_pid=$!
    round=0
    while [ $round -lt "$ROUNDS" ]; do
        kill_something
        random 3
        sleep $((number + 1))
        round=$((round + 1))
    done
    : >stop
    wait $named_pid $plain_pid $file_pid
    settled
    for name in named plain file; do
        source_check $name
    done
    sort <named.acked >named.sorted
    code=named
    comm -23 named.sorted named.stored >missing
    [ ! -s missing ] || fail "events that were acknowledged are missing: $(head -n 3 missing)"
    [ ! -s named.twice ] || fail "events with ids were stored twice: $(head -n 3 named.twice)"
    code=plain
    sort <plain.acked >plain.sorted
    comm -23 plain.sorted plain.stored >missing
    [ ! -s missing ] || fail "events that were acknowledged are missing: $(head -n 3 missing)"
    [ ! -s plain.twice ] || fail "posts were stored twice: $(head -n 3 plain.twice)"
    sort plain.acked plain.lost >plain.sorted
    comm -13 plain.sorted plain.stored >missing
    [ ! -s missing ] || fail "there are events that nobody sent: $(head -n 3 missing)"
    code=file
    sed 's/.*"n":"\(.*\)".*/\1/' logs/app.log | sort >file.sorted
    cmp -s file.sorted file.stored || fail "the file's lines are not stored once each"
    echo "named $(wc -l <named.acked) acknowledged, plain $(wc -l <plain.acked) (answers lost:" \
        "$(wc -l <plain.lost)), file $(wc -l <logs/app.log) lines"
    grep . ever | cut -c 1-200
    node_stop
}

cases records_are_accounted_for_through_kills
finish
