#!/bin/sh
# attribution.sh CANH SOURCE: events are put down to registered hosts and systems; what other
# detectors found becomes findings; an exercise is marked as one.
. "$(dirname "$0")/node.sh"

# searched TEXT QUERY...: until a search shows it
searched() {
    text=$1
    shift
    until_true is_shown "$@" || fail "no search of $* shows $text"
}
is_shown() {
    run "$canh" search "$@"
    grep -q -F -e "$text" out
}

# Intake is told of changes every two seconds.
host_is_known() {
    echo '{"early":1,"host":{"name":"web01"}}' >>app.ndjson
    run "$canh" search '_registered:web01.xa.gov.vn'
    [ -s out ]
}
hosts_are_found_by_name_and_address() {
    touch app.ndjson
    node_config "sources:" "  - {name: app, format: json, unit: it, follow: [$PWD/app.ndjson]}"
    node_start || return
    "$canh" unit add it --title IT -q >/dev/null || fail "unit add"
    "$canh" system add portal --title Portal --unit it --level 2 -q >/dev/null || fail "system add"
    "$canh" host add web01.xa.gov.vn --unit it --system portal --address 10.1.2.3 -q >/dev/null ||
        fail "host add"
    until_true host_is_known || fail 'intake does not learn of the host'
    {
        echo '{"n":1,"host":{"name":"WEB01"}}'
        echo '{"n":2,"host":{"name":"10.1.2.3"}}'
        echo '{"n":3,"host":{"name":"web02"}}'
    } >>app.ndjson
    searched '"n":3' 'n:3'
    expect_no_out '"registered"'
    run "$canh" search '_registered:web01.xa.gov.vn n:*'
    expect_out '"n":1'
    expect_out '"n":2'
    expect_out '"system":"portal"'
    expect_no_out '"n":3'
    node_stop
}

an_exercise_and_another_detector() {
    touch eve.json
    node_config "sources:" "  - {name: ids, format: json, drill: true, follow: [$PWD/eve.json]}"
    node_start || return
    cat >>eve.json <<'END'
{"timestamp":"2026-11-22T08:00:00.000000+0700","flow_id":1,"event_type":"alert","src_ip":"10.0.0.9","dest_ip":"10.0.0.1","alert":{"signature_id":2019401,"signature":"ET SCAN Behavioral Unusual Port 445 traffic","severity":1}}
{"timestamp":"2026-11-22T08:00:01.000000+0700","flow_id":2,"event_type":"dns","dns":{"rrname":"example.vn"}}
END
    searched 'ET SCAN Behavioral' '_partition:_findings'
    expect_out 'Suricata:2019401'
    expect_out '"high"'
    expect_out '"drill":true'
    run "$canh" search 'event_type:dns'
    expect_out '"drill":true'
    node_stop
}

cases hosts_are_found_by_name_and_address an_exercise_and_another_detector
finish
