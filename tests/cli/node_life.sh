# Sourced behind expect.sh by tests that run a node: starting, waiting, its roles, what it is sent
# and what it is asked. Whatever must come is waited for WAIT_S seconds.
unset CANH_CONFIG CANH_TOKEN_FILE
WAIT_S=${WAIT_S:-60}
# Started by root, everything runs as a user without rights; node_user is put before each command.
node_user=
node_options='--config canh.yaml --data data'
if [ "$(id -u)" = 0 ]; then
    node_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
    chmod 0755 "$home"
    if ! $node_user sh -c "cd '$home' && '$canh' version" >/dev/null 2>&1; then
        node_user=
        CANH_SERVE_USER=root CANH_SERVE_ONE_USER=true
        export CANH_SERVE_USER CANH_SERVE_ONE_USER
    fi
fi
# the node runs as root: no file is closed to it
node_reads_all() { [ "$(id -u)" = 0 ] && [ -z "$node_user" ]; }
node=
trap 'node_kill; rm -rf "$home"' EXIT

# node_own PATH...: what the node's user may write
node_own() {
    case $node_user in setpriv*) chown -R 65534:65534 "$@" ;; esac
}

# ---- its life ----

# node_start [NAME=VALUE...]: canh serve over ./canh.yaml and ./data, its log in ./log; until it is
# ready
node_start() {
    node_own .
    : >log
    # shellcheck disable=SC2086
    env "$@" $node_user "$canh" serve $node_options >printed 2>log </dev/null &
    node=$!
    wait_for 'the watch is kept' && return 0
    fail "the node did not become ready: $(tail -n 5 log)"
    return 1
}

# node_fails [NAME=VALUE...]: a start that is refused; leaves code, out and errors
node_fails() {
    node_own .
    # shellcheck disable=SC2086
    run timeout 60 env "$@" $node_user "$canh" serve $node_options
}

# node_kill: SIGKILL; its roles may end a little later
node_kill() {
    [ -z "$node" ] || kill -KILL "$node" 2>/dev/null
    node=
}

# node_stop: SIGTERM; leaves code
node_stop() {
    code=none
    [ -n "$node" ] || return 0
    kill -TERM "$node"
    wait "$node"
    code=$?
    node=
}
# expect_stop: it ends in good order
expect_stop() {
    node_stop
    [ "$code" = 0 ] || fail "the node did not end in order: $(tail -n 3 log)"
}

# ---- waiting ----

# until_true COMMAND...: until it is true; false when it has not become so
until_true() {
    until_end=$(($(date +%s) + WAIT_S))
    until "$@"; do
        [ "$(date +%s)" -lt $until_end ] || return 1
        sleep 0.1
    done
}

# wait_for TEXT [COUNT]: until the log has so many lines with it
wait_for() {
    for _ in $(seq $((WAIT_S * 10))); do
        [ "$(grep -c -F -e "$1" log)" -ge "${2:-1}" ] && return 0
        [ -z "$node" ] || kill -0 "$node" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# judged_by VERSION [COUNT]: until the log says so often that records are judged by these rules
judged_by() { wait_for "judged by the rules $(printf %.12s "$1")" "${2:-1}"; }

expect_log() { grep -q -F -e "$1" log || fail "the log has no \"$1\""; }
# has_lines FILE COUNT PATTERN: at least so many
has_lines() { [ -e "$1" ] && [ "$(grep -c -e "$3" "$1")" -ge "$2" ]; }

# ---- its roles ----

role_pid() { pgrep -P "$node" -f "canh role $1" | head -n 1; }
role_runs() { [ -n "$(role_pid "$1")" ]; }
# role_kill NAME: SIGKILL; false when it was not there
role_kill() {
    role=$(role_pid "$1")
    [ -n "$role" ] && kill -KILL "$role" 2>/dev/null
}
# port_of NAME: that the node listens on
port_of() { sed -n "s/.*\"text\":\"$1 listens on .*(port \([0-9]*\)).*/\1/p" log | tail -n 1; }

# port_free: one below those that the kernel hands out, so that no client gets it meanwhile (a
# client that tries a dead port of that range for long enough connects to itself)
port_free() {
    while :; do
        port_tried=$(shuf -n 1 -i 20000-32000)
        port_hex=$(printf ':%04X ' "$port_tried")
        cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 2>/dev/null |
            awk '{ print $2 " " }' | grep -q -F -e "$port_hex" || break
    done
    echo "$port_tried"
}
# tcp_connected PORT: somebody has a connection to it
tcp_connected() {
    awk -v "port=$(printf ':%04X' "$1")" '
        substr($2, 9) == port && $4 == "01" { found = 1 }
        END { exit !found }' /proc/net/tcp
}
# udp_listens PORT: somebody takes datagrams there
udp_listens() {
    awk -v "port=$(printf ':%04X' "$1")" '
        substr($2, 9) == port { found = 1 }
        END { exit !found }' /proc/net/udp
}
# udp_taken PORT: no datagram waits in the kernel
udp_taken() {
    awk -v "port=$(printf ':%04X' "$1")" '
        substr($2, 9) == port && substr($5, 10) == "00000000" { taken = 1 }
        END { exit !taken }' /proc/net/udp
}

# role_rests NAME: none of its threads runs
role_rests() { ! grep -q -h -e ') [RD] ' /proc/"$(role_pid "$1")"/task/*/stat; }

# random_begin: numbers by CANH_KILL_SEED, or others each time; which is said
random_begin() {
    seed=${CANH_KILL_SEED:-$(date +%s)}
    echo "seed $seed"
}
# random MAX: leaves number, below it
random() {
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    number=$((seed / 65536 % $1))
}

# courier_or_more_killed TENTHS: courier, engine or all, within so many tenths of a second
courier_or_more_killed() {
    random "$1"
    sleep 0.$number
    random 3
    case $number in
    0) role_kill courier ;;
    1) role_kill engine ;;
    2)
        node_kill
        node_start
        ;;
    esac
}

# ---- what it reads ----

# rule_seen [DETECTION]: rules/seen.yml, high, for the category test; `a: hit` when not given
rule_seen() {
    mkdir -p rules
    cat >rules/seen.yml <<END
title: Seen
id: 11111111-1111-4111-8111-111111111111
status: stable
level: high
logsource: {category: test}
detection:
  seen: ${1:-"{a: hit}"}
  condition: seen
END
}

# rule_many TIMESPAN: rules/many.yml, high: five events with `a: step` of a user within it
rule_many() {
    cat >rules/many.yml <<END
title: Many steps
id: 44444444-4444-4444-8444-444444444444
status: stable
level: high
correlation:
  type: event_count
  rules: [55555555-5555-4555-8555-555555555555]
  group-by: [user]
  timespan: $1
  condition: {gte: 5}
---
title: Step
id: 55555555-5555-4555-8555-555555555555
status: stable
level: high
logsource: {category: test}
detection:
  seen: {a: step}
  condition: seen
END
}

# lines FROM TO [A]: events, numbered
lines() { seq "$1" "$2" | sed "s/.*/{\"a\":\"${3:-miss}\",\"n\":&}/"; }

# ask METHOD PATH [CURL OPTIONS]: a request to the listener `in`; leaves status, head, out
ask() {
    method=$1
    path=$2
    shift 2
    case $method in HEAD) set -- -I "$@" ;; *) set -- -X "$method" "$@" ;; esac
    curl -sS -m 60 -o out -D head -w '%{http_code}' "$@" \
        "http://127.0.0.1:$(port_of in)$path" >status 2>errors
}
# post PATH TYPE FILE [CURL OPTIONS]: FILE may be - for standard input
post() {
    path=$1
    type=$2
    file=$3
    shift 3
    ask POST "$path" -H "Content-Type: $type" --data-binary "@$file" "$@"
}
expect_status() { [ "$(cat status)" = "$1" ] || fail "HTTP $(cat status), not $1"; }
expect_head() { grep -q -i -e "$1" head || fail "the headers have no \"$1\": $(cat head)"; }

# ---- what it is asked ----

# node_cli VERB...: the program over the node's settings and data
# shellcheck disable=SC2086
node_cli() { $node_user "$canh" "$@" $node_options </dev/null; }

# events QUERY...: what it finds, one a line
events() { node_cli search -q -o ndjson "$@" 2>errors; }
# count QUERY...: how many it finds
count() {
    events "$@" '| stats count() as count' | sed 's/^{"count":\([0-9]*\)}$/\1/' |
        grep . || echo 0 # a field that no event has yet is an error
}
is_counted() {
    found=$(count "$@")
    [ "$found" = "$count_wanted" ]
}
# expect_count N QUERY...: before long
expect_count() {
    count_wanted=$1
    shift
    until_true is_counted "$@" || fail "$found events, not $count_wanted: $*"
}
# expect_values N PATTERN QUERY...: N events before long, and PATTERN takes as many values
# out of them
expect_values() {
    values_wanted=$1
    values_pattern=$2
    shift 2
    expect_count "$values_wanted" "$@"
    events "$@" | sed -n "s/.*$values_pattern.*/\1/p" | sort -u >values
    [ "$(wc -l <values)" = "$values_wanted" ] ||
        fail "$(wc -l <values) different events, not $values_wanted"
}

# seed USER RIGHT: a token of a user of its own into the file token
seed() {
    seed_role=machine
    [ "$2" = ingest ] || seed_role=officer
    run node_cli user add "$1" --title "$1" --role $seed_role
    expect_code 0
    run node_cli token add "$1" --user "$1" --right "$2" --expires 12h -o ndjson
    expect_code 0
    sed -n 's/.*"token":"\([^"]*\)".*/\1/p' out >token
}

# ---- receivers ----

# sink_start PROGRAM...: one that gets its port's file, the file `received` and its input besides
sink_start() {
    sink_program=$1
    shift
    rm -f sink_in sink_port
    mkfifo sink_in
    "$sink_program" sink_port received "$@" <sink_in &
    sink_pid=$!
    exec 9>sink_in
    until_true test -s sink_port || fail 'the sink has no port'
}
# sink_stop: at the end of its input
sink_stop() {
    exec 9>&-
    wait "$sink_pid"
}

# node_users_begin: as root, sets in_users to what runs a command where the users and groups of
# init/sysusers.d exist; otherwise says that it cannot
node_users_begin() {
    if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
        echo "skipped: users of their own want root and mount namespaces"
        return 1
    fi
    cp /etc/passwd /etc/group "$home/"
    number=64200
    for user in canh canh-intake canh-web canh-query canh-courier canh-command; do
        number=$((number + 1))
        echo "$user:x:$number:$number::/nonexistent:/usr/sbin/nologin" >>"$home/passwd"
        echo "$user:x:$number:" >>"$home/group"
    done
    echo "canh-state:x:64300:canh,canh-web" >>"$home/group"
    echo "canh-store:x:64301:canh,canh-query" >>"$home/group"
    unset CANH_SERVE_USER CANH_SERVE_ONE_USER
    cat >"$home/in_users" <<'END'
#!/bin/sh
folder=$(dirname "$0")
mount --make-rprivate / && mount --bind "$folder/passwd" /etc/passwd &&
    mount --bind "$folder/group" /etc/group && exec "$@"
END
    chmod 0755 "$home/in_users"
    chmod 0755 "$home"
    in_users="unshare -m $home/in_users"
}
