#!/bin/sh
# hunt.sh CANH SOURCE: canh hunt on a small store, and detect --indicators: the same findings from both.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG

# store: two partitions and a late event; its files, a rule, a correlation and a list of indicators
store() {
    cat >web.ndjson <<'END'
{"@timestamp":"2026-11-20T08:00:00Z","a":"hit1","user":"bob","host":"www.bad.example","Computer":"pc1"}
{"@timestamp":"2026-11-20T08:04:00Z","a":"hit1","user":"bob","ip":"198.51.100.7"}
{"@timestamp":"2026-11-20T09:00:00Z","a":"no","user":"bob","url":"http://ok.example/"}
{"@timestamp":"2026-11-20T08:02:00Z","a":"HIT1","user":"bob"}
{"a":"hit1","user":"carol"}
END
    cat >mail.ndjson <<'END'
{"@timestamp":"2026-11-22T08:00:00Z","a":"hit1","user":"dung"}
END
    rule hit1 'First' high attack.t1001
    cat >often.yml <<'END'
title: Often
id: 00000000-0000-4000-8000-0000000000aa
level: critical
correlation:
    type: event_count
    rules: [00000000-0000-4000-8000-000000000001]
    group-by: [user]
    timespan: 10m
    condition: {gte: 3}
    generate: true
END
    printf 'bad[.]example\n198.51.100.0/24\n' >bad.txt
    "$canh" import -q --data data --timezone UTC web.ndjson >/dev/null || fail "import of web"
    "$canh" import -q --data data --timezone UTC --partition mail mail.ndjson >/dev/null || fail "import of mail"
}

plain() { sed 's/{"id":"[0-9]*:[0-9]*",/{/g' "$1"; }

hunt_is_detect() {
    store
    run "$canh" detect --rules hit1.yml --rules often.yml --indicators bad.txt web.ndjson mail.ndjson
    expect_code 0
    expect_lines 8
    cp out wanted
    run "$canh" hunt --data data --rules hit1.yml --rules often.yml --indicators bad.txt
    expect_code 0
    expect_out '"event":{"id":"1:1","file":"web.ndjson","line":1'
    plain out | cmp -s - wanted || fail 'hunt and detect differ'
    "$canh" store seal --data data >/dev/null || fail 'store seal'
    run "$canh" hunt --data data --rules hit1.yml --rules often.yml --indicators bad.txt
    plain out | cmp -s - wanted || fail 'hunt and detect differ after a seal'
}

indicators_alone() {
    store
    run "$canh" hunt --data data --indicators bad.txt
    expect_code 0
    expect_lines 2
    expect_out '"id":"canh-indicator-domain"'
    expect_out '"matched":{"host":"www.bad.example"},"indicator":{"type":"domain","value":"bad.example","source":"bad.txt"}}'
    expect_out '"indicator":{"type":"cidr","value":"198.51.100.0/24"'
    cp out wanted
    run "$canh" detect --indicators bad.txt web.ndjson
    plain wanted | cmp -s - out || fail 'detect has other indicators'
    run "$canh" hunt --data data --indicators bad.txt -o csv
    expect_out 'host=www.bad.example; indicator=bad.example; source=bad.txt,pc1'
    cp out wanted
    run "$canh" detect --indicators bad.txt -o csv web.ndjson
    cmp -s out wanted || fail 'detect has other rows of CSV'
    run "$canh" hunt --data data --indicators bad.txt -o table --lang vi
    expect_out 'Thấy dấu hiệu đã biết: tên miền'
    expect_out 'dấu hiệu=bad.example; nguồn=bad.txt'
    run "$canh" hunt --data data --indicators bad.txt -o html
    expect_out '</html>'
    expect_out 'bad.example'
}

spans_and_partitions() {
    store
    run "$canh" hunt --data data --rules hit1.yml --partition mail
    expect_lines 1
    expect_out '"id":"1:6"'
    run "$canh" hunt --data data --rules hit1.yml --from 2026-11-20T08:01:00Z --to 2026-11-20T08:03:00Z
    expect_lines 1
    expect_out '"line":4,'
    # the correlation's first events are before --from, and it becomes true behind it
    run "$canh" hunt --data data --rules hit1.yml --rules often.yml --from 2026-11-20T08:03:00Z --to 2026-11-21
    expect_out '"title":"Often"'
    expect_lines 2
    # here it was true before
    run "$canh" hunt --data data --rules hit1.yml --rules often.yml --from 2026-11-20T08:05:00Z --to 2026-11-21
    expect_no_out '"title":"Often"'
}

exit_codes() {
    store
    run "$canh" hunt --data data --rules hit1.yml --fail-level high
    expect_code 1
    run "$canh" hunt --data data --rules hit1.yml --fail-level critical
    expect_code 0
    run "$canh" hunt --data data --rules hit1.yml --hunting only
    expect_code 2
    expect_error '--hunting chooses among the node'
    run "$canh" hunt --data data --rules hit1.yml web.ndjson
    expect_code 2
    run "$canh" hunt --data data --rules hit1.yml --from yesteryear
    expect_code 2
    expect_error 'is no time'
    run "$canh" hunt --data data --rules hit1.yml --from 2026-11-22 --to 2026-11-21
    expect_code 2
    run "$canh" hunt --data nowhere --rules hit1.yml
    expect_code 3
    expect_error 'there is no store at nowhere'
    run "$canh" hunt --data data --rules missing.yml
    expect_code 3
    run "$canh" detect web.ndjson
    expect_code 2
    expect_error '--indicators PATH'
    run "$canh" detect --indicators missing.txt web.ndjson
    expect_code 3
}

without_rules_those_of_the_settings() {
    store
    printf 'rules: {paths: ["%s/hit1.yml"]}\n' "$PWD" >canh.yaml
    run "$canh" hunt --data data --config canh.yaml
    expect_code 0
    expect_lines 5
    printf 'rules: {paths: ["%s/none.yml"]}\n' "$PWD" >canh.yaml
    run "$canh" hunt --data data --config canh.yaml
    expect_code 3
    expect_error 'none.yml'
    expect_error '--rules'
    "$canh" intel import -q --data data bad.txt >/dev/null || fail 'import of indicators'
    printf 'rules: {paths: ["%s/hit1.yml"]}\n' "$PWD" >canh.yaml
    run "$canh" hunt --data data --config canh.yaml
    expect_code 0
    expect_lines 7
    expect_out 'canh-indicator-domain'
    printf 'rules: {paths: ["%s/hit1.yml"], indicators: false}\n' "$PWD" >canh.yaml
    run "$canh" hunt --data data --config canh.yaml
    expect_lines 5
}

figures() {
    store
    run "$canh" hunt --data data --rules hit1.yml --rules often.yml --stats
    expect_code 0
    expect_figure findings 6
    expect_figure hits 5
    expect_figure rules 1
    expect_figure rows_damaged 0
    expect_figure correlation_inputs 5
    grep -q '"mapping_set":"[0-9a-f]\{16\}"' errors || fail 'the mappings that judged are not said'
}

damage_is_told() {
    store
    "$canh" store seal --data data >/dev/null || fail 'store seal'
    file=$(find data/segments/main -name '*.segment' | head -n 1)
    size=$(wc -c <"$file")
    # the last bytes are those by which a segment is opened
    printf 'XXXXXXXX' | dd of="$file" bs=1 seek=$((size - 8)) conv=notrunc 2>/dev/null
    run "$canh" hunt --data data --rules hit1.yml
    expect_code 3
    expect_lines 1
    expect_error '5 stored events are damaged and were not judged'
}

cases hunt_is_detect indicators_alone spans_and_partitions exit_codes without_rules_those_of_the_settings figures damage_is_told
finish
