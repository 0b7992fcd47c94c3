#!/bin/sh
# npm_otlp.sh CANH SOURCE FOLDER: the OTLP log exporters of OpenTelemetry for JavaScript.
. "$(dirname "$0")/peer.sh"
need node nodejs
[ -f "$peers/npm/installed" ] || skip 'no npm packages (npm, and a registry)'

# An OTLP record has no id: a batch whose answer was lost by a kill comes twice, nothing is lost.
deliver() { # deliver KIND
    settings http 'token: true'
    node_start
    token_make
    cp "$here/npm/otlp.mjs" .
    peer_start env CANH_PEER_NPM="$peers/npm" node otlp.mjs "$1" \
        "http://127.0.0.1:$port" "$token" "$EVENTS" 6
    storm term engine intake all
    peer_wait 110
    expect_code 0
    number=$(sed -n 's/^exporter \([0-9.]*\) .*/\1/p' peer.log)
    again=$(sed -n 's/.* failures \([0-9]*\)$/\1/p' peer.log)
    reckon "OTLP/HTTP $1, OpenTelemetry JS $number" yes
    expect_lost 0
    expect_doubled $((200 * (${again:-0} + restarts_done)))
    node_stop
}
by_protobuf() { deliver proto; }
by_json() { deliver json; }

cases by_protobuf by_json
finish
