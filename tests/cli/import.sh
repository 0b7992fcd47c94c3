#!/bin/sh
# import.sh CANH: event files into a store: what is stored, found and refused; going on, files that
# grew, again; sources of canh.yaml; a stop by signal.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG
export CANH_STORE_RESERVE_BYTES=0

# result NAME: a number of the summary
result() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" out | tail -n 1; }
expect_result() { [ "$(result "$1")" = "$2" ] || fail "$1 is $(result "$1"), not $2"; }

events() { # events FIRST LAST: lines with those numbers
    seq "$1" "$2" | sed 's/.*/{"n":&,"time":"2026-11-22T10:00:00Z","user":"u","a":"rule1"}/'
}

stores_and_finds() {
    rule rule1 'First' high attack.execution
    { events 1 3; echo '{"n":4,broken'; echo '{"n":5,"a":"no"}'; } >e.ndjson
    run "$canh" import --data store --rules rule1.yml e.ndjson
    expect_code 0
    expect_result events 4
    expect_result findings 3
    expect_result refused 1
    expect_out '"first_id":"1:1","last_id":"1:4"'
    run "$canh" import --data store --rules rule1.yml e.ndjson
    expect_code 0
    expect_result events 0
    expect_result already_imported 1
    expect_error 'already imported; --again imports it once more'
    run "$canh" import --data store --rules rule1.yml --again -q e.ndjson
    expect_result events 4
    run "$canh" import --data store --rules rule1.yml --again --strict e.ndjson
    expect_code 1
}

shows_findings_as_detect_does() {
    rule rule1 'First' high attack.execution
    events 1 50 >e.ndjson
    cat >many.yml <<'EOF'
title: Many
name: many
correlation:
    type: event_count
    rules: [00000000-0000-4000-8000-000000000001]
    group-by: [user]
    timespan: 1m
    generate: true
    condition: {gte: 10}
EOF
    "$canh" detect --rules . e.ndjson >wanted 2>errors
    run "$canh" import --data store --rules . --findings e.ndjson
    expect_code 0
    expect_out '"event":{"id":"1:1","file":"e.ndjson","line":1,'
    expect_out '"title":"Many"'
    expect_error '"findings":51'
    sed 's/"id":"1:[0-9]*",//g' out | cmp -s - wanted || fail 'detect gives other findings'
    run "$canh" import --data store --rules . --findings --again --stats -o table e.ndjson
    expect_out 'First'
    expect_figure events 50
    expect_figure correlation_inputs 50
}

goes_on_where_a_file_ended() {
    events 1 10 >e.ndjson
    run "$canh" import --data store e.ndjson
    events 11 15 >>e.ndjson
    run "$canh" import --data store e.ndjson
    expect_result events 5
    expect_result resumed_from 10
    events 21 30 >e.ndjson
    run "$canh" import --data store -v e.ndjson
    expect_result events 10
    expect_result resumed_from 0
    expect_error 'another file than the one imported before'
}

knows_archive_members() {
    events 1 10 >a.ndjson
    events 1 20 >b.ndjson
    tar cf e.tar a.ndjson b.ndjson
    gzip -k a.ndjson
    run "$canh" import --data store e.tar a.ndjson.gz
    expect_result events 40
    run "$canh" import --data store e.tar a.ndjson.gz
    expect_result events 0
    expect_result already_imported 3
}

takes_the_standard_input_every_time() {
    events 1 5 >e.ndjson
    for expected in 1 2; do
        "$canh" import --data store <e.ndjson >out 2>errors
        code=$?
        expect_code 0
        expect_result events 5
    done
    cat e.ndjson | "$canh" import --data store - >out 2>errors
    expect_result events 5
}

knows_its_sources() {
    printf 'store: {reserve_bytes: 0}\nsources:\n  - name: gate\n    partition: web\n    format: text\n    product: linux\n' >canh.yaml
    echo 'some line' >e.log
    run "$canh" import --data store --config canh.yaml --source gate e.log
    expect_code 0
    expect_result events 1
    [ -d store/segments/web ] || fail 'the partition of the source was not used'
    run "$canh" import --data store --config canh.yaml --source gat e.log
    expect_code 2
    expect_error 'has no source gat'
    run "$canh" import --data store --partition _findings e.log
    expect_code 2
    run "$canh" import --data store --format nonsense e.log
    expect_code 2
}

tells_what_it_cannot_do() {
    events 1 5 >e.ndjson
    run "$canh" import --data store e.ndjson nowhere.ndjson
    expect_code 3
    expect_result events 5
    touch file
    run "$canh" import --data file/store e.ndjson
    expect_code 3
    run "$canh" import --data store --rules nowhere e.ndjson
    expect_code 3
}

stops_when_told() {
    mkfifo pipe
    "$canh" import --data store pipe >out 2>errors &
    importer=$!
    exec 3<>pipe
    events 1 5 >&3
    tries=0
    while [ "$("$canh" search --data store -q -o ndjson 'n:*' 2>/dev/null | wc -l)" != 5 ] &&
        [ $tries -lt 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    run "$canh" import --data store pipe
    expect_code 3
    expect_error 'another process writes'
    kill -TERM $importer
    wait $importer
    code=$?
    exec 3>&-
    expect_code 3
    events 1 1 >e.ndjson
    run "$canh" import --data store e.ndjson
    expect_out '"first_id":"1:6"'
}

cases stores_and_finds shows_findings_as_detect_does goes_on_where_a_file_ended \
    knows_archive_members takes_the_standard_input_every_time knows_its_sources \
    tells_what_it_cannot_do stops_when_told
finish
