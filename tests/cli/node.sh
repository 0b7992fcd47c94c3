# Sourced by tests of the node that use it as its users do: one canh.yaml named by the environment, a
# daemon that is started by root and gives its rights up by itself.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
node_user=
node_options=
chmod 755 "$home"
CANH_CONFIG=$home/canh.yaml
export CANH_CONFIG

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

# value NAME: of the newest JSON on stdout
value() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" out | tail -n 1; }
