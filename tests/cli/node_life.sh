# Sourced behind expect.sh by tests that run a node: starting, waiting, its roles.
# Started by root, everything runs as a user without rights; node_user is put before each command.
node_user=
if [ "$(id -u)" = 0 ]; then
    node_user="setpriv --reuid=65534 --regid=65534 --clear-groups"
    chmod 0755 "$home"
    if ! $node_user "$canh" version >/dev/null 2>&1; then
        node_user=
        CANH_SERVE_USER=root CANH_SERVE_ONE_USER=true
        export CANH_SERVE_USER CANH_SERVE_ONE_USER
    fi
fi
node=
trap 'node_kill; rm -rf "$home"' EXIT

# node_own PATH...: what the node's user may write
node_own() {
    case $node_user in setpriv*) chown -R 65534:65534 "$@" ;; esac
}

# node_start [NAME=VALUE...]: canh serve over ./canh.yaml and ./data, its log in ./log; until it is
# ready
node_start() {
    node_own .
    : >log
    # shellcheck disable=SC2086
    env "$@" $node_user "$canh" serve --config canh.yaml --data data >printed 2>log </dev/null &
    node=$!
    wait_for 'the watch is kept' || fail "the node did not become ready: $(tail -n 5 log)"
}

# node_fails [NAME=VALUE...]: a start that is refused; leaves code, out and errors
node_fails() {
    node_own .
    # shellcheck disable=SC2086
    run timeout 60 env "$@" $node_user "$canh" serve --config canh.yaml --data data
}

node_kill() {
    [ -z "$node" ] || kill -KILL "$node" 2>/dev/null
    node=
}

# node_stop: SIGTERM; leaves code
node_stop() {
    kill -TERM "$node"
    wait "$node"
    code=$?
    node=
}

# wait_for TEXT [COUNT]: until the log has so many lines with it
wait_for() {
    for _ in $(seq 600); do
        [ "$(grep -c -F -e "$1" log)" -ge "${2:-1}" ] && return 0
        [ -z "$node" ] || kill -0 "$node" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

expect_log() { grep -q -F -e "$1" log || fail "the log has no \"$1\""; }
role_pid() { pgrep -P "$node" -f "canh role $1" | head -n 1; }
# port_of NAME: that the node listens on
port_of() { sed -n "s/.*\"text\":\"$1 listens on .*(port \([0-9]*\)).*/\1/p" log | tail -n 1; }

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
