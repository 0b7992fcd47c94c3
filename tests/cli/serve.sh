#!/bin/sh
# serve.sh CANH SOURCE: the daemon's life: start, roles that die, settings read again, end.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG

settings() {
    cat >canh.yaml <<END
web: {listen: "127.0.0.1:0"}
sources:
  - name: portal
    follow: [$PWD/logs/*.ndjson]
END
    chmod 0644 canh.yaml
    mkdir -p logs
}

it_starts_and_ends() {
    settings
    node_start
    for role in engine intake query web; do
        [ -n "$(role_pid $role)" ] || fail "there is no role $role"
    done
    [ -S data/control.sock ] || fail "there is no control.sock"
    [ "$(stat -c %a data/private data/keys | tr '\n' ' ')" = '700 700 ' ] || fail 'modes of private, keys'
    [ "$(stat -c %a data/keys/node.key data/keys/tls.key data/keys/ca.key | sort -u)" = 600 ] ||
        fail 'modes of keys'
    grep -q 'SHA-256 fingerprint' printed || fail 'the fingerprint is not printed'
    node_stop
    expect_code 0
    expect_log 'has ended in order'
    [ ! -S data/control.sock ] || fail 'control.sock is still there'
    first=$(cat data/keys/tls.crt)
    node_start
    [ "$first" = "$(cat data/keys/tls.crt)" ] || fail 'the certificate was made again'
    node_stop
    expect_code 0
}

a_role_that_dies_comes_back() {
    settings
    node_start
    for role in intake query web engine; do
        old=$(role_pid $role)
        kill -KILL "$old"
        wait_for "$role 0 is ready" 2 || fail "$role did not come back"
        after=$(role_pid $role)
        [ -n "$after" ] && [ "$after" != "$old" ] || fail "$role is the same process"
    done
    node_stop
    expect_code 0
}

all_ended() {
    alive=
    for pid in $pids; do
        kill -0 "$pid" 2>/dev/null && alive=$pid
    done
    [ -z "$alive" ]
}
roles_die_with_their_parent() {
    settings
    node_start
    pids=$(pgrep -P "$node")
    kill -KILL "$node"
    wait "$node" 2>/dev/null
    node=
    until_true all_ended || fail "process $alive outlived its parent"
    node_start
    node_stop
    expect_code 0
}

settings_are_read_again() {
    settings
    node_start
    engine=$(role_pid engine) web=$(role_pid web)
    printf 'web: {listen: "127.0.0.1:0", connections: 33}\n' >canh.yaml
    kill -HUP "$node"
    wait_for 'web 0 is ready' 2 || fail 'web was not started again'
    wait_for 'the watch is kept' 2 || fail 'not ready again'
    expect_log 'connections: 33'
    [ "$(role_pid web)" != "$web" ] || fail 'web has its old settings'
    [ -z "$(role_pid intake)" ] || fail 'intake has nothing to do, and runs'
    engine=$(role_pid engine)
    printf 'web: {listn: x}\n' >canh.yaml
    kill -HUP "$node"
    wait_for 'canh.yaml is not used' || fail 'bad settings are not told'
    expect_log 'did you mean \"listen\"?'
    [ "$(role_pid engine)" = "$engine" ] || fail 'bad settings ended the engine'
    node_stop
    expect_code 0
}

wrong_rights_are_refused() {
    settings
    chmod 0666 canh.yaml
    node_fails
    expect_code 3
    expect_error 'chmod go-w canh.yaml'
    chmod 0644 canh.yaml
    mkdir data
    chmod 0777 data
    node_fails
    expect_code 3
    expect_error "chmod 0751"
    chmod 0700 data
    node_start
    node_stop
    for part in private keys; do
        chmod 0755 data/$part
        node_fails
        expect_code 3
        expect_error "run chmod 0700 $PWD/data/$part"
        chmod 0700 data/$part
    done
    chmod 0644 data/keys/node.key
    node_fails
    expect_code 3
    expect_error 'chmod 0600'
    chmod 0600 data/keys/node.key
}

one_node_a_folder() {
    settings
    node_start
    node_fails
    expect_code 3
    expect_error 'another canh has the data folder'
    node_stop
}

a_busy_port_is_named() {
    settings
    node_start
    port=$(port_of web)
    mkdir other
    printf 'web: {listen: "127.0.0.1:%s"}\n' "$port" >other/canh.yaml
    node_own other
    # shellcheck disable=SC2086
    run $node_user "$canh" serve --config other/canh.yaml --data other/data
    expect_code 3
    expect_error "port $port is taken"
    expect_error 'ss -ltnp'
    node_stop
}

beyond_loopback() {
    printf 'web: {listen: "0.0.0.0:0"}\n' >canh.yaml
    node_fails
    expect_code 3
    expect_error 'set tls to true'
    printf 'web: {listen: "0.0.0.0:0", tls: true}\n' >canh.yaml
    node_fails
    expect_code 3
    expect_error 'canh user add --admin'
    # without a daemon the engine is started for the one command, and makes the state
    # shellcheck disable=SC2086
    echo 'correct horse battery staple' |
        $node_user "$canh" user add boss --admin --password-stdin --config canh.yaml --data data \
            >out 2>errors
    code=$?
    expect_code 0
    node_start
    node_stop
    expect_code 0
}

# So few that no role can be started: it tries again, and still ends in order.
descriptors_that_run_out() {
    settings
    node_own .
    : >log
    # shellcheck disable=SC2086
    prlimit --nofile=24:24 $node_user "$canh" serve --config canh.yaml --data data >printed 2>log \
        </dev/null &
    node=$!
    wait_for 'engine cannot be started' 2 || fail 'it is not told, or not tried again'
    node_stop
    expect_code 0
    expect_log 'has ended in order'
}

usage() {
    run "$canh" serve now
    expect_code 2
    run "$canh" role engine
    expect_code 2
    expect_error 'canh serve'
    run "$canh" serve --help --lang vi
    expect_code 0
    expect_out '--data'
}

a_new_certificate_is_taken_up() {
    printf 'web: {listen: "127.0.0.1:0", tls: true}\n' >canh.yaml
    node_start
    # shellcheck disable=SC2086
    run $node_user "$canh" key rotate tls --config canh.yaml --data data
    expect_code 0
    expect_out 'SHA-256 fingerprint'
    kill -HUP "$node"
    wait_for 'web 0 is ready' 2 || fail 'web was not started again'
    wait_for 'the watch is kept' 2 || fail 'not ready again'
    [ "$(grep -c 'engine 0 is ready' log)" = 1 ] || fail 'the engine was started again for nothing'
    if command -v openssl >/dev/null; then
        openssl s_client -connect "127.0.0.1:$(port_of web)" -CAfile data/keys/ca.crt \
            -verify_return_error -verify_hostname localhost </dev/null >out 2>errors
        grep -q 'Verify return code: 0' out || fail 'the certificate does not verify'
        # shellcheck disable=SC2086
        $node_user "$canh" key csr --config canh.yaml --data data >node.csr
        openssl req -in node.csr -noout -verify 2>/dev/null >out || fail 'the request is not good'
        openssl req -x509 -newkey ed25519 -keyout ca.pem -nodes -subj /CN=agency -days 30 \
            -out agency.crt 2>/dev/null
        openssl x509 -req -in node.csr -CA agency.crt -CAkey ca.pem -days 20 -out node.crt 2>/dev/null
        node_own .
        # shellcheck disable=SC2086
        run $node_user "$canh" key install --config canh.yaml --data data node.crt
        expect_code 0
        expect_out 'of CN=agency'
        # shellcheck disable=SC2086
        run $node_user "$canh" key install --config canh.yaml --data data agency.crt
        expect_code 2
        expect_error 'do not belong together'
        kill -HUP "$node"
        wait_for 'web 0 is ready' 3 || fail 'web was not started with the new certificate'
        expect_log 'the server certificate ends in 19 days'
    fi
    node_stop
    expect_code 0
    # shellcheck disable=SC2086
    run $node_user "$canh" key list --config canh.yaml --data data
    expect_code 0
    expect_out 'Ed25519'
}

a_role_that_hangs_is_ended() {
    settings
    echo 'serve: {hang: 2s}' >>canh.yaml
    node_start
    kill -STOP "$(role_pid query)"
    wait_for 'query did not answer' || fail 'it is not seen that query hangs'
    wait_for 'query 0 is ready' 2 || fail 'query did not come back'
    # one that does not finish: ended when the time is over
    node_stop
    expect_code 0
    printf 'serve: {drain: 1s}\nweb: {listen: none}\n' >canh.yaml
    node_start
    kill -STOP "$(role_pid query)"
    node_stop
    expect_code 0
    expect_log 'query did not finish in time'
}

roles_have_users_of_their_own() {
    settings
    node_users_begin || return 0
    before_user=$node_user
    node_user=
    node_fails
    expect_code 3
    expect_error 'systemd-sysusers'
    node_user=$in_users
    node_start
    for pair in engine:64201 intake:64202 web:64203 query:64204; do
        pid=$(role_pid "${pair%:*}")
        grep -q "^Uid:.${pair#*:}" "/proc/$pid/status" || fail "${pair%:*} is not user ${pair#*:}"
        grep -q '^CapEff:.0000000000000000' "/proc/$pid/status" || fail "${pair%:*} has capabilities"
        grep -q '^NoNewPrivs:.1' "/proc/$pid/status" || fail "${pair%:*} may get privileges"
    done
    grep -q '^CapEff:.00000000000004e4' "/proc/$node/status" ||
        fail "the parent keeps $(grep CapEff "/proc/$node/status")"
    [ "$(stat -c '%a %u %g' data)" = '2751 64201 64301' ] || fail "data: $(stat -c '%a %u %g' data)"
    [ "$(stat -c '%a %u %g' data/state)" = '2750 64201 64300' ] || fail 'state'
    [ "$(stat -c '%a %u' data/private)" = '700 64201' ] || fail 'private'
    [ "$(stat -c '%a %u' data/control.sock)" = '660 64201' ] || fail 'control.sock'
    engine=$(role_pid engine)
    kill -KILL "$engine"
    wait_for 'engine 0 is ready' 2 || fail 'the engine did not come back'
    node_stop
    expect_code 0
    node_user=$before_user
}

cases it_starts_and_ends a_role_that_dies_comes_back roles_die_with_their_parent \
    settings_are_read_again wrong_rights_are_refused one_node_a_folder a_busy_port_is_named \
    beyond_loopback a_new_certificate_is_taken_up a_role_that_hangs_is_ended descriptors_that_run_out \
    usage roles_have_users_of_their_own
finish
