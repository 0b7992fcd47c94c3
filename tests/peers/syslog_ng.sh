#!/bin/sh
# syslog_ng.sh CANH SOURCE FOLDER: syslog-ng: network(), TLS, elasticsearch-http() of its scl.
. "$(dirname "$0")/peer.sh"
unpacked=$peers/syslog-ng
[ -f "$unpacked/complete" ] || skip "no syslog-ng (packages syslog-ng-core, -mod-http, -scl)"
libraries=$(dirname "$(find "$unpacked/usr/lib" -name 'libnet.so.1' | head -n 1)")
modules=$(find "$unpacked/usr/lib/syslog-ng" -name libhttp.so -exec dirname {} \; | head -n 1)
program=$unpacked/usr/sbin/syslog-ng
export LD_LIBRARY_PATH="$unpacked/usr/lib/syslog-ng:$libraries"
"$program" --module-path="$modules" --version >/dev/null 2>&1 || skip 'syslog-ng does not run here'
number=$("$program" --module-path="$modules" --version | sed -n 's/^Installer-Version: //p')
version="syslog-ng $number"

# syslog_ng_start DESTINATION: a followed file in, the destination out
syslog_ng_start() {
    : >events.txt
    cat >syslog-ng.conf <<END
@version: 3.38
@define scl-root "$unpacked/usr/share/syslog-ng/include/scl"
@include "$unpacked/usr/share/syslog-ng/include/scl/elasticsearch/elastic-http.conf"
options { use-uniqid(yes); time-reopen(1); stats-freq(0); };
source events { file("$PWD/events.txt" follow-freq(0.2) flags(no-parse)
    program-override("sender") log-fetch-limit(200)); };
destination canh {
$1
};
log { source(events); destination(canh); flags(flow-control); };
END
    node_own .
    set -- --module-path="$modules" -f "$PWD/syslog-ng.conf" -R "$PWD/persist" \
        -c "$PWD/control" -p "$PWD/pid"
    run $node_user "$program" -s "$@"
    expect_code 0
    peer_start "$program" -F --no-caps "$@"
}
submit() {
    part=$((EVENTS / 10))
    for i in 0 1 2 3 4 5 6 7 8 9; do
        messages $((i * part + 1)) $(((i + 1) * part)) >>events.txt
        sleep 1
    done
}
deliver() {
    submit &
    submitting=$!
    storm "$@"
    wait $submitting
}
buffer='disk-buffer(reliable(yes) disk-buf-size(50000000) mem-buf-size(1000000) dir("'
buffer_end='"))'

by_tcp() {
    settings syslog-tcp
    node_start
    syslog_ng_start "syslog(\"127.0.0.1\" port($port) transport(\"tcp\") $buffer$PWD$buffer_end);"
    deliver term term
    reckon "$version syslog() TCP, SIGTERM" no
    expect_doubled $((EVENTS / 100))
    expect_lost $((EVENTS / 20))
    peer_stop
    node_stop
}

by_tls() {
    settings syslog-tcp 'tls: true'
    node_start
    cp data/keys/ca.crt .
    syslog_ng_start "syslog(\"localhost\" port($port) transport(\"tls\")
    tls(ca-file(\"$PWD/ca.crt\") peer-verify(required-trusted)) $buffer$PWD$buffer_end);"
    deliver term term
    reckon "$version syslog() TLS, SIGTERM" no
    expect_doubled $((EVENTS / 100))
    expect_lost $((EVENTS / 20))
    peer_stop
    node_stop
}

by_bulk() {
    settings http 'token: true'
    node_start
    token_make
    syslog_ng_start "elasticsearch-http(url(\"http://127.0.0.1:$port/_bulk\") index(\"syslog\")
    type(\"\") custom-id(\"\${HOST}-\${UNIQID}\") user(\"canh\") password(\"$token\")
    workers(1) batch-lines(500) batch-timeout(500) timeout(30) retries(1000000) time-reopen(1)
    template(\"\$(format-json @timestamp=\${ISODATE} hostname=\${HOST} appname=\${PROGRAM}
        procid=\${PID} message=\${MESSAGE})\") $buffer$PWD$buffer_end);"
    deliver term engine intake all
    reckon "$version elasticsearch-http()" yes
    expect_lost 0
    expect_doubled 0
    peer_stop
    node_stop
}

cases by_tcp by_tls by_bulk
finish
