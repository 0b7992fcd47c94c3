#!/bin/sh
# store.sh CANH SOURCE: canh store stat, dump, rebuild, expire, merge, seal, snapshot.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG

store() {
    n=1
    while [ $n -le 30 ]; do
        printf '{"@timestamp":"2026-11-22T08:00:%02dZ","number":%d}\n' $n $n
        n=$((n + 1))
    done >a.ndjson
    sed 's/number/figure/' a.ndjson >b.ndjson
    "$canh" import -q --data data a.ndjson >/dev/null || fail "import of a"
    "$canh" import -q --data data --partition other b.ndjson >/dev/null || fail "import of b"
}

expect_events() { # COUNT DATA
    run "$canh" search --data "$2" '* | stats count()'
    expect_out "{\"count()\":$1}"
}

stat_says_what_there_is() {
    store
    run "$canh" store stat --data data
    expect_code 0
    expect_lines 1
    expect_out '"next_sequence":61'
    expect_out '{"name":"main","events":30'
    expect_out '{"name":"other","events":30'
    run "$canh" store stat --data data -o table --lang vi
    expect_out 'phân vùng'
    run "$canh" store stat --data data -o csv
    expect_lines 3
    run "$canh" store stat --data data extra
    expect_code 2
    run "$canh" store stats --data data
    expect_code 2
    expect_error 'canh store stat'
    run "$canh" store stat --data none
    expect_code 3
}

files_are_shown() {
    store
    for file in $(find data/segments data/journal data/notary -type f | head -n 20); do
        run "$canh" store dump "$file"
        expect_code 0
        [ -s out ] || fail "nothing is shown of $file"
    done
    run "$canh" store dump --rows "$(find data/segments -name '*.segment' | head -n 1)"
    expect_out 'canh-event 1'
    run "$canh" store dump a.ndjson
    expect_code 3
    run "$canh" store dump none
    expect_code 3
    run "$canh" store dump
    expect_code 2
}

the_catalog_is_made_again() {
    store
    rm -f data/catalog.sqlite*
    run "$canh" store rebuild --data data
    expect_code 0
    expect_out '2 segments, 60 events'
    expect_events 60 data
    run "$canh" verify --data data
    expect_code 0
}

what_is_old_goes() {
    store
    cat >canh.yaml <<'END'
store:
  partitions:
    other: {keep_bytes: 1B}
    default: {keep: 50y}
END
    "$canh" config check canh.yaml >/dev/null 2>errors || fail 'canh.yaml is wrong'
    run "$canh" store expire --data data --config canh.yaml --dry-run
    expect_code 0
    expect_out '1 segments with 30 events'
    expect_events 60 data
    run "$canh" store expire --data data --config canh.yaml
    expect_code 0
    expect_out 'are gone'
    expect_events 30 data
    run "$canh" verify --data data
    expect_code 0
    expect_out '"tombstones":1'
}

care() {
    store
    i=0
    while [ $i -lt 4 ]; do
        sed "s/number/number$i/" a.ndjson >"c$i.ndjson"
        "$canh" import -q --data data "c$i.ndjson" >/dev/null || fail "import $i"
        i=$((i + 1))
    done
    run "$canh" store seal --data data
    expect_code 0
    run "$canh" store merge --data data
    expect_code 0
    expect_out 'were merged'
    expect_events 180 data
    run "$canh" store snapshot copy --data data
    expect_code 0
    expect_events 180 copy
    run "$canh" verify --data copy
    expect_code 0
    run "$canh" store snapshot copy --data data
    expect_code 3
    run "$canh" store snapshot --data data
    expect_code 2
    run "$canh" store merge more --data data
    expect_code 2
}

cases stat_says_what_there_is files_are_shown the_catalog_is_made_again what_is_old_goes care
finish
