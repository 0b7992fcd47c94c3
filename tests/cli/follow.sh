#!/bin/sh
# follow.sh CANH SOURCE: files that are followed while they are rotated, cut off, copied and cut off,
# and replaced, and while intake is killed: no line is lost, none is stored twice.
. "$(dirname "$0")/expect.sh"
export CANH_STORE_RESERVE_BYTES=0
. "$(dirname "$0")/node_life.sh"

settings() { # settings PATTERN
    mkdir -p logs
    rule_seen
    cat >canh.yaml <<END
web: {listen: "none"}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: app, category: test, format: json, follow: ["$PWD/logs/$1"]}
END
    chmod 0755 logs
}
# each number from 1 to N is there once
expect_each() { expect_values "$1" '"n":\([0-9]*\)[,}]' '_source:app'; }

# Rotated files are found by the pattern, too: what an intake that was killed had not read of one,
# the next reads.
rotated_while_intake_is_killed() {
    settings 'a.log*'
    : >logs/a.log
    node_start
    for round in 1 2 3 4 5 6; do
        first=$(((round - 1) * 2000 + 1))
        lines $first $((first + 999)) >>logs/a.log
        [ $((round % 2)) = 0 ] || role_kill intake
        lines $((first + 1000)) $((first + 1899)) >>logs/a.log
        sleep 1
        mv logs/a.log logs/a.log.$round
        lines $((first + 1900)) $((first + 1999)) >>logs/a.log.$round
        lines $((first + 2000)) $((first + 1999)) >logs/a.log
        node_own logs
    done
    expect_each 12000
    expect_stop
}

copied_and_cut_off() {
    if ! command -v logrotate >/dev/null; then
        echo "skipped: logrotate is not installed"
        return
    fi
    settings 'a.log'
    : >logs/a.log
    node_start
    printf '"%s/logs/a.log" {\n copytruncate\n rotate 9\n su root root\n}\n' "$PWD" >rotate.conf
    chmod 0644 rotate.conf
    for round in 1 2 3; do
        first=$(((round - 1) * 1000 + 1))
        lines $first $((first + 999)) >>logs/a.log
        node_own logs
        expect_count $((round * 1000)) '_source:app' # what is read by then is not lost
        [ $round = 2 ] && role_kill intake
        if [ "$(id -u)" = 0 ]; then
            logrotate -f -s state rotate.conf 2>errors || fail "logrotate: $(cat errors)"
        else
            cp logs/a.log logs/a.log.1 && : >logs/a.log
        fi
        [ ! -s logs/a.log ] || fail 'it was not cut off'
        sleep 1
    done
    lines 3001 3010 >>logs/a.log
    expect_each 3010
    node_stop
}

odd_files() {
    settings '*.log'
    node_start
    lines 1 5 >logs/late.log # appears later
    printf '{"a":"miss","n":6}' >logs/open.log # a line without end waits
    mkdir logs/folder.log
    ln -s "$PWD/logs/late.log" logs/link.log
    node_own logs
    expect_count 5 '_source:app'
    echo >>logs/open.log
    expect_count 6 '_source:app'
    rm logs/late.log
    mkdir logs/late.log # a folder in its place
    lines 7 8 >>logs/open.log
    expect_count 8 '_source:app'
    rmdir logs/late.log
    lines 9 10 >logs/late.log
    node_own logs
    expect_each 10
    role_kill engine
    lines 11 1010 >>logs/open.log
    expect_each 1010
    node_kill
    lines 1011 1012 >>logs/open.log
    node_start
    expect_each 1012
    node_stop
}

# What is on its way when the engine is killed is handed to the next one, and not read once more.
a_block_on_its_way_is_stored_once() {
    settings 'a.log'
    : >logs/a.log
    node_start
    for round in 1 2 3; do
        lines $((round * 20 - 19)) $((round * 20 - 10)) >>logs/a.log
        expect_count $((round * 20 - 10)) '_source:app'
        engine=$(role_pid engine)
        kill -STOP "$engine"
        lines $((round * 20 - 9)) $((round * 20)) >>logs/a.log
        sleep 1 # read and handed over, as a rule
        kill -KILL "$engine"
        expect_count $((round * 20)) '_source:app'
    done
    lines 61 70 >>logs/a.log # behind all that may have come twice
    expect_count 1 '_source:app n:70'
    expect_each 70
    expect_stop
}

a_thousand_files() {
    settings '*.log'
    for i in $(seq 1000); do
        printf '{"a":"miss","n":%d}\n' "$i" >logs/$i.log
    done
    node_start
    expect_each 1000
    role_kill intake
    printf '{"a":"miss","n":1001}\n' >>logs/500.log
    expect_each 1001
    expect_stop
}
cases a_block_on_its_way_is_stored_once rotated_while_intake_is_killed copied_and_cut_off odd_files a_thousand_files
finish
