#!/bin/sh
# journal.sh CANH SOURCE: a systemd journal that grows is read by journalctl and a reader: each entry
# is stored once, whoever is killed in between, and rules find what it says.
. "$(dirname "$0")/expect.sh"
remote=/lib/systemd/systemd-journal-remote
if [ ! -x $remote ] || [ ! -x /usr/bin/journalctl ]; then
    echo "skipped: systemd-journal-remote or journalctl is not installed"
    exit 77
fi
unset CANH_CONFIG CANH_TOKEN_FILE
export CANH_STORE_RESERVE_BYTES=0
. "$(dirname "$0")/node_life.sh"

settings() {
    written=0
    mkdir -p rules journal
    cat >rules/seen.yml <<'END'
title: Password guessed
id: 11111111-1111-4111-8111-111111111112
status: stable
level: high
logsource: {product: linux, service: sshd}
detection:
  failed:
    - '*Failed password for*'
  condition: failed
END
    cat >canh.yaml <<END
web: {listen: "none"}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: machine, journal: "$PWD/journal"}
END
}

# entries COUNT: further ones, each with its number, every tenth a guessed password
entries() {
    last=$((written + $1))
    base=$(date +%s)
    seq $((written + 1)) $last | awk -v base="$base" '{
        printf "__REALTIME_TIMESTAMP=%d%06d\n__MONOTONIC_TIMESTAMP=%d\n", base, $1 % 1000000, $1
        print "_BOOT_ID=0123456789abcdef0123456789abcdef\n_MACHINE_ID=fedcba9876543210fedcba9876543210"
        print "_HOSTNAME=machine\nSYSLOG_IDENTIFIER=sshd\n_COMM=sshd\n_SYSTEMD_UNIT=ssh.service\nPRIORITY=6"
        if ($1 % 10 == 0) printf "MESSAGE=Failed password for root from 192.0.2.7 port %d ssh2 number-%d.\n\n", $1, $1
        else printf "MESSAGE=session opened number-%d.\n\n", $1
    }' >batch
    $remote -o journal/a.journal - <batch >remote.log 2>&1 || fail "journal-remote: $(cat remote.log)"
    node_own journal
    written=$last
}

# count QUERY...: events that it finds
count() { $node_user "$canh" search -q --config canh.yaml --data data -o ndjson "$@" 2>errors | grep -c .; }
expect_count() { # expect_count N QUERY...: before long
    wanted=$1
    shift
    for _ in $(seq 150); do
        found=$(count "$@")
        [ "$found" = "$wanted" ] && return
        sleep 0.2
    done
    fail "$found events, not $wanted: $*"
}
# each number once, from 1 on
expect_whole() {
    expect_count $written '_source:machine'
    $node_user "$canh" search -q --config canh.yaml --data data -o ndjson '_source:machine' 2>errors |
        sed -n 's/.*number-\([0-9]*\)\..*/\1/p' | sort -n | uniq >numbers
    [ "$(wc -l <numbers)" = $written ] || fail "$(wc -l <numbers) different entries, not $written"
    expect_count $((written / 10)) -p _findings '*'
}
pid_of_journalctl() { pgrep -P "$node" -f 'journalctl --directory' | head -n 1; }
role_kill() { [ -z "$1" ] || kill -KILL "$1" 2>/dev/null; } # it may have gone by itself
# someone_reads: until journalctl and its reader are there
someone_reads() {
    for _ in $(seq 150); do
        [ -n "$(pid_of_journalctl)" ] && [ -n "$(role_pid reader)" ] && return
        sleep 0.1
    done
    fail "nobody reads the journal: $(tail -n 3 log)"
}

follows_and_finds() {
    settings
    entries 50
    node_start
    expect_whole
    entries 50
    expect_whole
    run $node_user "$canh" search -q --config canh.yaml --data data -o ndjson '"number-20."'
    expect_out '"file":"journal:'
    node_stop
    [ $code = 0 ] || fail "the node did not end in order: $(tail -n 3 log)"
    entries 30
    node_start
    expect_whole
    expect_log 'on behind the entry that was stored last'
    kill -HUP "$node"
    wait_for '"settings","text":"read again' || fail "settings were not read again"
    entries 10
    expect_whole
    node_stop
    [ $code = 0 ] || fail "the node did not end in order: $(tail -n 3 log)"
}

whoever_is_killed() {
    settings
    node_start
    for round in 1 2 3; do
        for victim in reader engine journalctl node; do
            entries 400
            someone_reads
            sleep 0.$round
            case $victim in
            journalctl) role_kill "$(pid_of_journalctl)" ;;
            node)
                node_kill
                entries 50
                node_start
                ;;
            *) role_kill "$(role_pid $victim)" ;;
            esac
        done
    done
    expect_whole
    node_stop
}

a_lost_entry_is_told() {
    settings
    entries 20
    node_start
    expect_whole
    node_stop
    rm journal/a.journal
    written=20
    entries 10
    node_start
    wait_for 'has no more the entry up to which it was read' || fail 'the gap was not told'
    expect_count 30 '_source:machine'
    node_stop
}

what_cannot_be_read_is_told_once() {
    settings
    rmdir journal
    node_start
    wait_for 'the journal of source machine is not read' || fail 'it was not told'
    sleep 4
    [ "$(grep -c 'the journal of source machine is not read' log)" = 1 ] || fail 'told again and again'
    mkdir journal
    written=0
    entries 10
    expect_whole
    node_stop
    [ $code = 0 ] || fail "the node did not end in order: $(tail -n 3 log)"
}
cases follows_and_finds whoever_is_killed a_lost_entry_is_told what_cannot_be_read_is_told_once
finish
