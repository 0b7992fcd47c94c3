#!/bin/sh
# intel_pattern.sh CANH: canh intel pattern.
. "$(dirname "$0")/expect.sh"

SEEN='"observed_data":{"type":"observed-data","objects":{"0":{"type":"t","name":"a"}}}'

answers_stand_in_the_order_of_the_lines() {
    cat >pairs <<EOF
{"pattern":"[t:name = 'a']",$SEEN}
{"pattern":"[t:name = 'b']",$SEEN}
not JSON
{"pattern":"[t:name","observed_data":[]}
{"pattern":"[t:name = 'a']"}

{"pattern":"[t:name = 'a'] START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'","stix_version":"2.0",$SEEN}
{"pattern":"[t:name = 'a']","stix_version":"3.0",$SEEN}
EOF
    printf '{"pattern":"[t:name = '"'a'"']",%s}' "$SEEN" >>pairs
    run "$canh" intel pattern pairs
    expect_code 0
    expect_lines 9
    cut -c 1-13 out | tr '\n' ' ' >seen
    wanted='{"match":true {"match":fals {"error":"Not {"error":"at  {"error":"the {"error":"Not '
    wanted="$wanted"'{"match":fals {"error":"sti {"match":true '
    [ "$(cat seen)" = "$wanted" ] || fail "the answers are $(cat seen)"
    "$canh" intel pattern <pairs >again 2>errors
    cmp -s out again || fail 'a file and the standard input are answered differently'
    "$canh" intel pattern - <pairs >again 2>errors
    cmp -s out again || fail 'a file and - are answered differently'
}

check_says_which_patterns_are_valid() {
    printf '%s\r\n\n%s\n' "[t:name = 'a']" "{\"pattern\":\"[t:name != 'a']\"}" >good
    run "$canh" intel pattern --check good
    expect_code 0
    expect_lines 2
    expect_out '{"line":1,"valid":true}'
    expect_out '{"line":3,"valid":true}'
    expect_error '2 patterns, 0 not valid'
    printf '%s\n' '[t:name]' '[t:a=1] REPEATS 2 TIMES REPEATS 2 TIMES' >>good
    run "$canh" intel pattern --check --quiet good
    expect_code 1
    expect_out '{"line":4,"valid":false,"error":"at byte 8 of the pattern: '
    expect_out '{"line":5,"valid":false,"error":"at byte 25 of the pattern: '
    [ -s errors ] && fail '--quiet is not'
    printf '%s\n' "[t:a=1] START '2026-01-01T00:00:00Z' STOP '2026-01-02T00:00:00Z'" >old
    run "$canh" intel pattern --check old
    expect_code 1
    run "$canh" intel pattern --check --stix-version 2.0 old
    expect_code 0
}

a_line_that_is_too_long_is_said() {
    { head -c 17000000 /dev/zero | tr '\0' ' '; printf '\n{"pattern":"[t:name = '"'a'"']",%s}\n' "$SEEN"; } >long
    run "$canh" intel pattern long
    expect_code 0
    expect_lines 2
    expect_out 'the line is longer than'
    expect_out '{"match":true}'
}

wrong_use_is_said() {
    run "$canh" intel pattern one two
    expect_code 2
    run "$canh" intel pattern nosuch
    expect_code 3
    expect_error 'nosuch cannot be opened'
}

cases answers_stand_in_the_order_of_the_lines check_says_which_patterns_are_valid \
    a_line_that_is_too_long_is_said wrong_use_is_said
finish
