#!/bin/sh
# outputs.sh CANH SOURCE BULK_SINK: findings and events go on to files, rsyslog (TCP, TLS, UDP) and
# _bulk; none is lost while a receiver is away, refuses, or answers that it has no room.
. "$2/tests/cli/expect.sh"
. "$2/tests/cli/node_life.sh"
export CANH_STORE_RESERVE_BYTES=0
bulk_sink=$3
rsyslog_pid=

# settings OUTPUTS: a followed file, a rule that finds what says `a: hit`
settings() {
    mkdir -p logs to data
    chmod 0751 data
    rule_seen
    {
        cat <<YAML
web: {listen: none}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: app, category: test, follow: ["$PWD/logs/*.log"]}
outputs:
YAML
        cat
    } >canh.yaml
    chmod 0644 canh.yaml
}

# hits FROM TO: events that the rule finds; with one that it does not between
hits() {
    seq "$1" "$2" | sed 's/.*/{"n":&,"a":"hit"}\n{"n":&,"a":"no"}/' >>logs/app.log
}

status() {
    node_cli status -o ndjson 2>/dev/null
}
# output_has NAME TEXT: the status's object of that output has the text
output_has() { status | tr '{' '\n' | grep -F "\"name\":\"$1\"" | grep -q -F -e "$2"; }

documents() { grep -c '^index ' received; }
ids() { sed -n 's/^index [^ ]* \([^ ]*\) .*/\1/p' received | sort -u; }
stored_ids() {
    events -p _findings 'rule.title:Seen' |
        sed -n 's/^{"id":"\([^"]*\)".*/\1/p' | sort -u
}
same_ids() {
    ids >have
    stored_ids >want
    [ -s want ] && cmp -s have want
}

# courier_has FILE: in hand; where that cannot be seen, it is taken for true
courier_has() {
    courier=$(role_pid courier)
    [ -r "/proc/$courier/fd" ] || return 0
    find "/proc/$courier/fd" -lname "*/$1" 2>/dev/null | grep -q .
}

a_file_gets_whole_lines() {
    settings <<YAML
  - {name: findings, kind: file, path: "$PWD/to/findings.ndjson"}
  - {name: cef, kind: file, path: "$PWD/to/findings.cef", format: cef}
  - {name: some, kind: file, path: "$PWD/to/some.ndjson", what: events, filter: 'n:>=3 a:no _source:app'}
YAML
    printf '{"cut":' >to/findings.ndjson # as a kill leaves it
    node_start
    hits 1 5
    until_true has_lines to/findings.ndjson 5 '"kind":"alert"' || fail 'no 5 findings in the file'
    until_true has_lines to/some.ndjson 3 '"kind":"event"' || fail 'no 3 events in the file'
    until_true has_lines to/findings.cef 5 '^CEF:0|Canh|Canh|' || fail 'no 5 lines of CEF'
    [ "$(wc -l <to/some.ndjson)" = 3 ] || fail 'the filter let others through'
    [ "$(head -n 1 to/findings.ndjson)" = '{"cut":' ] || fail 'a cut line was gone on with'
    [ "$(wc -l <to/findings.ndjson)" = 6 ] || fail 'lines in the file are not whole'
    cut -c1-7 to/findings.ndjson | tail -n 5 >begin
    grep -v -q "^{\"@time" begin && fail 'a line does not begin as it should'
    # rotated: the file is made anew
    mv to/findings.ndjson to/findings.1
    kill -HUP "$node"
    until_true test -e to/findings.ndjson || fail 'the file was not opened anew'
    until_true courier_has to/findings.ndjson || fail 'the courier does not get the new file'
    hits 6 7
    until_true has_lines to/findings.ndjson 2 '"kind":"alert"' || fail 'nothing in the new file'
    until_true output_has findings '"sent":7,"refused":0' || fail 'the status does not count 7'
    node_stop
    expect_code 0
    # stopped in good order: nothing twice, nothing left out
    hits 8 9
    node_start
    until_true has_lines to/findings.ndjson 4 '"kind":"alert"' || fail 'no findings after a stop'
    until_true output_has findings '"sent":9,"refused":0' || fail 'what was sent before is forgotten'
    until_true has_lines to/some.ndjson 7 '"kind":"event"' || fail 'no events after a stop'
    [ "$(wc -l <to/findings.ndjson)" = 4 ] || fail 'something came twice after a stop'
    [ "$(wc -l <to/some.ndjson)" = 7 ] || fail "$(wc -l <to/some.ndjson) events, not 7"
    # taken away, and nobody says so
    rm to/findings.ndjson
    until_true test -e to/findings.ndjson || fail 'a file that was removed is not made anew'
    until_true courier_has to/findings.ndjson || fail 'the courier does not get the file'
    hits 10 11
    until_true has_lines to/findings.ndjson 2 '"kind":"alert"' || fail 'nothing after a removal'
    node_stop
    expect_code 0
}

a_new_output_begins_now() {
    settings <<YAML
  - {name: first, kind: file, path: "$PWD/to/first"}
YAML
    node_start
    hits 1 3
    until_true has_lines to/first 3 alert || fail 'no findings'
    cat >>canh.yaml <<YAML
  - {name: second, kind: file, path: "$PWD/to/second"}
YAML
    kill -HUP "$node"
    until_true test -e to/second || fail 'the new output was not opened'
    until_true output_has second '"sent":0' || fail 'the status does not know the new output'
    hits 4 5
    until_true has_lines to/second 2 alert || fail 'no findings at the new output'
    [ "$(wc -l <to/second)" = 2 ] || fail 'history was sent to a new output'
    until_true has_lines to/first 5 alert || fail 'no findings at the old output'
    [ "$(wc -l <to/first)" = 5 ] || fail 'the old output has some twice'
    node_stop
    expect_code 0
}

a_file_that_cannot_be_opened_is_told() {
    settings <<YAML
  - {name: nowhere, kind: file, path: "$PWD/nowhere/x"}
  - {name: fine, kind: file, path: "$PWD/to/fine"}
YAML
    node_start
    hits 1 2
    until_true has_lines to/fine 2 alert || fail 'one output holds up the other'
    until_true output_has nowhere 'could not be opened' || fail 'the status does not say why'
    mkdir nowhere
    node_own nowhere
    until_true has_lines nowhere/x 2 alert || fail 'it was not opened when the folder was there'
    node_stop
    expect_code 0
}

bulk_takes_all() {
    : >mode
    sink_start "$bulk_sink" "$PWD/mode"
    printf 'elastic:change me' >secret
    chmod 0600 secret
    settings <<YAML
  - {name: search, kind: elasticsearch, url: "http://127.0.0.1:$(cat sink_port)/", index: canh-findings-%Y, secret_file: "$PWD/secret"}
YAML
    node_start
    echo 503 >mode
    hits 1 50
    until_true output_has search 'HTTP 503' || fail 'the status does not say 503'
    echo 'size 5000 again 7' >mode
    hits 51 100
    until_true same_ids || fail "$(documents) documents, not all"
    grep -q "^index canh-findings-$(date -u +%Y) " received || fail 'another index'
    grep -q "^secret Basic $(printf 'elastic:change me' | base64)" received || fail 'no secret was sent'
    grep -q '^bad' received && fail "$(grep '^bad' received | head -n 1)"
    echo cut >mode
    hits 101 120
    sleep 1
    : >mode
    until_true same_ids || fail 'lost when the connection was cut'
    # what waits when the node ends is sent after its next start
    until_true output_has search '"failing_since":null' || fail 'it still fails'
    echo 503 >mode
    hits 121 140
    expect_count 140 -p _findings 'rule.title:Seen'
    until_true output_has search '"failing_since":"' || fail 'the status does not say that it fails'
    cp log log.first
    node_stop
    expect_code 0
    same_ids && fail 'something came through a receiver that refuses'
    node_start
    : >mode
    until_true same_ids || fail 'lost what waited when the node ended'
    status >shown
    $node_user "$canh" config print canh.yaml >>shown
    node_stop
    expect_code 0
    for secret in 'change me' "$(printf 'elastic:change me' | base64)"; do
        grep -l -F -e "$secret" log log.first shown && fail 'the secret is shown'
    done
    sink_stop
}

what_is_refused_is_counted() {
    : >mode
    sink_start "$bulk_sink" "$PWD/mode"
    printf 'ApiKey abc123==' >secret
    chmod 0600 secret
    settings <<YAML
  - {name: search, kind: elasticsearch, url: "http://127.0.0.1:$(cat sink_port)", secret_file: "$PWD/secret"}
YAML
    node_start
    echo 'refuse "value":"poison"' >mode
    printf '{"n":1,"a":"hit"}\n{"n":2,"a":"hit","b":1}\n' >>logs/app.log
    until_true has_lines received 2 '^index ' || fail 'nothing came'
    echo "refuse :2" >mode # the id's end
    hits 1 9
    until_true output_has search 'mapper_parsing_exception' || fail 'the status does not say why'
    until_true output_has search '"failing_since":null' || fail 'a refused document holds up others'
    grep -q '^secret ApiKey abc123==' received || fail 'no key was sent'
    node_stop
    expect_code 0
    expect_log 'refused for good: 400 mapper_parsing_exception'
    sink_stop
}

# ---- rsyslog ----

certificates() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca \
        -addext basicConstraints=critical,CA:TRUE >/dev/null 2>&1
    openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "/CN=$1" \
        >/dev/null 2>&1
    printf 'subjectAltName=DNS:%s,IP:127.0.0.1\n' "$1" >server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
        -extfile server.ext -out server.pem >/dev/null 2>&1
    chmod 0644 ca.pem server.key
}

# rsyslog_start INPUT: which takes lines into ./taken
rsyslog_start() {
    cat >rsyslog.conf <<CONF
global(workDirectory="$PWD" maxMessageSize="1m")
$1
template(name="whole" type="string" string="%app-name% %msgid% %msg%\n")
action(type="omfile" file="$PWD/taken" template="whole" asyncWriting="off" flushOnTXEnd="on")
CONF
    rsyslogd -n -f "$PWD/rsyslog.conf" -i "$PWD/rsyslog.pid" >rsyslog.log 2>&1 &
    rsyslog_pid=$!
}
rsyslog_stop() {
    [ -z "$rsyslog_pid" ] || kill -TERM $rsyslog_pid 2>/dev/null
    [ -z "$rsyslog_pid" ] || wait $rsyslog_pid
    rsyslog_pid=
}

rsyslog_over_tcp() {
    port=$(port_free)
    : >taken
    rsyslog_start "module(load=\"imtcp\")
input(type=\"imtcp\" address=\"127.0.0.1\" port=\"$port\")"
    settings <<YAML
  - {name: siem, kind: syslog, url: "tcp://127.0.0.1:$port", facility: local4}
YAML
    node_start
    hits 1 300
    until_true has_lines taken 300 '^canh 11111111' || fail "$(wc -l <taken) lines, not 300"
    # away and back: what was sent meanwhile waits
    rsyslog_stop
    hits 301 400
    until_true output_has siem refused || fail 'the status does not say that nobody listens'
    rsyslog_start "module(load=\"imtcp\")
input(type=\"imtcp\" address=\"127.0.0.1\" port=\"$port\")"
    until_true has_lines taken 400 '^canh 11111111' || fail "$(wc -l <taken) lines, not 400"
    grep -o '"id":"1:[0-9]*"' taken | sort -u >have
    [ "$(wc -l <have)" -ge 400 ] || fail "$(wc -l <have) findings"
    node_stop
    expect_code 0
    rsyslog_stop
}

rsyslog_over_tls() {
    port=$(port_free)
    : >taken
    certificates localhost
    tls="module(load=\"imtcp\" streamDriver.name=\"gtls\" streamDriver.mode=\"1\"
  streamDriver.authMode=\"anon\")
global(defaultNetstreamDriver=\"gtls\" defaultNetstreamDriverCAFile=\"$PWD/ca.pem\"
  defaultNetstreamDriverCertFile=\"$PWD/server.pem\"
  defaultNetstreamDriverKeyFile=\"$PWD/server.key\")
input(type=\"imtcp\" address=\"127.0.0.1\" port=\"$port\")
input(type=\"imtcp\" address=\"127.0.0.2\" port=\"$port\")"
    rsyslog_start "$tls"
    settings <<YAML
  - {name: siem, kind: syslog, url: "tls://localhost:$port", ca_file: "$PWD/ca.pem", format: cef}
  - {name: doubtful, kind: syslog, url: "tls://localhost:$port"}
  - {name: other, kind: syslog, url: "tls://127.0.0.2:$port", ca_file: "$PWD/ca.pem"}
  - {name: web, kind: elasticsearch, url: "https://127.0.0.2:$port", ca_file: "$PWD/ca.pem"}
YAML
    node_start
    hits 1 200
    until_true has_lines taken 200 'CEF:0|Canh|Canh|' || fail "$(wc -l <taken) lines, not 200: $(tail -n 2 rsyslog.log)"
    until_true output_has doubtful 'TLS:' || fail 'a certificate of nobody is trusted'
    until_true output_has other 'TLS:' || fail 'a certificate of another name is trusted'
    until_true output_has web 'SSL:' || fail 'a certificate of another name is trusted by HTTPS'
    node_stop
    expect_code 0
    [ "$(grep -c CEF taken)" = 200 ] || fail 'some came twice'
    rsyslog_stop
}

rsyslog_over_udp() {
    port=$(port_free)
    : >taken
    rsyslog_start "module(load=\"imudp\")
input(type=\"imudp\" address=\"127.0.0.1\" port=\"$port\" rcvbufSize=\"4m\")"
    settings <<YAML
  - {name: siem, kind: syslog, url: "udp://127.0.0.1:$port"}
YAML
    until_true udp_listens "$port" || fail "rsyslogd does not listen: $(tail -n 2 rsyslog.log)"
    node_start
    for n in 20 40 60 80 100 120 140 160 180 200; do # as many as the kernel holds everywhere
        hits $((n - 19)) $n
        until_true has_lines taken $n '^canh 11111111' || fail "$(wc -l <taken) lines, not $n"
    done
    node_stop
    expect_code 0
    rsyslog_stop
}

settings_are_checked() {
    settings <<YAML
  - {name: a, kind: syslog, url: "https://x"}
  - {name: b, kind: elasticsearch, url: "http://search.example.gov.vn:9200"}
  - {name: c, kind: file}
  - {name: d, kind: pigeon}
  - {name: e, kind: syslog, url: "tcp://x:1", facility: local9, format: xml, what: all}
  - {name: f, kind: file, path: /x, filter: 'a:b | count'}
  - {name: g, kind: file, path: /x, filter: '_time:-1h'}
YAML
    run "$canh" config check canh.yaml
    [ "$code" != 0 ] || fail 'it was taken'
    for text in 'outputs.a.url' 'outputs.b.url' 'outputs.c.path' 'outputs.d.kind' 'outputs.e.facility' \
        'outputs.e.format' 'outputs.e.what' 'outputs.f.filter' 'outputs.g.filter'; do
        grep -q -F "$text" out errors || fail "nothing about $text"
    done
}

all='settings_are_checked a_file_gets_whole_lines a_new_output_begins_now
    a_file_that_cannot_be_opened_is_told bulk_takes_all what_is_refused_is_counted'
command -v rsyslogd >/dev/null && all="$all rsyslog_over_tcp rsyslog_over_udp"
[ -e /usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_gtls.so ] && all="$all rsyslog_over_tls"
# shellcheck disable=SC2086
cases ${CASES:-$all}
finish
