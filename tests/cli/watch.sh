#!/bin/sh
# watch.sh CANH SOURCE: `canh watch` shows each finding once, also when the engine is started again
# meanwhile; what an attacker wrote moves nothing on the terminal; exit codes.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
export CANH_STORE_RESERVE_BYTES=0

watched_node() {
    rule_seen '{a|startswith: hit}'
    cat >canh.yaml <<END
web: {listen: none}
rules: {paths: ["$PWD/rules"], indicators: false}
sources:
  - {name: app, category: test}
  - {name: other, category: test}
listeners:
  - {name: in, listen: "127.0.0.1:0", source: app, token: false}
  - {name: more, listen: "127.0.0.1:0", source: other, token: false}
END
    chmod 0644 canh.yaml
    node_start
}

# watch_start: it writes into ./seen, where findings from here on are to stand
watch_start() {
    # shellcheck disable=SC2086
    $node_user "$canh" watch $node_options >seen 2>errors </dev/null &
    watch_pid=$!
    until_true grep -q 'Findings stand here' seen || fail 'there is no box'
}
watch_end() {
    wait $watch_pid
    code=$?
}
watch_stop() {
    kill -TERM $watch_pid
    watch_end
}

posted() { post /api/v1/ingest application/x-ndjson body && [ "$(cat status)" = 200 ]; }
# hits FROM TO: as soon as they are taken
hits() {
    seq "$1" "$2" | sed 's/.*/{"a":"hit-&-"}/' >body
    until_true posted || fail "HTTP $(cat status)"
}
# shown FROM TO: each of them stands there
shown() {
    for n in $(seq "$1" "$2"); do
        grep -q "hit-$n-" seen || return 1
    done
}

findings_stand_there_once_each() {
    watched_node
    hits 1 3
    expect_count 3 -p _findings 'rule.title:Seen'
    watch_start
    hits 4 8
    until_true shown 4 8 || fail 'not all findings are shown'
    role_kill engine || fail 'there is no engine'
    hits 9 13
    until_true shown 9 13 || fail 'findings are missing after the engine was started again'
    # the status is asked of the new engine
    echo '{"a":"miss"}' >body
    other_takes() {
        [ "$(curl -sS -m 20 -o answer -w '%{http_code}' -H 'Content-Type: application/x-ndjson' \
            --data-binary @body "http://127.0.0.1:$(port_of more)/api/v1/ingest" 2>curl.errors)" = 200 ]
    }
    until_true other_takes || fail "the other listener takes nothing: $(cat curl.errors)"
    until_true grep -q 'first event seen: other' seen || fail 'what was heard first is not told'
    hits 14 14
    until_true shown 14 14 || fail 'the last finding is not shown'
    watch_stop
    expect_code 0
    ! shown 1 1 || fail 'a finding of before stands there'
    # a batch may be posted twice where its answer was lost: as often as it is stored
    grep -o 'hit-[0-9]*-' seen | sort >have
    events -p _findings 'rule.title:Seen' | grep -o '"matched.a":"hit-[0-9]*-' |
        sed 's/.*"//; /hit-[123]-/d' | sort >want
    cmp -s have want || fail "shown otherwise than stored: $(diff have want | head -n 5)"
    node_stop
    expect_code 0
}

what_an_attacker_wrote_moves_nothing() {
    watched_node
    watch_start
    printf '{"a":"hit \\u001b]0;owned\\u0007\\u001b[2J\\r\\nhit \\u009b31m\\u202egpj\\u007f\\b end"}\n' >body
    until_true posted || fail "HTTP $(cat status)"
    until_true grep -q 'Seen .*owned' seen || fail 'the finding is not shown'
    watch_stop
    expect_code 0
    LC_ALL=C tr -d '\n' <seen | LC_ALL=C grep -q '[[:cntrl:]]' && fail 'there are control characters'
    for harm in '\302\233' '\342\200\256'; do
        LC_ALL=C grep -q -F -e "$(printf "$harm")" seen && fail 'there are controls of Unicode'
    done
    [ "$(grep -c hit seen)" = 1 ] || fail 'a finding takes more than its line'
    node_stop
    expect_code 0
}

exit_codes_say_what_happened() {
    watched_node
    run node_cli watch --once
    expect_code 0
    expect_out 'http 127.0.0.1'
    expect_out 'not yet seen'
    expect_no_out 'Findings stand here'
    hits 1 1
    app_is_seen() { node_cli watch --once | grep -q '● app.*, 1 event$'; }
    until_true app_is_seen || fail 'the box does not say that the source was seen'
    run node_cli watch --once --lang vi
    expect_code 0
    expect_out '1 sự kiện'
    run node_cli watch --once something
    expect_code 2
    expect_error 'takes options only'
    run node_cli watch --twice
    expect_code 2
    watch_start
    node_stop
    watch_end # it gives an engine time to be started again
    expect_code 3
    expect_error 'the node has ended'
    run node_cli watch --once
    expect_code 3
    expect_error 'the node does not run'
}

cases findings_stand_there_once_each what_an_attacker_wrote_moves_nothing \
    exit_codes_say_what_happened
finish
