#!/bin/sh
# ingest_otlp.sh CANH SOURCE: OTLP, GELF, journal entries, the Alertmanager over HTTP; who may send.
. "$(dirname "$0")/ingest_http.sh"

# An ExportLogsServiceRequest with two records: {"n":1} as text, {"n":2} as members.
otlp_json() {
    cat <<'END'
{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
"scopeLogs":[{"logRecords":[
{"timeUnixNano":"1700000000000000000","severityText":"INFO","body":{"stringValue":"hello"},
 "attributes":[{"key":"n","value":{"intValue":"1"}},{"key":"a","value":{"stringValue":"hit"}}]},
{"timeUnixNano":"1700000001000000000","body":{"kvlistValue":{"values":[
 {"key":"n","value":{"intValue":"2"}}]}}}]}]}]}
END
}
# The same request with one record {"n":3} as protobuf: each length is one byte.
otlp_protobuf() {
    printf '\012\034\022\032\022\030\011\000\000\144\247\263\266\227\027\052\003\012\001x\062\010'
    printf '\012\001n\022\003\012\0013'
}

otlp_is_answered_in_its_own_type() {
    http_node false
    otlp_json >body
    post /v1/logs application/json body
    expect_status 200
    expect_head '^Content-Type: application/json'
    expect_count 1 'n:1 service.name:shop'
    expect_count 1 'n:2'
    expect_count 1 -p _findings 'rule.title:Seen'
    otlp_protobuf >body
    post /v1/logs application/x-protobuf body
    expect_status 200
    expect_head '^Content-Type: application/x-protobuf'
    [ ! -s out ] || fail 'an answer that is not empty'
    expect_count 1 'n:3'
    gzip -c body >body.gz
    post /v1/logs application/x-protobuf body.gz -H 'Content-Encoding: gzip'
    expect_status 200
    expect_count 2 'n:3'
    printf 'no such thing' >body
    post /v1/logs application/json body
    expect_status 400
    expect_out '{"code":3,"message":"The body cannot be read: '
    expect_count 1 -p _refused 'reason:*'
    post /v1/logs application/x-protobuf body
    expect_status 400
    expect_head '^Content-Type: application/x-protobuf'
    post /v1/logs text/plain body
    expect_status 415
    ask POST /v1/traces -H 'Content-Type: application/json' -d '{}'
    expect_status 404
    node_stop
    expect_code 0
}

gelf_and_alerts_are_taken() {
    http_node false
    printf '{"version":"1.1","host":"h","short_message":"hello","timestamp":1700000000.5,"_n":1}' \
        >body
    post /gelf application/json body
    expect_status 202
    expect_count 1 'n:1 message:hello'
    cat >body <<'END'
{"version":"4","receiver":"canh","status":"firing","groupKey":"g","alerts":[
{"status":"firing","labels":{"alertname":"Down","n":"2"},"startsAt":"2026-11-22T10:00:00Z"},
{"status":"resolved","labels":{"alertname":"Up","n":"3"},"startsAt":"2026-11-22T10:00:00Z"},
"none"]}
END
    post /api/v1/alertmanager application/json body
    expect_status 200
    expect_out '"stored":2,"refused":1'
    expect_count 1 'labels.n:2 receiver:canh'
    printf 'none' >body
    post /api/v1/alertmanager application/json body
    expect_status 400
    expect_count 2 -p _refused 'reason:*'
    printf '{"n":9}' >body
    post '/api/v1/ingest?source=app' application/json body
    expect_status 200
    post '/api/v1/ingest?source=other' application/json body
    expect_status 400
    expect_out "not this listener's source"
    expect_count 1 'n:9'
    node_stop
    expect_code 0
}

# entries FROM TO: as systemd-journal-upload sends them
entries() {
    seq "$1" "$2" | sed 's/.*/__CURSOR=s=abc;i=&\
__REALTIME_TIMESTAMP=1700000000000000\
MESSAGE=entry\
N=&\
/'
}
upload() {
    curl -sS -m 60 -o out -w '%{http_code}' -H 'Content-Type: application/vnd.fdo.journal' \
        -X POST -T "$1" "http://127.0.0.1:$(port_of in)/upload" >status 2>errors
}

# One request may last as long as there are entries: what came is stored before it ends.
journals_are_read_as_they_come() {
    http_node false
    entries 1 10 >body
    upload body
    expect_status 202
    expect_count 10 'N:*'
    mkfifo pipe
    upload pipe &
    exec 9>pipe
    entries 11 20000 >&9
    expect_count 1 -p apps 'N:5000' # while the request lasts
    entries 20001 20005 >&9
    exec 9>&-
    wait $!
    expect_status 202
    expect_count 20005 'N:*'
    ask POST /upload -H 'Content-Type: text/plain' -d x
    expect_status 415
    node_stop
    expect_code 0
}

# The cursor is an entry's id: an upload that is sent again stores nothing twice.
entries_are_stored_once() {
    http_node false
    entries 1 10 >body
    upload body
    entries 5 20 >body
    upload body
    expect_status 202
    expect_count 20 'N:*'
    node_stop
    expect_code 0
}

senders_are_named() {
    http_node false 'allow: [192.0.2.0/24]'
    printf '{"n":1}' >body
    post /api/v1/ingest application/json body
    [ "$(cat status)" = 000 ] || fail "HTTP $(cat status) for an address that may not send"
    node_stop
    http_node false 'allow: [127.0.0.0/8]'
    post /api/v1/ingest application/json body
    expect_status 200
    expect_count 1 'n:1'
    run events 'n:1'
    expect_out '"sender":"127.0.0.1"'
    node_stop
}

certificate() { # certificate NAME AUTHORITY: signed by it, or by itself
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
        -keyout "$1.key" -out "$1.csr" 2>/dev/null
    if [ "$1" = "$2" ]; then
        openssl x509 -req -in "$1.csr" -signkey "$1.key" -days 1 -out "$1.crt" \
            -extfile authority.cnf 2>/dev/null
    else
        openssl x509 -req -in "$1.csr" -CA "$2.crt" -CAkey "$2.key" -CAcreateserial -days 1 \
            -out "$1.crt" 2>/dev/null
    fi
    chmod 0644 "$1.key"
}
secure() { # secure [CURL OPTIONS]
    curl -sS -m 60 -o out -w '%{http_code}' -H 'Content-Type: application/json' -d '{"n":1}' \
        --cacert data/keys/ca.crt --connect-to 'localhost::127.0.0.1:' "$@" \
        "https://localhost:$(port_of in)/api/v1/ingest" >status 2>errors
}

certificates_are_asked_for() {
    echo 'basicConstraints=critical,CA:TRUE' >authority.cnf
    certificate authority authority
    certificate stranger stranger
    certificate web01.example.vn authority
    http_node false 'tls: true' "client_ca_file: $PWD/authority.crt"
    secure
    [ "$(cat status)" = 200 ] && fail 'a sender without a certificate is let in'
    secure --cert stranger.crt --key stranger.key
    [ "$(cat status)" = 200 ] && fail 'a stranger is let in'
    secure --cert web01.example.vn.crt --key web01.example.vn.key
    expect_status 200
    expect_count 1 'n:1'
    run events 'n:1'
    expect_out '"sender":"web01.example.vn"'
    node_stop
    expect_code 0
}

# Bodies in every packing; damage; a bomb.
bodies_are_unpacked() {
    http_node false 'body_bytes: 64KiB'
    printf '{"n":1}\n' >body
    gzip -k body
    post /api/v1/ingest application/json body.gz -H 'Content-Encoding: gzip'
    expect_status 200
    zstd -q body
    post /api/v1/ingest application/json body.zst -H 'Content-Encoding: zstd'
    expect_status 200
    printf '\010\034{"n":1}\n' >body.snappy
    post /api/v1/ingest application/json body.snappy -H 'Content-Encoding: snappy'
    expect_status 200
    expect_count 3 'n:1'
    for packing in gzip zstd snappy deflate; do
        post /api/v1/ingest application/json body -H "Content-Encoding: $packing"
        expect_status 400
    done
    post /api/v1/ingest application/json body -H 'Content-Encoding: br'
    expect_status 415
    head -c 50000000 /dev/zero | zstd -q >bomb.zst
    post /api/v1/ingest application/json bomb.zst -H 'Content-Encoding: zstd'
    expect_status 413
    head -c 70000 /dev/zero >long
    post /api/v1/ingest application/json long -H 'Transfer-Encoding: chunked'
    expect_status 413
    post /api/v1/ingest application/json body -H 'Expect: 100-continue'
    expect_status 200
    node_stop
    expect_code 0
}

cases otlp_is_answered_in_its_own_type gelf_and_alerts_are_taken journals_are_read_as_they_come \
    entries_are_stored_once senders_are_named certificates_are_asked_for bodies_are_unpacked
finish
