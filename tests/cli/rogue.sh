#!/bin/sh
# rogue.sh CANH_INJECT SOURCE: a role that was taken over says to the engine what it may not, floods
# it, or does not read: the engine lives on, the role is ended and started again, and all is known.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
RSS_GROWTH_KB=131072 # what a wire may hold back, and more
grep -q __asan_init "$canh" && RSS_GROWTH_KB=1500000

settings() {
    cat >canh.yaml <<END
web: {listen: "127.0.0.1:0"}
sources:
  - {name: app, category: test}
listeners:
  - {name: in, listen: "127.0.0.1:0", source: app, token: false}
channels:
  - {name: nobody, url: "http://127.0.0.1:9/"}
END
    chmod 0644 canh.yaml
}

rss_kb() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"; }
ask() {
    # shellcheck disable=SC2086
    run timeout 60 $node_user "$canh" "$@" --config canh.yaml --data data
}

# rogue_start ROLE WHAT
rogue_start() {
    node_own .
    : >log
    # shellcheck disable=SC2086
    env CANH_INJECT="$1:$2" $node_user "$canh" serve --config canh.yaml --data data >printed 2>log \
        </dev/null &
    node=$!
    wait_for 'engine 0 is ready' || fail 'the engine did not become ready'
    engine=$(role_pid engine)
    before_kb=$(rss_kb "$engine")
    wait_for "$1 does $2" || fail "$1 did not do $2"
}

# The engine is the process it was, answers, and has not grown beyond what a wire may hold.
engine_lives_on() { # ROLE WHAT
    [ "$(role_pid engine)" = "$engine" ] || fail "$1 $2: the engine is another process"
    [ "$(grep -c 'engine 0 is ready' log)" = 1 ] || fail "$1 $2: the engine was started again"
    ask unit add "$1-$2" --title "Unit beside $1"
    expect_code 0
    grown_kb=$(($(rss_kb "$engine") - before_kb))
    [ $grown_kb -lt $RSS_GROWTH_KB ] || fail "$1 $2: the engine grew by $grown_kb KB"
}

# rogue ROLE WHAT: is cut off, twice, since it does it again
rogue() {
    rogue_start "$1" "$2"
    wait_for "$1 broke the rules of its wire" 2 || fail "$1 $2: is not cut off, or not started again: $(tail -n 3 log)"
    engine_lives_on "$1" "$2"
    grep -q BROKEN log && fail "$1 $2: came through"
    ask audit list
    expect_out "$1 broke the rules of its wire"
    [ "$1" = web ] || violations_are_counted "$1" "$2"
    ask audit verify
    expect_code 0
    node_stop
    expect_code 0
}

violations_are_counted() { # ROLE WHAT
    if [ ! -s token ]; then
        ask user add looker --title Looker --role officer
        expect_code 0
        ask token add looker --user looker --right read --expires 12h -o ndjson
        expect_code 0
        sed -n 's/.*"token":"\([^"]*\)".*/\1/p' out >token
    fi
    run curl -sS -m 60 -H "Authorization: Bearer $(cat token)" \
        "http://127.0.0.1:$(port_of web)/metrics"
    counted=$(sed -n 's/^canh_wire_violations_total[^ ]* \([0-9]*\).*/\1/p' out)
    [ "${counted:-0}" -ge 2 ] || fail "$1 $2: ${counted:-no} violations are counted"
}

intake_is_cut_off() {
    settings
    for what in garbage flood_haul no_read forged_partition forged_rule; do
        rogue intake $what
    done
    # no other haul than a forged one was sent: nothing of it is stored
    node_start
    ask search -o ndjson '*'
    expect_lines 0
    node_stop
}

web_is_cut_off() {
    settings
    for what in garbage flood_haul no_read; do
        rogue web $what
    done
    # thousands of long answers take AddressSanitizer minutes
    grep -q __asan_init "$canh" || rogue web no_read_long
}

others_are_cut_off() {
    settings
    rogue query garbage
    rogue courier garbage
    rogue courier sent_unknown
}

# What it may ask, but without end: others are served meanwhile.
a_flood_is_borne() {
    settings
    for role in intake web; do
        rogue_start $role flood_who
        for i in 1 2 3; do
            ask unit add "$role-$i" --title "Unit $i"
            expect_code 0
        done
        wait_for "$role has flooded: to the end" || fail "$role did not flood to the end"
        engine_lives_on $role flood_who
        node_stop
        expect_code 0
    done
}

cases intake_is_cut_off web_is_cut_off others_are_cut_off a_flood_is_borne
finish
