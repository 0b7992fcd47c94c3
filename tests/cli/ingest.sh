#!/bin/sh
# ingest.sh CANH SOURCE: events into a running node: posted, from followed files, imported; what is
# acknowledged is stored once, whatever is killed.
. "$(dirname "$0")/expect.sh"
export CANH_STORE_RESERVE_BYTES=0
. "$(dirname "$0")/node_life.sh"

settings() { # settings TOKEN
    mkdir -p logs
    rule_seen
    cat >canh.yaml <<END
web: {listen: "127.0.0.1:0"}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: app, category: test, unit: "Sở A", partition: apps}
  - {name: portal, category: test, follow: ["$PWD/logs/*.log*"]}
listeners:
  - {name: in, listen: "127.0.0.1:0", source: app, token: $1, body_bytes: 64KiB}
END
    chmod 0644 canh.yaml
}

type=application/x-ndjson
# send [CURL OPTIONS]: standard input to the listener
send() { post /api/v1/ingest "$type" - "$@"; }

what_is_posted_is_stored_and_judged() {
    settings false
    node_start
    printf '{"n":1,"a":"hit"}\n{"n":2}\n{"n":\n' | send
    expect_status 200
    expect_out '{"stored":2,"refused":1}'
    expect_count 2 'n:*'
    expect_count 1 -p _findings 'rule.title:Seen'
    expect_count 1 -p _refused 'reason:*'
    run events -p apps 'n:1'
    expect_out '"source":"app","partition":"apps"'
    seq 1000 | sed 's/.*/{"m":&}/' | gzip | send -H 'Content-Encoding: gzip'
    expect_status 200
    expect_out '"stored":1000'
    expect_count 1000 'm:*'
    node_stop
    expect_code 0
}

what_cannot_be_taken_is_told() {
    settings false
    node_start
    printf 'no gzip' | send -H 'Content-Encoding: gzip'
    expect_status 400
    head -c 70000 /dev/zero | send
    expect_status 413
    head -c 1000000 /dev/zero | gzip | send -H 'Content-Encoding: gzip'
    expect_status 413
    printf '{}' | send -H 'Content-Encoding: br'
    expect_status 415
    type=image/png
    printf '{}' | send
    expect_status 415
    type=application/x-ndjson
    ask GET /api/v1/ingest
    expect_status 405
    ask GET /other
    expect_status 404
    expect_out '"status":404'
    node_stop
}

# What curl sends by itself; a problem in the sender's language; both as one object.
what_is_told_is_told_in_the_senders_language() {
    settings false
    node_start
    type=application/x-www-form-urlencoded
    printf '{"n":1}\n{"n":2}\n' | send
    expect_status 200
    expect_out '"stored":2'
    type=image/png
    printf '{}' | send -H 'Accept-Language: vi-VN, en;q=0.5'
    expect_status 415
    expect_out 'Hãy gửi JSON, mỗi dòng một sự kiện'
    grep -q -i '^Content-Language: vi' head || fail 'the language is not told'
    printf '{}' | send -H 'Accept-Language: fr, en;q=0.5'
    expect_out 'Send newline-delimited JSON'
    type=application/x-ndjson
    node_stop
}

sent_as() { # sent_as N STATUS
    printf '{"n":%s}' "$1" | send
    [ "$(cat status)" = "$2" ]
}

# The second connection of an address that may have one.
too_many_connections_are_told() {
    settings false
    sed -i 's/body_bytes: 64KiB/connections_per_address: 1/' canh.yaml
    node_start
    mkfifo slow
    curl -sS -m 60 -o slow.out -T slow -X POST -H "Content-Type: $type" \
        "http://127.0.0.1:$(port_of in)/api/v1/ingest" 2>slow.errors &
    exec 9>slow
    printf '{"n":1}\n' >&9
    until_true tcp_connected "$(port_of in)" || fail 'curl does not connect'
    until_true sent_as 2 429 || expect_status 429
    grep -q -i '^Retry-After: [0-9]' head || fail 'no Retry-After'
    exec 9>&-
    wait $!
    grep -q '"stored":1' slow.out || fail "the first connection: $(cat slow.out slow.errors)"
    until_true sent_as 3 200 || expect_status 200
    node_stop
}

a_listener_has_tls() {
    settings false
    sed -i 's/body_bytes: 64KiB/tls: true/' canh.yaml
    node_start
    for version in 1.2 1.3; do
        printf '{"n":1}\n' | curl -sS -m 60 -o out -w '%{http_code}' -H "Content-Type: $type" --data-binary @- \
            --tlsv1.2 --tls-max "$version" --cacert data/keys/ca.crt \
            "https://localhost:$(port_of in)/api/v1/ingest" --connect-to "localhost::127.0.0.1:" \
            >status 2>errors
        expect_status 200
    done
    ! curl -sS -m 60 "https://localhost:$(port_of in)/" --connect-to "localhost::127.0.0.1:" \
        >out 2>errors || fail 'a certificate that nobody vouches for is taken'
    printf '{"n":2}' | send
    [ "$(cat status)" = 200 ] && fail 'events were taken without TLS'
    expect_count 2 'n:*'
    node_stop
}

# Rules that changed on the disk: intake that starts again has them, the engine has not.
rules_come_from_the_engine() {
    settings false
    node_start
    printf '{"n":1}' | send
    expect_status 200
    sed -i 's/title: Seen/title: Seen again/; s/a: hit/a: hit2/' rules/seen.yml
    role_kill intake
    wait_for 'intake 0 is ready' 2
    printf '{"a":"hit"}\n{"a":"hit2"}\n' | send
    expect_status 200
    expect_findings 1 'rule.title:Seen' # as the engine read it
    hits 10 12 >logs/a.log
    expect_count 3 'n:[10 TO 12]'
    role_kill engine # and reads the rules anew
    wait_for 'engine 0 is ready' 2
    printf '{"n":2}' | send
    expect_status 200
    judged_by '' 3 || fail 'intake did not take the rules of the new engine'
    printf '{"a":"hit"}\n{"a":"hit2"}\n' | send
    expect_status 200
    expect_findings 1 'rule.title:"Seen again"'
    [ "$(grep -c 'intake 0 is ready' log)" = 2 ] || fail 'intake was started again'
    node_stop
    expect_code 0
}

# expect_findings COUNT QUERY
expect_findings() {
    run events -p _findings "$2"
    expect_lines "$1"
}

# How much came from where; silence is not health.
every_source_is_accounted_for() {
    settings false
    hits 1 3 >logs/a.log
    node_start
    expect_count 3 'n:*'
    run node_cli status -o ndjson
    expect_out '"code":"unseen","en":"watching, 1 source not yet seen: app"'
    expect_out '"name":"in","listen":"127.0.0.1:0","stored":0,"stored_since_start":0,"newest":null'
    printf '{"n":9}' | send
    node_stop
    node_start
    printf '{"n":9}' | send
    expect_status 200
    run node_cli status -o ndjson
    expect_out '"name":"app","live":true,"stored":2,"stored_since_start":1,"newest":"20'
    expect_out "{\"path\":\"$PWD/logs/a.log\",\"stored\":3,\"stored_since_start\":0,\"newest\":\"20"
    ! grep -q unseen out || fail 'a source that was seen is said not to be'
    node_stop
}

only_a_token_that_may_ingest_sends() {
    settings true
    node_start
    printf '{"n":1}' | send
    expect_status 401
    grep -q '^WWW-Authenticate: Bearer' head || fail 'no WWW-Authenticate'
    printf '{"n":1}' | send -H 'Authorization: Bearer canh_none'
    expect_status 401
    expect_count 0 'n:*'
    seed sensor ingest
    printf '{"n":1}' | send -H "Authorization: Bearer $(cat token)"
    expect_status 200
    seed looker read
    printf '{"n":2}' | send -H "Authorization: Bearer $(cat token)"
    expect_status 403
    expect_count 1 'n:*'
    node_stop
}

# The engine is killed while senders send: what it said is stored is there.
what_was_acknowledged_survives() {
    settings false
    node_start
    for i in $(seq 30); do
        printf '{"n":%s}\n' "$i" | send
        [ "$(cat status)" = 200 ] && echo "$i" >>acknowledged
        [ "$((i % 10))" = 5 ] && role_kill engine
    done
    until_true sent_as 31 200 || fail 'the engine did not come back'
    for i in $(cat acknowledged); do
        [ "$(count "n:$i")" -ge 1 ] || fail "event $i was acknowledged and is not there"
    done
    [ "$(wc -l <acknowledged)" -ge 10 ] || fail 'hardly anything was acknowledged'
    run node_cli verify 
    node_stop
}

hits() { lines "$1" "$2" hit; }

followed_files_are_read_once() {
    settings false
    hits 1 50 >logs/a.log
    node_start
    expect_count 50 'n:*'
    hits 51 60 >>logs/a.log
    printf '{"n":61,' >>logs/a.log
    expect_count 60 'n:*'
    role_kill intake
    mv logs/a.log logs/a.log.1
    hits 62 70 >logs/a.log
    echo '"a":"hit"}' >>logs/a.log.1
    wait_for 'intake 0 is ready' 2
    expect_count 70 'n:*'
    role_kill engine
    hits 71 80 >>logs/a.log
    expect_count 80 'n:*'
    : >logs/a.log
    sleep 1
    hits 81 82 >>logs/a.log
    expect_count 82 'n:*'
    node_stop
    hits 83 90 >>logs/a.log
    node_start
    expect_count 90 'n:*'
    expect_count 90 -p _findings 'rule.title:Seen'
    node_stop
}

# A header's columns are known behind a stop, too.
followed_csv_goes_on() {
    settings false
    printf 'n,a\n1,hit\n2,no\n' >logs/a.log
    node_start
    expect_count 2 'n:*'
    node_stop
    printf '3,hit\n' >>logs/a.log
    node_start
    expect_count 3 'n:*'
    expect_count 2 'a:hit'
    node_stop
}

indicators_are_looked_for() {
    settings false
    mkdir -m 0751 data
    node_own .
    echo 'bad.example' >feed.txt
    run $node_user "$canh" intel import --data data feed.txt
    expect_code 0
    node_start
    printf '{"host":"bad.example"}\n{"host":"good.example"}\n' | send
    expect_status 200
    expect_count 1 -p _findings 'rule.id:canh-indicator-domain'
    node_stop
}

# Five within a minute, seen by the engine over several posts.
correlations_are_found() {
    settings false
    cat >rules/many.yml <<'END'
title: Many
id: 22222222-2222-4222-8222-222222222222
correlation:
  type: event_count
  rules: [11111111-1111-4111-8111-111111111111]
  group-by: [user]
  timespan: 1m
  condition: {gte: 5}
END
    node_start
    for i in 1 2 3 4; do
        echo "{\"a\":\"hit\",\"user\":\"u\",\"time\":\"2026-11-22T10:00:0${i}Z\"}" | send
    done
    role_kill engine
    wait_for 'engine 0 is ready' 2
    expect_count 0 -p _findings 'rule.title:Many'
    echo '{"a":"hit","user":"u","time":"2026-11-22T10:00:05Z"}' | send
    expect_status 200
    expect_count 1 -p _findings 'rule.title:Many'
    node_stop
}

a_file_is_imported_by_a_reader() {
    settings false
    node_start
    { hits 1 20; echo '{"n":'; } >old.ndjson
    run node_cli import --source app old.ndjson
    expect_code 0
    expect_count 20 'n:*'
    expect_count 20 -p _findings 'rule.title:Seen'
    run events 'n:3'
    expect_out '"partition":"apps","file":"'
    node_stop
    expect_code 0
}

import_one() { run node_cli import --source "$@"; }

# The same file again, under another name, grown, packed: each of its events is stored once.
an_import_is_not_stored_twice() {
    settings false
    node_start
    hits 1 20 >old.ndjson
    import_one app -o ndjson old.ndjson
    expect_code 0
    expect_out '"events":20'
    import_one app -o ndjson old.ndjson
    expect_code 0
    expect_out '"events":0'
    expect_out '"already_imported":1'
    mv old.ndjson moved.ndjson
    hits 21 25 >>moved.ndjson
    import_one app -o ndjson moved.ndjson
    expect_out '"events":5'
    expect_count 25 'n:*'
    import_one portal -o ndjson moved.ndjson # as another source's it is another import
    expect_out '"events":25'
    hits 31 33 >one.ndjson
    hits 34 36 >two.ndjson
    tar -cf both.tar one.ndjson two.ndjson
    import_one app -o ndjson both.tar
    expect_out '"events":6'
    import_one app -o ndjson both.tar
    expect_out '"events":0'
    expect_out '"already_imported":2'
    seq 60000 | sed 's/.*/{"big":&,"text":"some more text so that it takes longer"}/' >big.ndjson
    node_own big.ndjson
    node_cli import --source app big.ndjson >out 2>errors &
    for _ in $(seq 200); do
        role_kill reader && break
        sleep 0.02
    done
    wait $!
    import_one app -o ndjson big.ndjson
    expect_code 0
    expect_count 60000 'big:*'
    node_stop
    expect_code 0
}

cases what_is_posted_is_stored_and_judged what_cannot_be_taken_is_told \
    what_is_told_is_told_in_the_senders_language too_many_connections_are_told \
    a_listener_has_tls rules_come_from_the_engine every_source_is_accounted_for \
    only_a_token_that_may_ingest_sends what_was_acknowledged_survives \
    followed_files_are_read_once followed_csv_goes_on indicators_are_looked_for \
    correlations_are_found a_file_is_imported_by_a_reader \
    an_import_is_not_stored_twice
finish
