# Sourced by tests of HTTP listeners: a node with one.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
export CANH_STORE_RESERVE_BYTES=0

# http_node TOKEN [SETTING...]: a node whose listener `in` has these settings, too
http_node() {
    rule_seen
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
