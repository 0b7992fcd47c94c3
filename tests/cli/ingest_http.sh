# Sourced by tests of HTTP listeners: a node with one, and requests to it.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG CANH_TOKEN_FILE
export CANH_STORE_RESERVE_BYTES=0

# http_node TOKEN [SETTING...]: a node whose listener `in` has these settings, too
http_node() {
    mkdir -p rules
    cat >rules/seen.yml <<'END'
title: Seen
id: 11111111-1111-4111-8111-111111111111
status: stable
level: high
logsource: {category: test}
detection:
  seen: {a: hit}
  condition: seen
END
    {
        echo 'web: {listen: "127.0.0.1:0"}'
        echo "rules: {paths: [\"$PWD/rules\"]}"
        echo 'sources:'
        echo '  - {name: app, category: test, partition: apps}'
        echo 'listeners:'
        echo '  - name: in'
        echo '    listen: "127.0.0.1:0"'
        echo '    source: app'
        echo "    token: $1"
        shift
        for setting in "$@"; do echo "    $setting"; done
    } >canh.yaml
    chmod 0644 canh.yaml
    node_start
}

# ask METHOD PATH [CURL OPTIONS]: leaves the files status, head and out
ask() {
    method=$1
    path=$2
    shift 2
    case $method in HEAD) set -- -I "$@" ;; *) set -- -X "$method" "$@" ;; esac
    curl -sS -m 60 -o out -D head -w '%{http_code}' "$@" \
        "http://127.0.0.1:$(port_of in)$path" >status 2>errors </dev/null
}
# post PATH TYPE FILE [CURL OPTIONS]
post() {
    path=$1
    type=$2
    file=$3
    shift 3
    ask POST "$path" -H "Content-Type: $type" --data-binary "@$file" "$@"
}
expect_status() { [ "$(cat status)" = "$1" ] || fail "HTTP $(cat status), not $1"; }
expect_head() { grep -q -i -e "$1" head || fail "the answer's headers have no \"$1\": $(cat head)"; }

# count QUERY: events that it finds
count() {
    $node_user "$canh" search --config canh.yaml --data data -o ndjson "$@" 2>errors | grep -c .
}
expect_count() { # expect_count N QUERY...: before long
    wanted=$1
    shift
    for _ in $(seq 100); do
        found=$(count "$@")
        [ "$found" = "$wanted" ] && return 0
        sleep 0.2
    done
    fail "$found events of $*, not $wanted"
}
# seed USER RIGHT: a token of a user of its own into the file token
seed() {
    role=machine
    [ "$2" = ingest ] || role=officer
    run $node_user "$canh" user add "$1" --title "$1" --role $role --config canh.yaml --data data
    expect_code 0
    run $node_user "$canh" token add "$1" --user "$1" --right "$2" --expires 12h \
        --config canh.yaml --data data -o ndjson
    expect_code 0
    sed -n 's/.*"token":"\([^"]*\)".*/\1/p' out >token
}
