#!/bin/sh
# verify.sh CANH SOURCE: canh verify and canh prove.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG

store() {
    n=1
    while [ $n -le 50 ]; do
        printf '{"@timestamp":"2026-11-22T08:00:%02dZ","number":%d}\n' $n $n
        n=$((n + 1))
    done >a.ndjson
    "$canh" import -q --data data a.ndjson >/dev/null || fail import
}

a_whole_store_is_whole() {
    store
    run "$canh" verify --data data -o table
    expect_code 0
    expect_out 'checked 50 events'
    expect_out '0 problems'
    expect_out 'unanchored'
    run "$canh" verify --data data
    expect_code 0
    expect_lines 1
    expect_out '"problems":0'
    run "$canh" verify --data data -o table --lang vi
    expect_out 'không có mốc đối chiếu'
}

heads_anchor_it() {
    store
    head=$(sed -n 's/^heads [^ ]* [^ ]* [^ ]* \([0-9a-f]*\) .*/\1/p' data/notary/*.log | tail -n 1)
    [ -n "$head" ] || fail 'the notary has no head'
    run "$canh" verify --data data --head "$head" -o table
    expect_code 0
    expect_out 'anchored: the head that was given is in the chain'
    run "$canh" verify --data data --head "$(echo "$head" | tr 0123456789 1234567890)" -o table
    expect_code 1
    expect_out 'is NOT in the chain'
    run "$canh" verify --data data --head abc
    expect_code 2
    expect_error '64 hex digits'
    run "$canh" verify --data data more
    expect_code 2
    run "$canh" verify --data none
    expect_code 3
}

changes_are_found() {
    store
    segment=$(find data/segments -name '*.segment' | head -n 1)
    chmod u+w "$segment"
    printf 'X' | dd of="$segment" bs=1 seek=300 conv=notrunc 2>/dev/null
    run "$canh" verify --data data -o table
    expect_code 1
    expect_out "$(basename "$segment")"
    run "$canh" verify --data data
    expect_code 1
    expect_out '{"problem":"'
}

one_event_is_proved() {
    store
    run "$canh" prove 1:7 --data data
    expect_code 0
    [ -s proof-1-7/event.txt ] || fail 'the bundle has no event.txt'
    grep -q 'number=7' proof-1-7/event.txt || fail 'another event was proved'
    run "$canh" prove 8 --data data --out bundle
    expect_code 0
    grep -q 'number=8' bundle/event.txt || fail 'the event of a number alone'
    run "$canh" prove 1:7000 --data data
    expect_code 3
    run "$canh" prove 9:7 --data data
    expect_code 3
    expect_error 'of another store'
    run "$canh" prove seven --data data
    expect_code 2
    run "$canh" prove --data data
    expect_code 2
    expect_error 'canh prove 1:4711'
}

cases a_whole_store_is_whole heads_anchor_it changes_are_found one_event_is_proved
finish
