#!/bin/sh
# export.sh CANH SOURCE: canh export, and what comes of importing it again.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG

store() {
    cat >a.ndjson <<'END'
{"@timestamp":"2026-11-20T08:00:00Z","n":1.50,"big":9007199254740993,"s":"tab\t\"quote\" \u00e9 mật khẩu"}
{"@timestamp":"2026-11-21T08:00:00Z","o":{"x":{"y":[1,"two",null,{"z":true}]},"e":{}},"l":[],"o.flat":"f","null":null}
{"@timestamp":"2026-11-22T08:00:00Z","d":1,"d":2,"t":[1,[2,3]],"after":false}
END
    printf '{"@timestamp":"2026-11-22T09:00:00Z","m":"=1+1"}\n' >b.ndjson
    printf '<13>Nov 22 10:00:00 host app[7]: a message\n' >c.log
    "$canh" import -q --data data a.ndjson >/dev/null || fail "import of a"
    "$canh" import -q --data data --partition other b.ndjson c.log >/dev/null || fail "import of b"
}

it_can_be_imported_again() {
    store
    run "$canh" export --data data --partition main
    expect_code 0
    expect_lines 3
    expect_error '3 events exported'
    expect_out '"n":1.50,"big":9007199254740993'
    expect_out '"o":{"x":{"y":[1,"two",null,{"z":true}]},"e":{}},"l":[],"o.flat":"f","null":null'
    expect_out '"d":1,"d":2,"t":[1,[2,3]],"after":false'
    cp out again.ndjson
    "$canh" import -q --data second again.ndjson >/dev/null || fail "import of the export"
    run "$canh" export --data second
    cmp -s out again.ndjson || fail 'the export of an export differs'
    # the fields that canonical text shows, exact
    "$canh" export -q --data data --partition main -o canonical | sed -n '/^[snb0o][.]\{0,1\} /p' >one
    "$canh" export -q --data second -o canonical | sed -n '/^[snb0o][.]\{0,1\} /p' >two
    cmp -s one two || fail 'fields differ after a second import'
    [ "$(wc -l <one)" -gt 20 ] || fail 'too few fields'
}

forms_and_ranges() {
    store
    run "$canh" export --data data -o canonical
    expect_lines "$(wc -l <out)"
    expect_out 'event 1:1'
    expect_out 'canh-event 1'
    run "$canh" export --data data -o csv --from 2026-11-22T08:30:00Z
    expect_code 0
    expect_out 'id,time,received'
    expect_out '""m"":""=1+1""}"'
    run "$canh" export --data data --about 'm:*'
    expect_lines 1
    expect_out '"_canh":{"id":"1:4"'
    run "$canh" export --data data 'big:9007199254740993'
    expect_lines 1
    run "$canh" export --data data '* | limit 3'
    expect_code 2
    expect_error 'takes no pipes'
    run "$canh" export --data data -o table
    expect_code 2
}

to_a_file() {
    store
    run "$canh" export --data data --out all.ndjson
    expect_code 0
    expect_lines 0
    [ "$(wc -l <all.ndjson)" = 5 ] || fail 'not all events are in the file'
    run "$canh" export --data data --out all.ndjson
    expect_code 2
    expect_error 'all.ndjson is there already'
    run "$canh" export --data data --out none/all.ndjson
    expect_code 3
    { "$canh" export --data data 2>errors; echo $? >code; } | true
    [ "$(cat code)" = 0 ] || fail 'a closed pipe'
}

cases it_can_be_imported_again forms_and_ranges to_a_file
finish
