#!/bin/sh
# npm_elastic.sh CANH SOURCE FOLDER: the bulk helper of @elastic/elasticsearch, with ids.
. "$(dirname "$0")/peer.sh"
need node nodejs
[ -f "$peers/npm/installed" ] || skip 'no npm packages (npm, and a registry)'

by_bulk() {
    settings http 'token: true'
    node_start
    token_make
    cp "$here/npm/elastic.mjs" .
    peer_start env CANH_PEER_NPM="$peers/npm" node elastic.mjs \
        "http://127.0.0.1:$port" "$token" "$EVENTS" 8
    storm term engine intake all
    peer_wait 110
    expect_code 0
    number=$(sed -n 's/^@elastic.elasticsearch \([0-9.]*\) .*/\1/p' peer.log)
    reckon "@elastic/elasticsearch $number bulk" yes
    expect_lost 0
    expect_doubled 0
    node_stop
}

cases by_bulk
finish
