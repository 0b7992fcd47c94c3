#!/bin/sh
# rsyslog.sh CANH SOURCE FOLDER: rsyslog with a queue on its disk: TCP, TLS, Elasticsearch bulk.
. "$(dirname "$0")/peer.sh"
need logger bsdutils
unpacked=$peers/rsyslog
[ -f "$unpacked/complete" ] || skip 'no rsyslog (packages rsyslog, -gnutls, -elasticsearch)'
modules=$(find "$unpacked/usr/lib" -name omelasticsearch.so -exec dirname {} \;)
program=$unpacked/usr/sbin/rsyslogd
LD_LIBRARY_PATH=$(dirname "$modules")
export LD_LIBRARY_PATH
"$program" -v >/dev/null 2>&1 || skip 'rsyslog does not run here'
version="rsyslog $("$program" -v | sed -n 's/^rsyslogd *\([0-9.]*[0-9]\).*/\1/p')"
BATCH=50 # what may come again when a connection ends
queue='queue.type="LinkedList" queue.filename="canh" queue.maxDiskSpace="100m"
    queue.saveOnShutdown="on" action.resumeRetryCount="-1" action.resumeInterval="1"'

# rsyslog_start ACTION [DECLARATIONS]: a socket of its own in, the action out; rsyslogd checks it
rsyslog_start() {
    mkdir -p spool
    cat >rsyslog.conf <<END
global(workDirectory="$PWD/spool" maxMessageSize="64k" processInternalMessages="on")
module(load="imuxsock" SysSock.Use="off")
${2:-}
input(type="imuxsock" Socket="$PWD/log.sock" RateLimit.Interval="0" UsePIDFromSystem="off")
syslog.* action(type="omfile" file="$PWD/peer.own")
if \$msg contains "number-" then {
$1
}
END
    node_own .
    run $node_user "$program" -M "$modules" -N1 -f "$PWD/rsyslog.conf"
    expect_code 0
    peer_start "$program" -M "$modules" -n -f "$PWD/rsyslog.conf" -i "$PWD/rsyslog.pid"
    for _ in $(seq 100); do
        [ -S log.sock ] && break
        sleep 0.1
    done
    [ -S log.sock ] || fail "rsyslogd did not start: $(cat peer.log)"
}

# submit: all messages by logger into rsyslog's socket, in ten parts
submit() {
    part=$((EVENTS / 10))
    for i in 0 1 2 3 4 5 6 7 8 9; do
        messages $((i * part + 1)) $(((i + 1) * part)) >part.txt
        logger -u "$PWD/log.sock" -t sender -p user.info -f part.txt --socket-errors=on
        sleep 1
    done
}

# deliver HOW...: submits while Canh is restarted, then waits until it is in the store
deliver() {
    submit &
    submitting=$!
    storm "$@"
    wait $submitting
}

tcp_action() {
    echo 'action(type="omfwd" target="127.0.0.1" port="'"$port"'" protocol="tcp"
    TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
    queue.dequeueBatchSize="'$BATCH'" '"$queue"')'
}

# SIGTERM: new connections are refused, what is in the old ones is taken before they are closed.
# rsyslog repeats what was uncommitted of its batch when a connection ends: some may come twice.
by_tcp() {
    settings syslog-tcp
    node_start
    rsyslog_start "$(tcp_action)"
    deliver term term
    reckon "$version omfwd TCP, SIGTERM" no
    expect_lost 0
    expect_doubled $((restarts_done * BATCH))
    peer_stop
    node_stop
}

# SIGKILL: what the kernel had taken from rsyslog and Canh had not read, nobody has: rsyslog
# cannot know.
by_tcp_killed() {
    settings syslog-tcp
    node_start
    rsyslog_start "$(tcp_action)"
    deliver engine intake all
    reckon "$version omfwd TCP, SIGKILL" no
    expect_doubled $((restarts_done * BATCH))
    expect_lost $((EVENTS / 20))
    peer_stop
    node_stop
}

by_tls() {
    settings syslog-tcp 'tls: true'
    node_start
    cp data/keys/ca.crt .
    rsyslog_start 'action(type="omfwd" target="localhost" port="'"$port"'" protocol="tcp"
    TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
    StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
    StreamDriverPermittedPeers="localhost" StreamDriver.CAFile="'"$PWD"'/ca.crt"
    queue.dequeueBatchSize="'$BATCH'" '"$queue"')'
    deliver term term
    reckon "$version omfwd TLS, SIGTERM" no
    expect_doubled $((restarts_done * BATCH))
    expect_lost $((EVENTS / 20))
    peer_stop
    node_stop
}

event_templates='module(load="omelasticsearch")
template(name="canh-id" type="list") { property(name="uuid") }
template(name="canh-event" type="list" option.jsonf="on") {
    property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
    property(outname="hostname" name="hostname" format="jsonf")
    property(outname="appname" name="app-name" format="jsonf")
    property(outname="procid" name="procid" format="jsonf" onempty="skip")
    property(outname="facility" name="syslogfacility" format="jsonf" datatype="number")
    property(outname="severity" name="syslogseverity" format="jsonf" datatype="number")
    property(outname="message" name="msg" format="jsonf")
}'

# Acknowledged, with an id for each message: nothing lost, nothing twice, whatever is killed.
by_bulk() {
    settings http 'token: true'
    node_start
    token_make
    rsyslog_start 'action(type="omelasticsearch" server="127.0.0.1" serverport="'"$port"'"
    uid="canh" pwd="'"$token"'" searchIndex="syslog" searchType="" bulkmode="on" maxbytes="1m"
    writeoperation="create" bulkid="canh-id" dynbulkid="on" template="canh-event"
    errorfile="'"$PWD"'/refused" '"$queue"')' "$event_templates"
    deliver term engine intake all
    reckon "$version omelasticsearch" yes
    [ "$lost" = 0 ] || head -c 600 refused # what it gave up, and why
    expect_lost 0
    expect_doubled 0
    peer_stop
    node_stop
}

cases by_tcp by_tcp_killed by_tls by_bulk
finish
