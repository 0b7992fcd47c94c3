#!/bin/sh
# status.sh CANH SOURCE: canh status and canh doctor.
. "$(dirname "$0")/node.sh"

nothing_runs() {
    node_config
    run "$canh" status
    expect_code 1
    expect_out '"state":"unknown"'
    run "$canh" status -o table
    expect_code 1
    expect_out 'UNKNOWN'
    expect_out 'canh serve'
    run "$canh" status -o table --lang vi
    expect_out 'CHƯA RÕ'
    run "$canh" status more
    expect_code 2
}

the_node_runs() {
    touch events.ndjson
    node_config "sources:" "  - name: live" "    format: json" \
        "    follow: [$PWD/events.ndjson]" "  - name: quiet" "    format: json"
    node_start || return
    tries=0
    until "$canh" status | grep -q '"code":"unseen"' || [ $tries -gt 300 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    run "$canh" status -o table
    expect_code 1
    expect_out 'WATCHING, but not every source'
    expect_out '1 source not yet seen: live'
    expect_out 'events.ndjson: not yet seen'
    run "$canh" status -o table --lang vi
    expect_out 'chưa thấy sự kiện nào'
    echo '{"n":1}' >>events.ndjson
    tries=0
    until "$canh" status -q >/dev/null 2>&1 || [ $tries -gt 300 ]; do # all roles are there
        tries=$((tries + 1))
        sleep 0.1
    done
    run "$canh" status -o table
    expect_code 0
    expect_out 'ALL WATCHED'
    expect_out 'live: stored 1 (1 since the start), newest 20'
    expect_out 'events.ndjson: stored 1 (1 since'
    expect_out ' +07:00'
    expect_out 'reader    on demand'
    expect_out 'NOT live: quiet'
    for role in parent engine intake query web; do
        grep -q "^  $role *ready" out || fail "the role $role is not shown as ready"
    done
    run "$canh" status
    expect_out '"roles":['
    run "$canh" doctor
    expect_out '"check":"node","grade":"ok"'
    node_stop
    run "$canh" status
    expect_code 1
}

nothing_is_watched() {
    node_config
    node_start || return
    run "$canh" status -o table
    expect_code 1
    expect_out 'UNKNOWN'
    expect_out 'nothing is watched yet'
    node_stop
}

the_doctor_looks() {
    node_config
    "$canh" unit add it --title A -q >/dev/null || fail "unit add"
    run "$canh" doctor -o table
    for check in clock disk rights settings users port certificate sandbox limits network node; do
        grep -q " $check " out || fail "the doctor does not look at $check"
    done
    run "$canh" doctor -o table --lang vi
    expect_out ' lỗi'
    chmod 644 data/keys/node.key
    run "$canh" doctor
    expect_code 1
    expect_out 'node.key has mode 0644'
    expect_out 'chmod'
    chmod 600 data/keys/node.key
    chmod 666 "$CANH_CONFIG"
    run "$canh" doctor
    expect_code 1
    grep '"check":"settings"' out | grep -q '"grade":"bad"' || fail "canh.yaml that others may change"
}

cases nothing_runs the_node_runs nothing_is_watched the_doctor_looks
finish
