#!/bin/sh
# courier.sh CANH SOURCE SINK: messages go out at least once through kills of courier, engine and of
# all; each keeps its one key; a second time only where the kill fell behind the receiver's answer.
. "$2/tests/cli/expect.sh"
. "$2/tests/cli/node_life.sh"
unset CANH_CONFIG
sink=$3
ROUNDS=${CANH_KILL_ROUNDS:-6}
MESSAGES=10 # a round

settings() {
    mkfifo sink_in
    "$sink" sink_port received 3 <sink_in &
    sink_pid=$!
    exec 9>sink_in
    for _ in $(seq 100); do
        [ -s sink_port ] && break
        sleep 0.05
    done
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
        $node_user "$canh" outbox send hook --subject "message $1-$n" --text "text $1-$n" \
            --config canh.yaml --data data >answer 2>>refused </dev/null &&
            echo "message $1-$n" >>taken
        n=$((n + 1))
    done
}

kill_something() { # ROUND
    sleep 0.$((RANDOM_STATE % 4))
    case $((RANDOM_STATE % 3)) in
    0) pid=$(role_pid courier) && [ -n "$pid" ] && kill -KILL "$pid" ;;
    1) pid=$(role_pid engine) && [ -n "$pid" ] && kill -KILL "$pid" ;;
    2)
        kill -KILL "$node"
        wait "$node" 2>/dev/null
        node_start
        ;;
    esac
    RANDOM_STATE=$(((RANDOM_STATE * 1103515 + 12345) % 65536))
}

waiting() {
    $node_user "$canh" outbox list --state waiting -o ndjson --config canh.yaml --data data \
        2>/dev/null </dev/null
}

all_is_received() {
    settings
    node_start
    RANDOM_STATE=${CANH_KILL_SEED:-$$}
    echo "seed $RANDOM_STATE"
    RANDOM_STATE=$((RANDOM_STATE % 65536))
    : >taken
    : >refused
    : >received_at_kills
    round=1
    while [ $round -le "$ROUNDS" ]; do
        send_some $round &
        sender=$!
        kill_something
        wait $sender
        round=$((round + 1))
    done
    for _ in $(seq 600); do
        waiting >out && [ ! -s out ] && break
        $node_user "$canh" outbox list --state waiting -o ndjson --config canh.yaml --data data \
            2>/dev/null </dev/null | sed -n 's/.*"id":\([0-9]*\).*/\1/p' | while read -r id; do
            $node_user "$canh" outbox retry "$id" --config canh.yaml --data data >/dev/null 2>&1
        done
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
    exec 9>&-
    wait $sink_pid
}

without_kills_each_comes_once() {
    settings
    node_start
    : >taken
    : >refused
    send_some 1
    for _ in $(seq 300); do
        waiting >out && [ ! -s out ] && break
        sleep 0.1
    done
    [ ! -s out ] || fail 'messages still wait'
    [ "$(wc -l <received)" = $MESSAGES ] || fail "$(wc -l <received) came, not $MESSAGES"
    node_stop
    exec 9>&-
    wait $sink_pid
}

cases without_kills_each_comes_once all_is_received
finish
