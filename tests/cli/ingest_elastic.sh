#!/bin/sh
# ingest_elastic.sh CANH SOURCE: forwarders that speak to Elasticsearch.
. "$(dirname "$0")/ingest_http.sh"
json=application/x-ndjson

# What clients ask before they send anything.
clients_are_greeted() {
    http_node false
    ask GET /
    expect_status 200
    expect_out '"number":"8.17.0"'
    expect_out '"tagline":"You Know, for Search"'
    expect_head '^X-Elastic-Product: Elasticsearch'
    ask HEAD /
    expect_status 200
    expect_head '^X-Elastic-Product: Elasticsearch'
    for path in /_license /_xpack/license /_xpack; do
        ask GET $path
        expect_status 200
        expect_out '"status":"active"'
    done
    for path in /_cluster/health /_nodes /_nodes/http /_template/a /_index_template/a \
        /_cat/indices /_cat/health /logs/_search /_search /_data_stream/a /_alias/a \
        /_security/_authenticate /es /es/ //_license; do
        ask GET $path
        expect_status 200
        expect_head '^X-Elastic-Product: Elasticsearch'
    done
    for path in /_index_template/a /_template/a /_component_template/a /_ilm/policy/a \
        /_ingest/pipeline/a /_data_stream/a /logs; do
        ask PUT $path -H "Content-Type: $json" -d '{}'
        expect_status 200
        expect_out '"acknowledged":true'
    done
    for path in /_ingest/pipeline/a /_ilm/policy/a; do
        ask GET $path
        expect_status 404
        [ "$(cat out)" = '{}' ] || fail "$path: $(cat out)"
    done
    ask HEAD /logs
    expect_status 200
    ask POST /_security/user/_has_privileges -H "Content-Type: $json" -d '{}'
    expect_out '"has_all_requested":true'
    ask GET /_unheard_of
    expect_status 404
    expect_out '"error":{"root_cause":[{"type":"resource_not_found_exception"'
    expect_head '^X-Elastic-Product: Elasticsearch'
    ask GET /_bulk
    expect_status 405
    expect_head '^Allow: POST, PUT'
    ask GET / -H 'Accept: application/vnd.elasticsearch+json; compatible-with=8'
    expect_head '^Content-Type: application/vnd.elasticsearch+json;compatible-with=8'
    node_stop
    expect_code 0
}

# One bad item costs itself alone; all have their place in the answer.
items_have_their_own_outcome() {
    http_node false
    cat >body <<'END'
{"create":{"_index":"logs"}}
{"n":1,"a":"hit"}
{"delete":{"_index":"logs","_id":"1"}}
{"index":{}}
{"n":2}
{"create":{}}
{"n":3,
not an action
{"n":9}
{"create":{"_index":"logs"}}
{"n":4}
END
    post '/_bulk?refresh=false&timeout=1m&pipeline=a' \
        'application/vnd.elasticsearch+json;compatible-with=8' body
    expect_status 200
    expect_head '^Content-Type: application/vnd.elasticsearch+json;compatible-with=8'
    expect_out '"errors":true'
    statuses=$(grep -o '"[a-z]*":{"status":[0-9]*' out | tr -d '":{' | tr '\n' ' ')
    [ "$statuses" = 'createstatus201 deletestatus400 indexstatus201 createstatus400 indexstatus400 createstatus201 ' ] ||
        fail "items: $statuses"
    expect_count 3 'n:[1 TO 4]'
    expect_count 1 -p _findings 'rule.title:Seen'
    expect_count 3 -p _refused 'reason:*'
    run events -p _refused 'reason:*'
    expect_out '"text":"{\"n\":3,"'
    printf '{"index":{}}\n{"n":5}\n' >body
    for path in /logs/_bulk /_data_stream/logs/_bulk /es/_bulk //es//_bulk/ /es_bulk; do
        post $path $json body
        expect_status 200
        expect_out '"errors":false,"items":[{"index":{"status":201}}]'
    done
    post '/_bulk?filter_path=took,errors' $json body
    expect_out '"errors":false,"items":[]'
    post /_bulk $json body -H 'User-Agent: Fluent-Bit'
    expect_out '"errors":false,"items":[]'
    printf '\n' >body
    post /_bulk $json body
    expect_status 400
    expect_count 7 'n:5'
    node_stop
    expect_code 0
}

bulk_is_taken() {
    post /_bulk $json body
    [ "$(cat status)" = 200 ]
}

# Sent again after an answer that was lost.
ids_are_stored_once() {
    http_node false
    printf '{"create":{"_id":"x1"}}\n{"n":1}\n{"index":{"_id":"x2"}}\n{"n":2}\n' >body
    post /_bulk $json body
    expect_out '"errors":false,"items":[{"create":{"status":201}},{"index":{"status":201}}]'
    printf '{"create":{}}\n{"n":3}\n' >>body
    post /_bulk $json body
    expect_status 200
    expect_out '"errors":true,"items":[{"create":{"status":409,"error":{"type":"version_conflict'
    expect_out '{"index":{"status":200}},{"create":{"status":201}}]'
    role_kill engine
    wait_for 'engine 0 is ready' 2
    until_true bulk_is_taken
    expect_out '"items":[{"create":{"status":409'
    expect_out '{"index":{"status":200}},{"create":{"status":201}}]'
    role_kill intake
    wait_for 'intake 0 is ready' 2
    until_true bulk_is_taken
    expect_out '"items":[{"create":{"status":409'
    expect_count 1 'n:1'
    expect_count 1 'n:2'
    node_stop
    expect_code 0
}

documents_are_taken_one_by_one() {
    http_node false
    printf '{\n  "n": 1\n}\n' >body
    post /logs/_doc application/json body
    expect_status 201
    expect_out '"_index":"logs","_id":"'
    expect_out '"result":"created"'
    ask PUT /logs/_create/a -H 'Content-Type: application/json' -d '{"n":2}'
    expect_status 201
    expect_out '"_id":"a"'
    ask PUT /logs/_create/a -H 'Content-Type: application/json' -d '{"n":2}'
    expect_status 409
    expect_out '"type":"version_conflict_engine_exception"'
    ask PUT /logs/_doc/a -H 'Content-Type: application/json' -d '{"n":2}'
    expect_status 200
    expect_out '"result":"updated"'
    ask POST /logs/_doc -H 'Content-Type: application/json' -d '{"n":'
    expect_status 400
    expect_out '"type":"document_parsing_exception"'
    expect_count 1 'n:1'
    expect_count 1 'n:2'
    expect_count 1 -p _refused 'reason:*'
    node_stop
    expect_code 0
}

# A body of more than one piece, with a bad item at each end.
long_bodies_keep_their_order() {
    http_node false
    {
        printf '{"create":{}}\n{"n":\n'
        seq 12000 | sed 's/.*/{"create":{}}\n{"n":&,"text":"some more so that it takes pieces"}/'
        printf '{"update":{"_id":"1"}}\n{"doc":{}}\n'
    } >body
    gzip -k body
    zstd -q body
    for packing in gzip zstd; do
        packed=body.gz
        [ $packing = gzip ] || packed=body.zst
        post /_bulk $json $packed -H "Content-Encoding: $packing"
        expect_status 200
        [ "$(grep -o '"create":{"status":201}' out | wc -l)" = 12000 ] || fail "$packing: items"
        grep -q '"items":\[{"create":{"status":400' out || fail 'the first item'
        grep -q '{"update":{"status":400,"error":{"[^{}]*}}}\]}$' out || fail 'the last item'
    done
    expect_count 24000 'n:*'
    expect_count 4 -p _refused 'reason:*'
    node_stop
    expect_code 0
}

# Forwarders show tokens in different ways.
tokens_are_shown_in_many_ways() {
    http_node true
    seed sensor ingest
    token=$(cat token)
    printf '{"create":{}}\n{"n":1}\n' >body
    ask GET /
    expect_status 401
    expect_out '"type":"security_exception"'
    expect_head '^WWW-Authenticate: Bearer'
    expect_head '^WWW-Authenticate: Basic'
    expect_head '^X-Elastic-Product: Elasticsearch'
    post /_bulk $json body -u 'elastic:wrong'
    expect_status 401
    post /_bulk $json body -H "Authorization: Bearer $token"
    expect_status 200
    post /_bulk $json body -u "anyone:$token"
    expect_status 200
    post /_bulk $json body -H "Authorization: ApiKey $token"
    expect_status 200
    post /_bulk $json body -H "Authorization: ApiKey $(printf 'id:%s' "$token" | base64 -w0)"
    expect_status 200
    expect_count 4 'n:1'
    run events 'n:1'
    expect_out '"sender":"token:sensor:'
    node_stop
    expect_code 0
}

cases clients_are_greeted items_have_their_own_outcome documents_are_taken_one_by_one \
    long_bodies_keep_their_order tokens_are_shown_in_many_ways ids_are_stored_once
finish
