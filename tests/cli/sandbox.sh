#!/bin/sh
# sandbox.sh CANH_INJECT SOURCE: each role tries each thing that an intruder would, once its sandbox
# is on. The table is that of DESIGN section 4 and docs/process-model.md:
#   -  it may not, and is held, or ended and reported
#   +  it may: this is its work
#   L  held by Landlock, or by a user of its own: with neither it comes through
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
table='
what              engine intake query web courier
socket            -      -      -     -   +
connect           -      -      -     -   +
exec              -      -      -     -   -
fork              -      -      -     -   -
write_store       +      -      -     -   -
write_state       +      -      -     -   -
read_store        +      -      +     L   L
read_credentials  +      -      L     L   L
read_keys         +      -      L     L   L
ptrace            -      -      -     -   -
kill              -      -      -     -   -
write_exec        -      +      +     -   -
mount             -      -      -     -   -
setuid            -      -      -     -   -
'

settings() {
    cat >canh.yaml <<END
web: {listen: "127.0.0.1:0"}
sources:
  - name: portal
    follow: [$PWD/logs/*.ndjson]
channels:
  - {name: nobody, url: "http://127.0.0.1:9/"}
END
    chmod 0644 canh.yaml
    mkdir -p logs
}

# outcome ROLE WHAT: held, killed, through, or nothing yet
outcome() {
    if grep -q -F "$1 $2: held" log; then
        echo held
    elif grep -q -F "$1 $2: BROKEN" log; then
        echo through
    elif grep -q -F "\"text\":\"$1 tried what it may not" log; then
        echo killed
    fi
}

# try WHAT ROLE...: until each of them has tried it
try() {
    what=$1
    shift
    : >log
    node_own .
    # shellcheck disable=SC2086
    env CANH_INJECT="$(echo "$*" | tr ' ' ','):$what" $layers $node_user "$canh" serve \
        --config canh.yaml --data data >printed 2>log </dev/null &
    node=$!
    for _ in $(seq $((WAIT_S * 10))); do
        missing=
        for role in "$@"; do
            [ -n "$(outcome "$role" "$what")" ] || missing=$role
        done
        [ -z "$missing" ] && break
        sleep 0.1
    done
    node_stop
    expect_code 0
}

# judge ROLE WHAT EXPECTED
judge() {
    found=$(outcome "$1" "$2")
    case $3$found in
    -held | -killed | +through) ;;
    Lheld) [ -z "$layers" ] || [ -n "$own_users" ] || fail "$1 $2: held without Landlock: the table is out of date" ;;
    Lthrough) [ -n "$layers" ] && [ -z "$own_users" ] || fail "$1 $2: came through" ;;
    *) fail "$1 $2: ${found:-was not tried}, expected $3" ;;
    esac
}

walk() {
    settings
    node_start
    node_stop
    roles=
    while read -r what expected; do
        if [ -z "$what" ]; then
            continue
        elif [ -z "$roles" ]; then
            roles=$expected
            continue
        fi
        # the others wait for an engine that does not die of it
        # shellcheck disable=SC2086
        try "$what" ${roles#engine }
        cp log others
        try "$what" engine
        cat others >>log
        # shellcheck disable=SC2086
        set -- $expected
        for role in $roles; do
            judge "$role" "$what" "$1"
            shift
        done
    done <<END
$table
END
    [ -n "$roles" ] || fail 'the table is empty'
}

with_all_layers() {
    layers=
    walk
    grep -q 'partial sandbox' log && fail 'a partial sandbox, where Landlock is there'
}

without_landlock() {
    layers=CANH_WITHOUT_LANDLOCK=1
    walk
    expect_log 'partial sandbox'
}

# As root, with users of their own, and without Landlock: what is left are the rights of files.
with_users_of_their_own() {
    layers=CANH_WITHOUT_LANDLOCK=1
    own_users=yes
    node_users_begin || return 0
    node_user=$in_users
    walk
}

what_was_tried_is_audited() {
    settings
    node_own .
    : >log
    # shellcheck disable=SC2086
    env CANH_INJECT=intake:exec $node_user "$canh" serve --config canh.yaml --data data >printed \
        2>log </dev/null &
    node=$!
    wait_for 'intake tried what it may not' || fail 'it is not logged'
    for _ in $(seq $((WAIT_S * 10))); do
        # shellcheck disable=SC2086
        run $node_user "$canh" audit list --config canh.yaml --data data
        grep -q 'intake tried what it may not' out && break
        sleep 0.1
    done
    expect_out 'intake tried what it may not'
    node_stop
    expect_code 0
}

own_users=
cases what_was_tried_is_audited with_all_layers without_landlock with_users_of_their_own
finish
