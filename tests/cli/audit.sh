#!/bin/sh
# audit.sh CANH SOURCE: canh audit list, verify, export; what somebody changed in the file is found.
. "$(dirname "$0")/node.sh"

chain() {
    node_config
    for name in alpha bravo charlie; do
        "$canh" unit add $name --title "Title of $name" -q >/dev/null || fail "unit add"
    done
    run "$canh" audit verify -o ndjson
    expect_code 0
    head=$(value head)
}

# tamper OLD NEW: the same number of bytes, in the file itself
tamper() {
    LC_ALL=C grep -q -a "$1" data/state/state.db || fail "$1 does not stand in state.db"
    LC_ALL=C sed -i "s/$1/$2/g" data/state/state.db
}

expect_found_out() {
    run "$canh" audit verify -o table
    expect_code 1
    run "$canh" audit verify --head "$head" -o ndjson
    expect_code 1
    expect_out '"problem":'
}

an_honest_chain_holds() {
    chain
    run "$canh" audit verify -o table
    expect_code 0
    expect_out 'checked 4 rows: 0 problems'
    expect_out 'unanchored'
    expect_out "$head"
    run "$canh" audit verify --lang vi -o table
    expect_out 'chưa neo'
    run "$canh" audit verify --head "$head" -o table
    expect_code 0
    expect_out 'anchored: '
    "$canh" unit add delta --title D -q >/dev/null || fail "unit add"
    run "$canh" audit verify --head "$head"
    expect_code 0
    expect_out '"anchored":true'
    run "$canh" audit verify --head 12
    expect_code 2
    run "$canh" audit list -n 2
    expect_lines 2
    run "$canh" audit list --command unit.add --object unit/2
    expect_lines 1
    run "$canh" audit export
    expect_lines 5
    head -n 1 out | grep -q '"id":1,' || fail "the first row is not the first"
    run "$canh" audit export --after 3
    expect_lines 2
}

a_changed_row_is_found() {
    for old in 'Title of bravo' 'unit.add' 'unix:' 'control'; do
        rm -rf data
        chain
        tamper "$old" "$(printf %s "$old" | tr 'a-y' 'b-z')"
        expect_found_out
    done
}

the_last_row_is_watched() {
    chain
    tamper 'Title of charlie' 'Title of CHARLIE'
    expect_found_out
}

# An older state put in the place of the newer one is whole in itself: only a head tells.
an_older_chain_needs_a_head() {
    chain
    cp -a data older
    "$canh" unit add delta --title D -q >/dev/null || fail "unit add"
    run "$canh" audit verify -o ndjson
    newest=$(value head)
    rm -rf data
    mv older data
    run "$canh" audit verify
    expect_code 0
    run "$canh" audit verify --head "$newest"
    expect_code 1
    expect_out '"anchored":false'
}

a_key_that_is_not_the_nodes() {
    chain
    openssl genpkey -algorithm ed25519 2>/dev/null | openssl pkey -pubout >other.pem 2>/dev/null ||
        return
    run "$canh" audit verify --public-key other.pem
    expect_code 1
    openssl pkey -in data/keys/node.key -pubout >own.pem 2>/dev/null || return
    run "$canh" audit verify --public-key own.pem
    expect_code 0
}

with_a_daemon() {
    chain
    node_start || return
    "$canh" unit add delta --title D -q >/dev/null || fail "unit add"
    run "$canh" audit verify --head "$head"
    expect_code 0
    node_stop
}

cases an_honest_chain_holds a_changed_row_is_found the_last_row_is_watched \
    an_older_chain_needs_a_head     a_key_that_is_not_the_nodes with_a_daemon
finish
