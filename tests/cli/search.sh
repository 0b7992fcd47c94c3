#!/bin/sh
# search.sh CANH SOURCE: canh search on a small store.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG

# store: two partitions, made once in the folder of the case
store() {
    cat >web.ndjson <<'END'
{"@timestamp":"2026-11-20T08:00:00Z","EventID":4625,"TargetUserName":"bob","IpAddress":"10.0.0.1","bytes":10}
{"@timestamp":"2026-11-21T08:00:00Z","EventID":4625,"TargetUserName":"alice","IpAddress":"10.0.0.2","bytes":30}
{"@timestamp":"2026-11-22T08:00:00Z","EventID":4624,"TargetUserName":"bob","IpAddress":"10.0.0.1","bytes":9007199254740993,"tags":["a","b"],"o":{"x":1}}
END
    cat >mail.ndjson <<'END'
{"@timestamp":"2026-11-21T09:00:00Z","message":"đặt lại mật khẩu cho Nguyễn Văn A","winlog":{"event_data":{"TargetUserName":"carol"}}}
{"@timestamp":"2026-11-21T10:00:00Z","message":"thư đã gửi","n":null,"ok":true}
END
    "$canh" import -q --data data web.ndjson >/dev/null || fail "import of web"
    "$canh" import -q --data data --partition mail mail.ndjson >/dev/null || fail "import of mail"
}

rows_are_json_newest_first() {
    store
    run "$canh" search --data data '*'
    expect_code 0
    expect_lines 5
    [ "$(sed 's/.*"time":"\([^"]*\)".*/\1/' out | tr '\n' ' ')" = \
        '2026-11-22T08:00:00Z 2026-11-21T10:00:00Z 2026-11-21T09:00:00Z 2026-11-21T08:00:00Z 2026-11-20T08:00:00Z ' ] ||
        fail 'not newest first'
    head -n 1 out >first
    grep -q '"id":"1:3".*"partition":"main","file":"web.ndjson","line":3' first || fail 'what is known of a row'
    grep -q '"bytes":9007199254740993' first || fail 'a number is not exact'
    grep -q '"tags":\["a","b"\]' first || fail 'a list'
    grep -q '"o.x":1' first || fail 'a nested value'
    run "$canh" search --data data --oldest --limit 1 '*'
    expect_lines 1
    expect_out 2026-11-20T08
    run "$canh" search --data data 'NOT *'
    expect_code 0
    expect_lines 0
}

spans_and_partitions() {
    store
    run "$canh" search --data data --from 2026-11-21 --to 2026-11-22 '*'
    expect_lines 3
    run "$canh" search --data data --from 2026-11-21T09:00:00Z '*'
    expect_lines 3
    run "$canh" search --data data --timezone +07:00 --from 2026-11-22 '*'
    expect_lines 1
    run "$canh" search --data data --from 2026-11-21 '_time:<2026-11-21T08:30:00Z'
    expect_lines 1
    run "$canh" search --data data '_received:1h'
    expect_lines 5
    run "$canh" search --data data '_received:<2026-01-01'
    expect_lines 0
    run "$canh" search --data data --partition mail '*'
    expect_lines 2
    run "$canh" search --data data --partition mail --partition main '*'
    expect_lines 5
    run "$canh" search --data data _partition:mail
    expect_lines 2
    run "$canh" search --data data --from 2026-11-22 --to 2026-11-21 '*'
    expect_code 2
    run "$canh" search --data data --from someday '*'
    expect_code 2
    expect_error '--from "someday" is no time'
    run "$canh" search --data data --partition 'No Such' '*'
    expect_code 2
}

filters() {
    store
    run "$canh" search --data data EventID:4625 NOT TargetUserName:bob
    expect_lines 1
    expect_out alice
    run "$canh" search --data data 'unaccented("mat khau")'
    expect_lines 1
    expect_out 'mật khẩu'
    run "$canh" search --data data 'mat khau'
    expect_lines 0
    run "$canh" search --data data 'bytes:>=30'
    expect_lines 2
    run "$canh" search --data data _id:1:3
    expect_lines 1
    cat >rule.yml <<'END'
title: Failed
logsource: {category: test}
detection:
    a: {EventID: 4625}
    condition: a
END
    run "$canh" search --data data rule.yml
    expect_code 0
    expect_lines 2
    run "$canh" search --data data rule.yml TargetUserName:bob
    expect_lines 1
    run "$canh" search --data data rule.yml '| stats count()'
    expect_out '{"count()":2}'
    echo 'title: x' >rule.yml
    run "$canh" search --data data rule.yml
    expect_code 2
    expect_error 'rule.yml:1'
}

wrong_queries_say_where() {
    store
    run "$canh" search --data data 'TargetUserNam:bob'
    expect_code 2
    expect_error "column 1: no event has a field 'TargetUserNam': did you mean 'TargetUserName'?"
    run "$canh" search --data data 'EventID:1 (Image:x'
    expect_code 2
    expect_error '    EventID:1 (Image:x'
    expect_error '^'
    run "$canh" search --data data
    expect_code 2
    expect_error '* is every event'
    run "$canh" search --data none '*'
    expect_code 3
    expect_error 'there is no store at none'
    run "$canh" search --data data --limit 0 '*'
    expect_code 2
}

pipes() {
    store
    run "$canh" search --data data '* | stats count() as n, sum(bytes) by TargetUserName' -o csv
    expect_code 0
    expect_out 'TargetUserName,n,sum(bytes)'
    expect_out 'alice,1,30'
    run "$canh" search --data data 'TargetUserName:* | top 1 TargetUserName'
    expect_lines 1
    expect_out '{"TargetUserName":"bob","count":2}'
    run "$canh" search --data data '* | fields _id, tags, n | limit 3'
    expect_lines 3
    expect_out '{"_id":"1:3","tags":"a, b","n":null}'
    run "$canh" search --data data '* | sort bytes desc | limit 1'
    expect_lines 1
    expect_out '"id":"1:3"'
    run "$canh" search --data data '* | fields -bytes' --limit 1
    expect_no_out bytes
    expect_out '"id":"1:3"'
    run "$canh" search --data data 'x:nothing | stats count()'
    expect_code 2
    run "$canh" search --data data 'EventID:1 | stats count()'
    expect_out '{"count()":0}'
    run "$canh" search --data data --limit 1 '* | stats count() by _partition'
    expect_lines 1
}

tables() {
    store
    run "$canh" search --data data -o table --timezone UTC '*'
    expect_lines 6
    expect_out '2026-11-22 08:00:00'
    expect_out TargetUserName=bob
    run "$canh" search --data data -o table --lang vi '* | fields TargetUserName, bytes'
    expect_lines 6
    run "$canh" search --data data -o csv '*'
    expect_lines 6
    expect_out 'id,time,received,source'
}

a_closed_pipe_ends_quietly() {
    store
    i=0
    while [ $i -lt 12 ]; do
        cat web.ndjson web.ndjson >more && cat more more >>many.ndjson
        i=$((i + 1))
    done
    "$canh" import -q --data data many.ndjson >/dev/null
    { "$canh" search --data data '*' 2>errors; echo $? >code; } | head -n 1 >out
    code=$(cat code)
    expect_code 0
    expect_lines 1
    [ ! -s errors ] || fail 'something was said'
}

# Acknowledged events are found at once, each once, while another process appends and seals.
while_another_writes() {
    store
    cat >canh.yaml <<'END'
store: {seal_rows: 500}
END
    (
        i=0
        while [ $i -lt 8 ]; do
            n=0
            while [ $n -lt 300 ]; do
                echo "{\"run\":\"r$i\",\"number\":$n}"
                n=$((n + 1))
            done >"run$i.ndjson"
            "$canh" import -q --config canh.yaml --data data "run$i.ndjson" >/dev/null || echo "run $i" >>broken
            echo $i >acknowledged
            i=$((i + 1))
        done
        echo done >ended
    ) &
    writer=$!
    while [ ! -e acknowledged ] && [ ! -e ended ]; do sleep 0.1; done
    while [ ! -e ended ]; do
        known=$(cat acknowledged 2>/dev/null || echo -1)
        run "$canh" search --data data 'run:*'
        expect_code 0
        sed 's/.*"id":"\([^"]*\)".*/\1/' out | sort >ids
        [ -z "$(uniq -d ids)" ] || fail 'an event came twice'
        [ "$(wc -l <ids)" -ge $(((known + 1) * 300)) ] || fail "events of run $known are missing"
        [ $failed = 0 ] || break
    done
    wait $writer
    [ ! -e broken ] || fail "the import failed: $(cat broken)"
    run "$canh" search --data data 'run:* | stats count(), distinct(number) by run'
    expect_lines 8
    expect_out '{"run":"r7","count()":300,"distinct(number)":300}'
}

cases rows_are_json_newest_first spans_and_partitions filters wrong_queries_say_where pipes tables \
    a_closed_pipe_ends_quietly while_another_writes
finish
