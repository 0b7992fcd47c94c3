#!/bin/sh
# courier.sh CANH SOURCE SINK: messages go out at least once through kills of courier, engine and of
# all; each keeps its one key; a second time only where the kill fell behind the receiver's answer.
. "$2/tests/cli/expect.sh"
. "$2/tests/cli/node_life.sh"
sink=$3
ROUNDS=${CANH_KILL_ROUNDS:-6}
MESSAGES=10 # a round

settings() {
    sink_start "$sink" 3
    openssl rand -hex 16 >secret
    cat >canh.yaml <<END
web: {listen: none}
channels:
  - name: hook
    url: http://127.0.0.1:$(cat sink_port)/
    secret_file: $PWD/secret
END
    chmod 0600 secret
    chmod 0644 canh.yaml
    mkdir data
    chmod 0751 data
}

send_some() { # ROUND
    n=1
    while [ $n -le $MESSAGES ]; do
        # a kill may fall on the command: it says so, and the message counts only when it was taken
        node_cli outbox send hook --subject "message $1-$n" --text "text $1-$n" \
            >answer 2>>refused &&
            echo "message $1-$n" >>taken
        n=$((n + 1))
    done
}

waiting() {
    node_cli outbox list --state waiting -o ndjson 2>/dev/null
}

none_waits() { waiting >out && [ ! -s out ]; }

all_is_received() {
    settings
    node_start
    random_begin
    : >taken
    : >refused
    : >received_at_kills
    round=1
    while [ $round -le "$ROUNDS" ]; do
        send_some $round &
        sender=$!
        courier_or_more_killed 4
        wait $sender
        round=$((round + 1))
    done
    for _ in $(seq 600); do
        none_waits && break
        sed -n 's/.*"id":\([0-9]*\).*/\1/p' out >ids
        while read -r id; do node_cli outbox retry "$id" >/dev/null 2>&1; done <ids
        sleep 0.2
    done
    [ ! -s out ] || fail "messages still wait"
    [ "$(wc -l <taken)" -ge "$MESSAGES" ] || fail "only $(wc -l <taken) messages were taken"
    while read -r subject; do
        grep -q -F "\"subject\":\"$subject\"" received || fail "lost: $subject"
    done <taken
    # one key a message, one message a key
    cut -d ' ' -f 1 received | sort -u >keys
    cut -d ' ' -f 1,3- received | sort -u >pairs
    [ "$(wc -l <keys)" = "$(wc -l <pairs)" ] || fail 'a key came with two bodies'
    cut -d ' ' -f 3- received | sort -u >bodies
    [ "$(wc -l <keys)" = "$(wc -l <bodies)" ] || fail 'a message came under two keys'
    repeats=$(($(wc -l <received) - $(wc -l <keys)))
    echo "$(wc -l <taken) taken, $(wc -l <received) received, $repeats twice, $ROUNDS kills"
    # what is under way at a kill is bounded; without kills nothing comes twice
    [ $repeats -le $((ROUNDS * MESSAGES)) ] || fail "$repeats repeats"
    line=$(head -n 1 received)
    body=${line#* * }
    mac=$(printf %s "$body" | openssl dgst -sha256 -hmac "$(cat secret)" | sed 's/.* //')
    case $line in *" sha256=$mac "*) ;; *) fail 'the signature does not hold' ;; esac
    node_stop
    expect_code 0
    sink_stop
}

without_kills_each_comes_once() {
    settings
    node_start
    : >taken
    : >refused
    send_some 1
    until_true none_waits || fail 'messages still wait'
    [ "$(wc -l <received)" = $MESSAGES ] || fail "$(wc -l <received) came, not $MESSAGES"
    node_stop
    sink_stop
}

cases without_kills_each_comes_once all_is_received
finish
