#!/bin/sh
# tail.sh CANH SOURCE: canh tail, with and without --follow.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG

events() { # FIRST LAST
    n=$1
    while [ "$n" -le "$2" ]; do
        printf '{"@timestamp":"2026-11-22T08:%02d:00Z","number":%d,"word":"w%d"}\n' $((n % 60)) "$n" $((n % 2))
        n=$((n + 1))
    done
}

store() {
    events 1 20 >a.ndjson
    "$canh" import -q --data data a.ndjson >/dev/null || fail import
}

numbers() { sed 's/.*"number":\([0-9]*\).*/\1/' "$1" | tr '\n' ' '; }

# wait_lines FILE COUNT
wait_lines() {
    tries=0
    while [ "$(wc -l <"$1")" -lt "$2" ] && [ $tries -lt 200 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}

the_newest_come_last() {
    store
    run "$canh" tail --data data
    expect_code 0
    expect_lines 10
    [ "$(numbers out)" = '11 12 13 14 15 16 17 18 19 20 ' ] || fail 'not the newest ten, in order'
    run "$canh" tail --data data -n 2 word:w1
    [ "$(numbers out)" = '17 19 ' ] || fail 'not the newest two of a query'
    run "$canh" tail --data data -n 2 -o table
    expect_lines 3
    run "$canh" tail --data data '* | stats count()'
    expect_code 2
    expect_error 'canh search'
    run "$canh" tail --data data 'wrd:w1'
    expect_code 2
    expect_error "did you mean 'word'?"
    run "$canh" tail --data none
    expect_code 3
}

new_ones_are_followed_each_once() {
    store
    "$canh" tail --data data -n 2 --follow >out 2>errors &
    follower=$!
    wait_lines out 2
    for i in 1 2 3; do
        events $((i * 100)) $((i * 100 + 9)) >"more$i.ndjson"
        "$canh" import -q --data data "more$i.ndjson" >/dev/null || fail "import $i"
    done
    wait_lines out 32
    kill -INT $follower
    wait $follower
    code=$?
    expect_code 0
    expect_lines 32
    expect_out '"number":309'
    sort out | uniq -d >twice
    [ ! -s twice ] || fail 'an event came twice'
}

a_reader_that_goes_away_ends_it() {
    store
    { "$canh" tail --data data -n 1 --follow 2>errors; echo $? >code; } | head -n 1 >out
    code=$(cat code)
    expect_code 0
    expect_lines 1
}

cases the_newest_come_last new_ones_are_followed_each_once a_reader_that_goes_away_ends_it
finish
