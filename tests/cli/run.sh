#!/bin/sh
# run.sh CANH SOURCE: what `make run` promises, on a machine made for it: an sshd, an rsyslogd with a
# socket of its own, a systemd journal in a folder, logs in a folder; on a terminal and without one.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
source_folder=$2
unset CANH_CONFIG
remote=/lib/systemd/systemd-journal-remote
for program in /usr/sbin/sshd /usr/sbin/rsyslogd $remote; do
    [ -x $program ] || { echo "skipped: $program is not here"; exit 77; }
done
for program in sshpass ssh script logger curl journalctl; do
    command -v $program >/dev/null || { echo "skipped: $program is not here"; exit 77; }
done
# A checkout that the node's user may not enter is copied, as far as `make run` needs it.
if ! $node_user sh -c "cd '$source_folder'" 2>/dev/null; then
    mkdir "$home/tree"
    cp -r "$source_folder/tools" "$source_folder/rules" "$source_folder/samples" "$canh" "$home/tree"
    chmod -R a+rX "$home/tree"
    source_folder=$home/tree
    canh=$home/tree/canh
fi
started=
trap 'for pid in $started; do kill -KILL "$pid" 2>/dev/null; done; node_kill; rm -rf "$home"' EXIT

# until COMMAND...: it holds, within a minute
until_holds() {
    for _ in $(seq 600); do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}
has() { grep -q -F -e "$2" "$1" 2>/dev/null; }

sshd_prepare() { # PORT
    mkdir -p "$home/spool"
    ssh-keygen -q -t ed25519 -N '' -f "$home/host_key"
    cat >"$home/sshd.conf" <<END
Port $1
Port 5514
ListenAddress 127.0.0.1
HostKey $home/host_key
PidFile none
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
MaxStartups 100
END
}

sshd_start() {
    [ -n "$node_user" ] || [ "$(id -u)" != 0 ] || mkdir -p /run/sshd
    # shellcheck disable=SC2086
    { $node_user /usr/sbin/sshd -D -e -f "$home/sshd.conf" 2>&1 & echo $! >"$home/sshd.pid"; wait; } |
        logger -t sshd -u "$home/log.sock" &
    until_holds test -s "$home/sshd.pid"
    started="$started $(cat "$home/sshd.pid")"
}

rsyslogd_start() { # PORT
    cat >"$home/rsyslog.conf" <<END
global(workDirectory="$home/spool")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="$home/log.sock" CreatePath="on")
*.* @@127.0.0.1:$1
END
    # shellcheck disable=SC2086
    $node_user /usr/sbin/rsyslogd -n -f "$home/rsyslog.conf" -i "$home/rsyslog.pid" &
    started="$started $!"
    until_holds test -S "$home/log.sock" || fail 'rsyslogd did not start'
}

# journal_write TEXT: an entry in the folder's journal
journal_write() {
    now=$(date +%s%6N)
    printf '__REALTIME_TIMESTAMP=%s\n__MONOTONIC_TIMESTAMP=%s\n_BOOT_ID=%s\n_MACHINE_ID=%s\n_HOSTNAME=host1\nPRIORITY=6\nSYSLOG_IDENTIFIER=demo\nMESSAGE=%s\n\n' \
        "$now" "${now#??????}" 0f0e0d0c0b0a09080706050403020100 000102030405060708090a0b0c0d0e0f "$1" |
        $node_user $remote -o "$home/journal/system.journal" - >/dev/null 2>&1 ||
        fail 'systemd-journal-remote refused the entry'
}

machine_make() {
    mkdir -p "$home/journal" "$home/logs/nginx" "$home/logs/audit"
    : >"$home/logs/nginx/access.log"
    : >"$home/logs/audit/audit.log"
    mkfifo "$home/keys"
    sshd_prepare "$sshd_port"
    node_own "$home"
    chown 0:0 "$home/logs/audit/audit.log" 2>/dev/null
    chmod 0600 "$home/logs/audit/audit.log"
    journal_write 'the machine came up'
    sshd_start
}

# the port that `make run` chose: listener NAME
port_in_settings() {
    sed -n "/name: $1\$/,/source:/s/.*listen: 127.0.0.1://p" "$home/var/canh.yaml"
}
shown() { tr -d '\r' <"$home/screen" | sed 's/\x1b\[[0-9;]*m//g' >"$home/plain"; has "$home/plain" "$1"; }
settings="--config $home/var/canh.yaml --data $home/var/data"
box() {
    # shellcheck disable=SC2086
    run $node_user "$canh" watch $settings --once --logs "$home/logs" "$@"
}
found() { # findings that are stored
    # shellcheck disable=SC2086
    $node_user "$canh" search $settings -o ndjson -p _findings '*' | grep -c "$1"
}
guess() { # a wrong password
    # shellcheck disable=SC2086
    (cd / && sshpass -p wrong ssh -F /dev/null -p "$sshd_port" -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o PreferredAuthentications=password \
        -o NumberOfPasswordPrompts=1 nobody1@127.0.0.1 true) >/dev/null 2>&1
}

journal_is_told() { shown 'first event seen: journal' || shown '● journal'; }

on_a_terminal() {
    command="cd $source_folder && tools/run.sh --canh $canh --var $home/var --logs $home/logs --journal $home/journal"
    LANG=C.UTF-8 LINES=50 COLUMNS=110 $node_user script -qefc "$command" /dev/null \
        <"$home/keys" >"$home/screen" 2>&1 &
    run_pid=$!
    started="$started $run_pid"
    exec 9>"$home/keys"
    begun=$(date +%s)
    until_holds shown 'Three things to try' || fail "there is no box within a minute: $(tail -n 5 "$home/screen")"
    shown 'SSH password guessing' || fail 'the exercise shows no findings'
    shown '[drill]' || fail 'the findings of the exercise are not marked'
    echo "findings of the exercise and the box: $(($(date +%s) - begun)) s behind the start"
    code=none

    # before anything came, nothing is said to be watched but the exercise
    shown 'busy' || fail 'the busy port is not told'
    [ "$(port_in_settings syslog-tcp)" != 5514 ] || fail 'port 5514 was taken'
    shown 'access.log: not yet seen' || fail 'a log without an event is not "not yet seen"'
    shown 'http 127.0.0.1:' || fail 'the HTTP listener is not in the box'

    # an event of each kind
    rsyslogd_start "$(port_in_settings syslog-tcp)"
    logger -u "$home/log.sock" -t demo 'an event of its own'
    logger -n 127.0.0.1 -P "$(port_in_settings syslog-udp)" -d -t demo 'an event of its own'
    echo '198.51.100.9 - - [22/Nov/2026:10:00:00 +0700] "GET / HTTP/1.1" 200 12 "-" "curl/7"' \
        >>"$home/logs/nginx/access.log"
    curl -sf -H 'Content-Type: application/x-ndjson' -d '{"demo":"an event of its own"}' \
        "http://127.0.0.1:$(port_in_settings http)/api/v1/ingest" >/dev/null || fail 'HTTP refuses'
    journal_write 'an event of its own'
    # of the journal there was an entry before: it may stand in the box already
    until_holds journal_is_told || fail 'nothing is seen of the journal'
    for place in 'syslog-in (syslog-tcp)' 'syslog-in (syslog-udp)' 'nginx' 'http-in (http)'; do
        until_holds shown "first event seen: $place" || fail "nothing is seen of $place"
    done
    box
    expect_code 0
    for place in 'journal in' 'syslog-udp 127' 'syslog-tcp 127' 'http 127' 'nginx/access.log'; do
        grep -q "● .*$place.*, [0-9]* event" out || fail "the box does not say that $place is watched"
    done
    if ! node_reads_all; then
        expect_out 'audit.log: nobody may not read it'
        expect_no_out 'not yet seen'
    fi
    expect_out 'PreferredAuthentications=password'
    box --lang vi
    expect_out 'Ba việc nên thử'
    expect_out 'sự kiện'

    # six wrong passwords
    shown_before=$(grep -c 'SSH password guessing from one address.*127.0.0.1' "$home/plain")
    for _ in 1 2 3 4 5 6; do guess; done
    sixth=$(date +%s%3N)
    seen_guessing() {
        shown 'SSH' && [ "$(grep -c 'SSH password guessing from one address.*127.0.0.1' "$home/plain")" -gt "$shown_before" ]
    }
    until_holds seen_guessing || fail 'six wrong passwords give no finding'
    echo "from the sixth wrong password to the finding on the screen: $(($(date +%s%3N) - sixth)) ms"

    printf '\003' >&9
    exec 9>&-
    until_holds shown 'Ended.' || fail 'Ctrl-C does not end it'
    wait "$run_pid"
    ! pgrep -f "serve --config $home/var/canh.yaml" >/dev/null || fail 'the node outlives make run'
}

a_second_run_keeps_what_there_is() {
    kept=$(found '"drill":true')
    [ "$kept" -gt 0 ] || fail 'no finding of the exercise is stored'
    cp "$home/var/canh.yaml" "$home/settings"
    # shellcheck disable=SC2086
    LANG=vi_VN.UTF-8 run timeout 120 $node_user sh -c "cd $source_folder && tools/run.sh --canh $canh --var $home/var --logs $home/logs"
    expect_code 0
    expect_out 'Tiếp tục trong'
    expect_out 'Ba việc nên thử'
    expect_no_out 'Cấu hình cho máy này'
    cmp -s "$home/var/canh.yaml" "$home/settings" || fail 'the settings were made again'
    [ "$(found '"drill":true')" = "$kept" ] || fail 'the exercise was held again'
    [ "$(found 127.0.0.1)" -gt 0 ] || fail 'findings of the first run are gone'
}

# sshd has 5514
a_port_that_is_busy_at_the_second_run_gives_way() {
    sed '/name: syslog-/,/source:/s/127.0.0.1:[0-9]*$/127.0.0.1:5514/' "$home/settings" >"$home/var/canh.yaml"
    echo '# mine' >>"$home/var/canh.yaml"
    node_own "$home/var"
    sed 's/:[0-9]*$/:/' "$home/var/canh.yaml" >before
    # shellcheck disable=SC2086
    LANG=C.UTF-8 run timeout 120 $node_user sh -c "cd $source_folder && tools/run.sh --canh $canh --var $home/var --logs $home/logs"
    expect_code 0
    expect_out 'Port 5514 is busy: from now on 5515'
    expect_out 'Three things to try'
    [ "$(port_in_settings syslog-tcp)" -gt 5514 ] || fail 'the busy port is still there'
    [ "$(port_in_settings syslog-tcp)" = "$(port_in_settings syslog-udp)" ] || fail 'TCP and UDP went apart'
    sed 's/:[0-9]*$/:/' "$home/var/canh.yaml" | cmp -s - before || fail 'other settings were changed'
    cp "$home/settings" "$home/var/canh.yaml"
}

without_a_terminal_it_ends_with_the_exercise() {
    # shellcheck disable=SC2086
    LANG=C.UTF-8 run timeout 120 $node_user sh -c "cd $source_folder && tools/run.sh --canh $canh --var $home/other --logs $home/logs"
    expect_code 0
    expect_out '[drill] SSH password guessing'
    expect_out 'the exercise: '
    expect_out 'Ended.'
    rm -rf "$home/other"
}

errors_say_what_to_do() {
    LANG=C.UTF-8
    export LANG
    again="cd $source_folder && tools/run.sh --canh $canh --var"
    case $node_user in
    setpriv*)
        mkdir "$home/locked"
        chmod 0555 "$home/locked"
        run timeout 60 $node_user sh -c "$again $home/locked"
        expect_code 1
        expect_error 'cannot be written: make it yours'
        ;;
    esac
    sed -i 's/^sources:/sorces:/' "$home/var/canh.yaml"
    run timeout 60 $node_user sh -c "$again $home/var"
    expect_code 1
    expect_error "sorces"
    expect_error 'take it away'
    # several on one port: none that is free helps
    sed 's/127.0.0.1:[0-9]*$/127.0.0.1:5514/' "$home/settings" >"$home/var/canh.yaml"
    node_own "$home/var"
    run timeout 120 $node_user sh -c "$again $home/var"
    expect_code 1
    expect_error 'is taken by another program'
    expect_error 'A busy port'
    run $node_user "$canh" watch --config "$home/settings" --data "$home/var/data" --once
    expect_code 3
    expect_error 'the node does not run'
    unset LANG
}

sshd_port=$(port_free)
machine_make
cases on_a_terminal a_second_run_keeps_what_there_is \
    a_port_that_is_busy_at_the_second_run_gives_way \
    without_a_terminal_it_ends_with_the_exercise errors_say_what_to_do
finish
