#!/bin/sh
# disk_full_load.sh CANH SOURCE LOAD: the disk of the data folder becomes full while events come by
# HTTP and in a followed file, and has room again: posts are told to come again, the file waits,
# nothing is lost or there twice, and the ledger holds.
if [ "${4:-}" != inside ]; then
    if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
        echo 'skipped: a small disk wants root and mount namespaces'
        exit 77
    fi
    exec unshare -m --propagation private sh "$0" "$1" "$2" "$3" inside
fi
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
load=$3

settings() {
    mkdir data logs
    mount -t tmpfs -o "size=96m,mode=0751" tmpfs data
    node_own data
    : >logs/app.log
    cat >canh.yaml <<END
web: {listen: none}
store: {reserve_bytes: 1MiB, journal_file_bytes: 1MiB}
rules: {indicators: false}
sources:
  - {name: posts, category: test}
  - {name: file, category: test, format: ndjson, follow: ["$PWD/logs/app.log"]}
listeners:
  - {name: posts, listen: "127.0.0.1:0", source: posts, token: false}
END
    chmod 0644 canh.yaml
}

file_run() {
    n=0
    while [ ! -e stop ]; do
        n=$((n + 1))
        awk -v n=$n 'BEGIN { for (i = 0; i < 20; i++) printf "{\"n\":\"%d-%d\"}\n", n, i }' >>logs/app.log
        sleep 0.05
    done
}
# shellcheck disable=SC2086
ask() { $node_user "$canh" "$@" --config canh.yaml --data data 2>>ask.errors </dev/null; }
figure_of() { # SOURCE NAME: ever
    sed -n "s/^{\"name\":\"$1\".*\"ever\":{[^}]*\"$2\":\(-\{0,1\}[0-9]*\).*/\1/p" ever
}
pids() { for role in engine intake; do role_pid $role; done | tr '\n' ' '; }
# What the ledger calls stored is in the store.
posts_are_at_rest() {
    ask sources -o ndjson >ever
    [ "$(figure_of posts stored)" = "$(ask search '_source:posts' -q -o ndjson | wc -l)" ]
}
answer() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" posts.summary; }

nothing_is_lost() {
    settings
    node_start
    roles=$(pids)
    port_of posts >posts.port
    "$load" bulk-id posts.port posts rate=1000 connections=4 batch=50 bytes=4000 >posts.summary &
    sender=$!
    file_run &
    writer=$!
    sleep 2
    head -c 120000000 /dev/zero >data/filler 2>/dev/null
    for _ in $(seq "$WAIT_S"); do # until it is full for those who post
        sleep 1
        ask status | grep -q full && break
    done
    sleep 8
    ask sources -o ndjson >ever
    before=$(figure_of file stored)
    rm -f data/filler
    for _ in $(seq 60); do # it is tried again within half a minute
        ask sources -o ndjson >ever
        [ "$(figure_of file stored)" -gt "$before" ] && break
        sleep 1
    done
    sleep 2
    kill -TERM $sender
    : >stop
    wait $sender $writer
    lines=$(wc -l <logs/app.log)
    for _ in $(seq 120); do
        ask sources -o ndjson >ever
        [ "$(figure_of file stored)" = "$lines" ] && break
        sleep 0.5
    done
    until_true posts_are_at_rest || fail 'the posts do not come to rest'
    code="$(cat posts.summary); $(grep -o '"ever":{[^}]*}' ever)"
    [ "$(figure_of file stored)" = "$lines" ] || fail "the file has $lines lines"
    [ $(($(answer answers_503) + $(answer answers_429))) -gt 0 ] || fail 'no post was told to come again'
    [ "$(answer without_retry_after)" = 0 ] || fail 'an answer has no Retry-After'
    for name in posts file; do
        ask search "_source:$name" -q -o ndjson | sed -n 's/.*"n":"\([^"]*\)".*/\1/p' | sort >$name.stored
        [ "$(figure_of $name unaccounted)" = 0 ] || fail "$name: records are not accounted for"
        [ "$(figure_of $name stored)" = "$(wc -l <$name.stored)" ] ||
            fail "$name: the store has $(wc -l <$name.stored)"
        [ -z "$(uniq -d <$name.stored)" ] || fail "$name: stored twice: $(uniq -d <$name.stored | head -n 3)"
    done
    sort posts.acked >posts.sorted
    [ "$(comm -23 posts.sorted posts.stored | wc -l)" = 0 ] || fail 'acknowledged events are missing'
    [ "$(pids)" = "$roles" ] || fail 'a role was started again'
    echo "posts: $(answer acked) acknowledged, $(answer answers_503) times 503; file: $lines lines"
    node_stop
    expect_code 0
    umount data || umount -l data
}

cases nothing_is_lost
finish
