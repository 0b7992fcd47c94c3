# Sourced by the tests of the node: a configuration of their own, a daemon, its end.
. "$(dirname "$0")/expect.sh"
chmod 755 "$home"
unset CANH_TOKEN_FILE
CANH_CONFIG=$home/canh.yaml
export CANH_CONFIG
daemon=

# node_config [LINE...]: canh.yaml for DATA in this folder; web on any free port
node_config() {
    {
        echo "serve:"
        [ "$(id -u)" != 0 ] || printf '  user: nobody\n  one_user: true\n'
        echo "  drain: 5s"
        echo "store:"
        echo "  data: $PWD/data"
        echo "rules:"
        echo "  indicators: false"
        printf 'web:\n  listen: 127.0.0.1:0\n  tls: false\n'
        for line in "$@"; do echo "$line"; done
    } >"$CANH_CONFIG"
    chmod 600 "$CANH_CONFIG"
    echo 'a long pass phrase' >phrase
    chmod 600 phrase
}

# node_start: canh serve in the background, until it is ready
node_start() {
    "$canh" serve >serve.log 2>&1 &
    daemon=$!
    tries=0
    until grep -q '"event":"ready"' serve.log 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries -gt 300 ] || ! kill -0 $daemon 2>/dev/null; then
            echo "the node does not start:"
            cat serve.log
            failed=1
            return 1
        fi
        sleep 0.1
    done
}

node_stop() {
    [ -n "$daemon" ] || return 0
    kill "$daemon" 2>/dev/null
    wait "$daemon"
    daemon=
}
trap 'node_stop; rm -rf "$home"' EXIT

# value NAME: of the newest JSON on stdout
value() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" out | tail -n 1; }
