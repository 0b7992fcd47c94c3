#!/bin/sh
# sandbox_reader.sh CANH_INJECT SOURCE: the reader, which is there for one file only, tries what an
# intruder in a file would: as sandbox.sh has it for the other roles.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG

# outcome WHAT: held, killed, through, or nothing yet
outcome() {
    if grep -q -F "reader $1: held" log; then
        echo held
    elif grep -q -F "reader $1: BROKEN" log; then
        echo through
    elif grep -q -F '"text":"reader tried what it may not' log; then
        echo killed
    fi
}

is_tried() { [ -n "$(outcome "$1")" ]; }
# try WHAT: imports a file through a node whose readers try it
try() {
    : >log
    node_own .
    # shellcheck disable=SC2086
    env CANH_INJECT="reader:$1" $layers $node_user "$canh" serve --config canh.yaml --data data \
        >printed 2>log </dev/null &
    node=$!
    wait_for 'the watch is kept' || fail "the node did not become ready: $(tail -n 3 log)"
    # shellcheck disable=SC2086
    $node_user "$canh" import -q --source files --config canh.yaml --data data events.ndjson \
        >imported 2>&1 </dev/null &
    importer=$!
    until_true is_tried "$1"
    node_stop
    wait $importer
}

walk() {
    printf 'web: {listen: none}\nsources: [{name: files}]\n' >canh.yaml
    chmod 0644 canh.yaml
    echo '{"a":1}' >events.ndjson
    for what in socket connect exec fork write_store write_state read_store read_credentials \
        read_keys ptrace kill mount setuid; do
        try $what
        case $(outcome $what) in
        held | killed) ;;
        *) fail "reader $what: $(outcome $what), it may not" ;;
        esac
    done
    try write_exec
    [ "$(outcome write_exec)" = through ] || fail 'reader write_exec: it is its work'
}

with_all_layers() {
    layers=
    walk
}

without_landlock() {
    layers=CANH_WITHOUT_LANDLOCK=1
    walk
}

cases with_all_layers without_landlock
finish
