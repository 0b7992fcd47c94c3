# Sourced by the tests of this folder: a node with one listener, a sender that is somebody else's
# program, restarts of Canh while it sends, and the reckoning of what arrived.
#
#   sh NAME.sh CANH SOURCE FOLDER     FOLDER: what setup.sh made
here=$2/tests/peers
peers=$3
. "$2/tests/cli/expect.sh"
. "$2/tests/cli/node_life.sh"
export CANH_STORE_RESERVE_BYTES=0
unset CANH_CONFIG CANH_TOKEN_FILE
EVENTS=${CANH_PEER_EVENTS:-10000}
# Programs in a folder that their user may not enter are copied to one that he may.
if [ -n "$node_user" ] && ! $node_user sh -c "cd '$peers' && cd '$here'" 2>/dev/null; then
    cp -r "$peers" "$home/peers" && cp -r "$here" "$home/here" && chmod -R a+rX "$home"
    peers=$home/peers
    here=$home/here
fi
peer=
trap 'peer_kill; node_kill; rm -rf "$home"' EXIT

skip() {
    echo "skipped: $*"
    exit 77
}
# need PROGRAM PACKAGE
need() { command -v "$1" >/dev/null 2>&1 || skip "no $1 (package $2)"; }

# ---- the sender ----

# peer_start COMMAND...: in the background, as a user without rights; its output in peer.log
peer_start() {
    node_own .
    # shellcheck disable=SC2086
    $node_user "$@" >>peer.log 2>&1 </dev/null &
    peer=$!
}
peer_kill() {
    [ -z "$peer" ] || kill -KILL "$peer" 2>/dev/null
    peer=
}
# peer_wait SECONDS: until it ended by itself; leaves code
peer_wait() {
    for _ in $(seq $(($1 * 10))); do
        kill -0 "$peer" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$peer" 2>/dev/null && fail "it did not end: $(tail -n 5 peer.log)"
    wait "$peer"
    code=$?
    peer=
}
# peer_stop: SIGTERM, and killed if that takes long
peer_stop() {
    kill -TERM "$peer" 2>/dev/null
    peer_ending=$peer
    for _ in $(seq 100); do
        kill -0 "$peer_ending" 2>/dev/null || break
        sleep 0.1
    done
    peer_kill
    wait "$peer_ending" 2>/dev/null
}

# messages FIRST LAST: numbered texts, one a line
messages() { seq -f 'delivery number-%06.0f of a sender' "$1" "$2"; }

# ---- Canh ----

# settings KIND [MORE]: one listener "in" on port $port that gives to the source "peer"
settings() {
    port=$(port_free)
    mkdir -p rules
    cat >rules/seen.yml <<'END'
title: Seen
id: 11111111-1111-4111-8111-111111111111
status: stable
level: high
logsource: {product: peer}
detection:
  seen: {nothing: here}
  condition: seen
END
    cat >canh.yaml <<END
web: {listen: "127.0.0.1:0"}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: peer, partition: peer}
listeners:
  - {name: in, kind: $1, listen: "127.0.0.1:$port", source: peer${2:+, $2}}
END
    chmod 0644 canh.yaml
}

# token_make: one that may ingest, into the variable token
token_make() {
    run $node_user "$canh" user add sensor --title sensor --role machine --config canh.yaml \
        --data data
    expect_code 0
    run $node_user "$canh" token add sensor --user sensor --right ingest --expires 12h \
        --config canh.yaml --data data -o ndjson
    expect_code 0
    token=$(sed -n 's/.*"token":"\([^"]*\)".*/\1/p' out)
    [ -n "$token" ] || fail 'no token was made'
}

search() { $node_user "$canh" search --config canh.yaml --data data -o ndjson -p peer "$@" 2>>errors; }
# stored: rows of the source by now
stored() {
    search '* | stats count()' </dev/null | sed -n 's/.*"count()":\([0-9]*\).*/\1/p' | grep . ||
        echo 0
}
# stored_reach N [SECONDS]: until there are so many
stored_reach() {
    tries=$((${2:-60} * 2))
    while [ $tries -gt 0 ]; do
        rows=$(stored)
        [ "$rows" -ge "$1" ] && return 0
        tries=$((tries - 1))
        sleep 0.5
    done
    return 1
}

# ledger NAME: of all that the source ever sent
ledger() {
    # shellcheck disable=SC2086
    $node_user "$canh" sources peer -o ndjson --config canh.yaml --data data 2>>errors </dev/null |
        sed -n "s/.*\"ever\":{[^}]*\"$1\":\(-\{0,1\}[0-9]*\).*/\1/p"
}

# all_or_quiet: until all is there, or nothing came for QUIET_S: a sender tries again every second
QUIET_S=20
all_or_quiet() {
    newest=0
    quiet_since=$(date +%s)
    while rows=$(stored) && [ "$rows" -lt "$EVENTS" ]; do
        [ "$rows" = "$newest" ] || quiet_since=$(date +%s)
        newest=$rows
        [ $(($(date +%s) - quiet_since)) -lt $QUIET_S ] || return 1
        sleep 0.5
    done
}
# at_rest: nothing came within a second, and the store has what the ledger says
at_rest() {
    received=$(ledger received)
    sleep 1
    [ "$(ledger received)" = "$received" ] && [ "$(ledger stored)" = "$(stored)" ]
}

restarts=0
restart() { # restart HOW: term, all (both restart the whole node), or the role that is killed
    restarts=$((restarts + 1))
    case $1 in
    term)
        node_stop
        expect_code 0
        node_start
        ;;
    all) # the roles die with their parent, not with its port
        roles=$(pgrep -P "$node")
        node_kill
        for role in $roles; do
            for _ in $(seq 100); do
                kill -0 "$role" 2>/dev/null || break
                sleep 0.05
            done
        done
        node_start
        ;;
    *)
        ready=$(grep -c -F -e "$1 0 is ready" log)
        kill -KILL "$(role_pid "$1")"
        wait_for "$1 0 is ready" $((ready + 1)) || fail "$1 did not come back"
        ;;
    esac
}
# storm HOW...: restarts, each after a further share of the events is stored
storm() {
    share=$((EVENTS / ($# + 1)))
    reach=0
    for how in "$@"; do
        reach=$((reach + share))
        if ! stored_reach "$reach" 40; then
            fail "only $(stored) events before the restart by $how: $(tail -n 5 peer.log)"
            return 1
        fi
        restart "$how"
    done
}

# reckon SENDER ACKNOWLEDGED: waits for what is still under way, then compares with what was sent;
# leaves lost, doubled, restarts_done; a line of the matrix
reckon() {
    all_or_quiet
    until_true at_rest
    search '*' >rows.ndjson
    sed -n 's/.*number-\([0-9]\{6\}\).*/\1/p' rows.ndjson | sort >arrived
    rows=$(wc -l <arrived)
    distinct=$(uniq arrived | wc -l)
    lost=$((EVENTS - distinct))
    doubled=$((rows - distinct))
    line=$(printf '| %s | %s | %d | %d | %d | %d | %d |' "$1" "$2" "$EVENTS" "$rows" "$lost" \
        "$doubled" "$restarts")
    echo "$line"
    [ ! -d "$peers/matrix" ] || echo "$line" >"$peers/matrix/$(echo "$1" | tr -c 'a-zA-Z0-9\n' _)"
    [ "$(ledger unaccounted)" = 0 ] || fail "the ledger does not add up: $(ledger unaccounted)"
    # what a connection's end cut in two is a row, too
    [ "$(ledger stored)" = "$(wc -l <rows.ndjson)" ] ||
        fail "the ledger says that $(ledger stored) are stored, not $(wc -l <rows.ndjson)"
    restarts_done=$restarts
    restarts=0
}
expect_lost() { [ "$lost" -le "$1" ] || fail "$lost events lost: $(missing)"; }
expect_doubled() { [ "$doubled" -le "$1" ] || fail "$doubled events came twice"; }
missing() { seq -f '%06.0f' 1 "$EVENTS" | comm -23 - arrived | head -n 20 | tr '\n' ' '; }
