#!/bin/sh
# prometheus.sh CANH SOURCE FOLDER: Prometheus scrapes the node's figures.
. "$(dirname "$0")/peer.sh"
need prometheus prometheus
need curl curl

# ask PATH: of Prometheus' own API
ask() { curl -sS -m 10 "http://127.0.0.1:$own$1" 2>>errors; }

# says PATH TEXT
says() {
    ask "$1" >out
    grep -q -e "$2" out
}

it_scrapes() {
    settings http 'token: false'
    node_start
    own=$(port_free)
    cat >prometheus.yml <<END
global: {scrape_interval: 2s, scrape_timeout: 2s}
scrape_configs:
  - job_name: canh
    static_configs: [{targets: ["127.0.0.1:$(port_of web)"]}]
END
    if command -v promtool >/dev/null; then
        run promtool check config prometheus.yml
        expect_code 0
    fi
    peer_start prometheus --config.file=prometheus.yml --storage.tsdb.path="$PWD/tsdb" \
        --web.listen-address="127.0.0.1:$own" --log.level=warn
    until_true says /api/v1/targets '"health":"up"'
    expect_out '"health":"up"'
    until_true says '/api/v1/query?query=canh_watching' '"__name__":"canh_watching"'
    expect_out '"__name__":"canh_watching"'
    peer_stop
    node_stop
}

cases it_scrapes
finish
