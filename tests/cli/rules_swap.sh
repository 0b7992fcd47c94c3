# Rules are swapped again and again while events come: none is lost, no finding is lost or doubled,
# and a correlation that spans many swaps fires once.
# Usage: rules_swap.sh CANH SOURCE_FOLDER [SECONDS]
. "$(dirname "$0")/ingest_http.sh"
seconds=${3:-10}

http_node false
port=$(port_of in)
rule_many 10m
node_stop
node_start
port=$(port_of in)
mkdir -p packs/one packs/two
for pack in one two; do
    printf 'title: Of %s\nid: 66666666-6666-4666-8666-66666666666%s\nstatus: stable\nlevel: high\n' \
        $pack "$(echo $pack | wc -c)" >packs/$pack/a.yml
    printf 'logsource: {category: test}\ndetection:\n  seen: {a: %s}\n  condition: seen\n' \
        $pack >>packs/$pack/a.yml
    run "$canh" rules update "packs/$pack" --pack turn --days 0 --data data --config canh.yaml
    expect_code 0
    sed -n 's/^version //p' out >$pack.version
done

# senders: 100 events a request, 10 of which a rule holds for
sender() {
    n=0
    while [ ! -e end ]; do
        code=$(curl -s -o /dev/null -w '%{http_code}' --data-binary @body.many \
            "http://127.0.0.1:$port/api/v1/ingest")
        [ "$code" = 200 ] && n=$((n + 1))
        [ "$code" = 200 ] || echo "$code" >>refused
    done
    echo $n >"sent.$1"
}
for i in $(seq 100); do
    [ $((i % 10)) = 0 ] && printf '{"a":"hit","n":%s}\n' "$i" || printf '{"a":"x","n":%s}\n' "$i"
done >body.many
sender 1 &
one=$!
sender 2 &
two=$!
swaps=0 steps=0
finish=$(($(date +%s) + seconds))
while [ "$(date +%s)" -lt "$finish" ] || [ $swaps -lt 10 ]; do
    for pack in one two; do
        "$canh" rules enable "$(cat $pack.version)" --data data --config canh.yaml >out 2>errors ||
            fail "rules enable"
        swaps=$((swaps + 1))
        sleep 0.2
    done
    if [ $steps -lt 5 ]; then
        steps=$((steps + 1))
        curl -s -o /dev/null --data-binary '{"a":"step","user":"u"}' \
            "http://127.0.0.1:$port/api/v1/ingest"
    fi
done
while [ $steps -lt 5 ]; do
    steps=$((steps + 1))
    curl -s -o /dev/null --data-binary '{"a":"step","user":"u"}' \
        "http://127.0.0.1:$port/api/v1/ingest"
done
touch end
wait $one $two
[ ! -e refused ] || fail "$(wc -l <refused) requests were refused"
requests=$(($(cat sent.1) + $(cat sent.2)))
count() { # count PARTITION QUERY
    run "$canh" search --data data --partition "$1" "$2 | stats count() as count" -o ndjson
    sed -n 's/.*"count":"\{0,1\}\([0-9]*\).*/\1/p' out
}
stored=$(count apps 'n:*')
hits=$(count _findings 'rule.title:Seen')
[ "$stored" = $((requests * 100)) ] || fail "$stored events are stored of $((requests * 100))"
[ "$hits" = $((requests * 10)) ] || fail "$hits findings, not $((requests * 10))"
many=$(count _findings 'rule.title:"Many steps"')
[ "$many" = 1 ] || fail "the correlation fired $many times"
node_stop
[ "$code" = 0 ] || fail "the node did not end well"
taken=$(grep '"role":"intake"' log | grep -c 'rules are loaded')
echo "$swaps swaps asked for, $taken sets taken, $requests requests"
exit "$failed"
