#!/bin/sh
# journal.sh CANH SOURCE: a systemd journal that grows is read by journalctl and a reader: each entry
# is stored once, whoever is killed in between, and rules find what it says.
. "$(dirname "$0")/expect.sh"
remote=/lib/systemd/systemd-journal-remote
if [ ! -x $remote ] || [ ! -x /usr/bin/journalctl ]; then
    echo "skipped: systemd-journal-remote or journalctl is not installed"
    exit 77
fi
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

# each number once, from 1 on
expect_whole() {
    expect_values $written 'number-\([0-9]*\)\.' '_source:machine'
    expect_count $((written / 10)) -p _findings '*'
}
pid_of_journalctl() { pgrep -P "$node" -f 'journalctl --directory' | head -n 1; }
journal_is_read() { [ -n "$(pid_of_journalctl)" ] && role_runs reader; }

follows_and_finds() {
    settings
    entries 50
    node_start
    expect_whole
    entries 50
    expect_whole
    run events '"number-20."'
    expect_out '"file":"journal:'
    expect_stop
    entries 30
    node_start
    expect_whole
    expect_log 'on behind the entry that was stored last'
    kill -HUP "$node"
    wait_for '"settings","text":"read again' || fail "settings were not read again"
    entries 10
    expect_whole
    expect_stop
}

whoever_is_killed() {
    settings
    node_start
    for round in 1 2; do
        for victim in reader engine journalctl node; do
            entries 400
            until_true journal_is_read || fail "nobody reads the journal: $(tail -n 3 log)"
            sleep 0.$((round * 2 - 1))
            case $victim in
            journalctl) # it may have gone by itself
                pid=$(pid_of_journalctl)
                [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
                ;;
            node)
                node_kill
                entries 50
                node_start
                ;;
            *) role_kill $victim ;;
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
    expect_stop
}
cases follows_and_finds whoever_is_killed a_lost_entry_is_told what_cannot_be_read_is_told_once
finish
