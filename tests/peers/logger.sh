#!/bin/sh
# logger.sh CANH SOURCE FOLDER: logger of util-linux: TCP and UDP, RFC 5424 and 3164.
. "$(dirname "$0")/peer.sh"
need logger bsdutils
version="logger $(logger --version | sed -n 's/.* \([0-9.]*\)$/\1/p')"

# It does not send again what a connection lost, so the node restarts between its runs.
by_tcp() {
    settings syslog-tcp
    node_start
    half=$((EVENTS / 2))
    messages 1 $half | logger -n 127.0.0.1 -P "$port" -T --rfc5424 --octet-count -t sender \
        2>>errors || fail 'logger failed'
    restart term
    messages $((half + 1)) "$EVENTS" | logger -n 127.0.0.1 -P "$port" -T --rfc3164 -t sender \
        2>>errors || fail 'logger failed'
    stored_reach "$EVENTS" 30
    restart all
    reckon "$version TCP" no
    expect_lost 0
    expect_doubled 0
    node_stop
}

# Datagrams that the kernel drops are counted by it: what is missing is in the ledger.
by_udp() {
    settings syslog-udp
    node_start
    messages 1 "$EVENTS" >messages.txt
    logger -n 127.0.0.1 -P "$port" -d --rfc5424 -t sender -f messages.txt 2>>errors ||
        fail 'logger failed'
    restart term
    reckon "$version UDP" no
    expect_doubled 0
    dropped=$(ledger dropped_kernel)
    [ "$lost" = "${dropped:-0}" ] || fail "$lost lost, the ledger says ${dropped:-0}"
    node_stop
}

cases by_tcp by_udp
finish
