#!/bin/sh
# outputs.sh CANH SOURCE BULK_SINK: findings go on through kills of courier, engine and of all while
# events come in: none is lost at any output; _bulk holds each under its one id, in a file each
# stands at least once on a whole line.
. "$2/tests/cli/expect.sh"
. "$2/tests/cli/node_life.sh"
export CANH_STORE_RESERVE_BYTES=0
bulk_sink=$3
ROUNDS=${CANH_KILL_ROUNDS:-6}
EVENTS=400 # a round

settings() {
    mkdir -p logs to data
    chmod 0751 data
    rule_seen
    : >mode
    sink_start "$bulk_sink" "$PWD/mode"
    cat >canh.yaml <<YAML
web: {listen: none}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: app, category: test, follow: ["$PWD/logs/*.log"]}
outputs:
  - {name: search, kind: elasticsearch, url: "http://127.0.0.1:$(cat sink_port)"}
  - {name: lines, kind: file, path: "$PWD/to/findings.ndjson"}
  - {name: some, kind: file, path: "$PWD/to/some.ndjson", what: events, filter: 'a:no'}
YAML
    chmod 0644 canh.yaml
}

send_some() { # ROUND
    for part in 1 2 3 4; do
        seq $((EVENTS / 4)) | sed "s/.*/{\"n\":\"$1-$part-&\",\"a\":\"hit\"}\n{\"n\":\"$1-$part-&\",\"a\":\"no\"}/" \
            >>logs/app.log
        sleep 0.1
    done
}

stored() { # PARTITION QUERY
    events -p "$1" "$2" | sed -n 's/^{"id":"\([^"]*\)".*/\1/p' | sort -u
}
in_file() { sed -n 's/.*"event":{[^}]*"id":"\([^"]*\)".*/\1/p' "$1" | sort -u; }

all_arrive() {
    sed -n 's/^index [^ ]* \([^ ]*\) .*/\1/p' received | sort -u >at_search
    in_file to/findings.ndjson >at_lines
    in_file to/some.ndjson >at_some
    stored _findings 'rule.title:Seen' >findings
    stored main 'a:no' >events
    [ "$(wc -l <findings)" = "$wanted" ] && [ "$(wc -l <events)" = "$wanted" ] &&
        cmp -s findings at_search && cmp -s findings at_lines && cmp -s events at_some
}

none_is_lost() {
    settings
    node_start
    random_begin
    round=1
    while [ $round -le "$ROUNDS" ]; do
        [ $((round % 3)) = 0 ] && echo cut >mode
        send_some $round &
        sender=$!
        courier_or_more_killed 6
        wait $sender
        : >mode
        round=$((round + 1))
    done
    wanted=$((ROUNDS * EVENTS))
    WAIT_S=180
    until_true all_arrive || fail "$wanted events; stored $(wc -l <findings) findings, $(wc -l <events) others; \
at _bulk $(wc -l <at_search), in the files $(wc -l <at_lines) and $(wc -l <at_some)"
    grep -q '^bad' received && fail 'a request was malformed'
    # what a kill cut stands alone; all other lines are whole
    torn=$(grep -c -v '^{"@timestamp":.*}$' to/findings.ndjson)
    [ "$torn" -le "$ROUNDS" ] || fail "$torn lines are not whole"
    echo "$wanted findings, $ROUNDS kills; twice: $(($(grep -c '^index' received) - wanted)) at _bulk," \
        "$(($(wc -l <to/findings.ndjson) - torn - wanted)) in the file; $torn cut lines"
    node_stop
    expect_code 0
    sink_stop
}

cases none_is_lost
finish
