#!/bin/sh
# detect.sh CANH: the forms of findings, exit codes, and a reader that goes away.
. "$(dirname "$0")/expect.sh"

rule rule1 'First, with "quotes"' high attack.t1059.001
rule rule2 'Second' low attack.execution
printf '{"a":"rule1","host":"ws"}\n{"a":"other"}\n{"a":"rule2","time":"2026-11-22T10:36:00Z"}\n' \
    >events.ndjson

run "$canh" detect --rules rule1.yml --rules rule2.yml events.ndjson
expect_code 0
expect_lines 2
expect_out '"title":"First, with \"quotes\"","level":"high","author":"Somebody Else","tags":["attack.t1059.001"],"references":[],"source":"rule1.yml"},"event":{"file":"events.ndjson","line":1,"time":null},"matched":{"a":"rule1"}}'
expect_out '"event":{"file":"events.ndjson","line":3,'

run "$canh" detect --rules . -o csv events.ndjson
expect_lines 3
expect_out '"First, with ""quotes""",Somebody Else,events.ndjson,1,a=rule1,'
run "$canh" detect --rules . -o table events.ndjson
[ "$(sed '/^$/,$d' out | wc -l)" = 3 ] || fail "the table has not a heading and two findings"
run "$canh" detect --rules . -o html events.ndjson
expect_out '<section id=r0>'
expect_out '</html>'
run "$canh" detect --rules . -o html --lang vi events.ndjson
expect_out 'Kết quả phát hiện'

run "$canh" detect --rules . --fail-level high events.ndjson
expect_code 1
expect_lines 2
run "$canh" detect --rules . --fail-level critical events.ndjson
expect_code 0

run "$canh" detect --rules . nowhere.ndjson events.ndjson
expect_code 3
run "$canh" detect events.ndjson
expect_code 2
run "$canh" detect --rules . --no-such-option events.ndjson
expect_code 2

cat events.ndjson | "$canh" detect --rules . - >out 2>errors
code=$?
expect_code 0
expect_lines 2

# a reader that goes away ends the program quietly
i=0
while [ $i -lt 2000 ]; do
    cat events.ndjson
    i=$((i + 1))
done >many.ndjson
{
    "$canh" detect --rules . many.ndjson 2>errors
    echo $? >code
} | head -n 1 >out
code=$(cat code)
expect_code 0
[ ! -s errors ] || fail "a closed pipe was not taken quietly"

finish
