#!/bin/sh
# web.sh CANH SOURCE TOTP: HTTP as its users meet it: signing in and out, tokens, listings,
# commands, what is refused, and what those do who mean no good.
totp=$3
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }
PASSWORD='Dem-canh-gac-2026'

settings() {
    cat >canh.yaml <<END
web: {listen: "$1", tls: ${2:-false}, timeout: 3s, connections: 100, connections_per_address: 40}
END
    chmod 0644 canh.yaml
}

# begin: a node with an administrator `an`; url
begin() {
    settings 127.0.0.1:0
    node_start
    url=http://127.0.0.1:$(port_of web)
    printf '%s\n' "$PASSWORD" >password
    # shellcheck disable=SC2086
    $node_user "$canh" user add an --title "Nguyen An" --admin --password-stdin --config canh.yaml \
        --data data <password >out 2>errors || fail "no administrator was made"
}

# ask METHOD PATH [CURL ARGUMENT...]: leaves code (HTTP status), out (body) and headers
ask() {
    method=$1 path=$2
    shift 2
    code=$(curl -s -o out -D headers -w '%{http_code}' --max-time 60 -X "$method" "$@" "$url$path")
}
# send PATH JSON [CURL ARGUMENT...]
send() {
    path=$1 json=$2
    shift 2
    ask POST "$path" -H 'Content-Type: application/json' -d "$json" "$@"
}
# sign_in NAME [CODE] [CURL ARGUMENT...]: the cookie is in jar
sign_in() {
    json="{\"name\":\"$1\",\"password\":\"${3:-$PASSWORD}\",\"code\":\"${2:-}\"}"
    send /api/v1/session "$json" -c jar
}
mine() { ask "$@" -b jar; }
# order NAME PARAMS: a command by the cookie in jar
order() { send /api/v1/commands "{\"name\":\"$1\",\"params\":$2}" -b jar -H 'Canh-Request: 1'; }
# member NAME: of out
member() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" out | head -n 1; }
expect_header() { grep -q -i -F -e "$1" headers || fail "no header \"$1\""; }

signing_in_and_out() {
    begin
    mine GET /api/v1/units
    expect_code 401
    sign_in an
    expect_code 200
    expect_header 'HttpOnly; SameSite=Strict'
    mine GET /api/v1/session
    expect_code 200
    expect_out '"name":"an"'
    expect_out '"role":"administrator"'
    expect_out '"language":"vi"'
    mine GET '/api/v1/units?limit=x' -H 'Accept-Language: en'
    expect_out 'phải là' # a person's own language, whatever the browser says
    ask DELETE /api/v1/session -b jar
    expect_code 403
    cp jar stolen
    ask DELETE /api/v1/session -b jar -H 'Canh-Request: 1'
    expect_code 200
    expect_header 'Max-Age=0'
    ask GET /api/v1/session -b stolen
    expect_code 401
    node_stop
    expect_code 0
}

guessing_is_locked_out() {
    begin
    sign_in an
    order user.add '{"name":"binh","title":"Binh","role":"officer","unit":[],"password":"'"$PASSWORD"'"}'
    expect_code 200
    for guess in 1 2 3 4 5; do
        sign_in binh '' "Sai-mat-khau-$guess"
        expect_code 401
    done
    sign_in binh # the right one, too late
    expect_code 401
    sign_in nobody-of-this-name
    expect_code 401
    sign_in an # others are not locked out with it
    expect_code 200
    mine GET '/api/v1/audit?limit=1000'
    expect_out '"session.open"'
    ! grep -q -e 'Sai-mat-khau' -e "$PASSWORD" out || fail "the audit chain holds a password"
    node_stop
    ! grep -r -q -a -e "$PASSWORD" data log || fail "a password is on the disk"
}

a_code_counts_once() {
    begin
    sign_in an
    order user.totp "{\"password\":\"$PASSWORD\"}"
    expect_code 200
    secret=$(member secret)
    order user.totp-confirm "{\"code\":\"$("$totp" "$secret" 0)\"}"
    expect_code 200
    sign_in an
    expect_code 401
    sign_in an 000000
    expect_code 401
    passcode=$("$totp" "$secret" 1)
    sign_in an "$passcode"
    expect_code 200
    sign_in an "$passcode"
    expect_code 401
    node_stop
}

tokens() {
    begin
    sign_in an
    order token.add '{"name":"reader","right":["read"],"expires":"1d"}'
    expect_code 200
    token=$(member token)
    ask GET /api/v1/units -H "Authorization: Bearer $token"
    expect_code 200
    ask GET /api/v1/audit -H "Authorization: Bearer $token"
    expect_code 403
    send /api/v1/commands '{"name":"unit.add","params":{"name":"x","title":"X","kind":"other"}}' \
        -H "Authorization: Bearer $token"
    expect_code 403
    send /api/v1/search '{"query":"*"}' -H "Authorization: Bearer $token"
    expect_code 403
    order token.add '{"name":"short","right":["read"],"expires":"1s"}'
    brief=$(member token)
    sleep 2
    ask GET /api/v1/units -H "Authorization: Bearer $brief"
    expect_code 401
    order token.remove '{"token":"reader"}'
    expect_code 200
    ask GET /api/v1/units -H "Authorization: Bearer $token"
    expect_code 401
    ask GET /api/v1/units -H "Authorization: Bearer canh_$(printf '%043d' 0)"
    expect_code 401
    node_stop
}

only_its_units() {
    begin
    sign_in an
    for unit in so-yte so-giao-duc; do
        order unit.add "{\"name\":\"$unit\",\"title\":\"$unit\",\"kind\":\"department\"}"
        expect_code 200
    done
    order user.add '{"name":"chi","title":"Chi","role":"handler","unit":["so-yte"],"password":"'"$PASSWORD"'"}'
    expect_code 200
    sign_in chi
    expect_code 200
    mine GET /api/v1/units
    expect_code 200
    expect_out so-yte
    expect_no_out so-giao-duc
    mine GET '/api/v1/units?text=giao'
    expect_no_out so-giao-duc
    mine GET /api/v1/audit
    expect_code 403
    order unit.change '{"unit":"so-giao-duc","title":"mine now"}'
    [ "$code" = 403 ] || [ "$code" = 404 ] || fail "a foreign unit was changed"
    node_stop
}

reading_and_ordering() {
    begin
    sign_in an
    for n in 1 2 3; do
        order unit.add "{\"name\":\"u$n\",\"title\":\"Đơn vị $n\",\"kind\":\"department\"}"
        expect_code 200
    done
    mine GET '/api/v1/units?limit=2'
    expect_out '"next":2}'
    mine GET '/api/v1/units?limit=2&after=2'
    expect_out '"u3"'
    expect_out '"next":null}'
    mine GET '/api/v1/units?text=don%20vi%203'
    expect_out '"u3"'
    expect_no_out '"u1"'
    mine GET '/api/v1/units?nothing=1'
    expect_code 400
    mine GET '/api/v1/units?limit=x'
    expect_code 400
    order unit.add '{"name":"u1","title":"again","kind":"department"}'
    [ "$code" -ge 400 ] && [ "$code" -lt 500 ] || fail "the same unit twice"
    order unit.add '{"name":"u9","title":"x","kind":"nonsense"}'
    expect_code 400
    expect_out '"parameter":"kind"'
    order host.import '{"sheet":"tên máy,đơn vị\nmay1,u1\n"}'
    expect_code 200
    mine GET '/api/v1/hosts?unit=u1'
    expect_out '"may1"'
    order host.import '{"sheet":"tên máy;không biết\nmay2;u1\n"}'
    expect_code 400
    expect_out '"parameter":"sheet"'
    ask GET /api/v1/commands -b jar
    expect_out '"unit.add"'
    send /api/v1/search '{"query":"*"}' -b jar -H 'Canh-Request: 1'
    expect_code 200
    expect_out '"error":null'
    send /api/v1/search '{"query":"(("}' -b jar -H 'Canh-Request: 1'
    grep -q -e '"detail"' -e '"error":"' out || fail "a wrong query is not told"
    node_stop
}

figures() {
    begin
    sign_in an
    ask GET /metrics
    expect_code 200
    expect_out 'canh_web_requests_total{'
    if command -v promtool >/dev/null; then
        promtool check metrics <out >check 2>&1 || fail "promtool: $(cat check)"
        [ ! -s check ] || fail "promtool: $(cat check)"
    fi
    ask GET /health
    expect_code 200
    kill -KILL "$(role_pid engine)"
    ask GET /health
    [ "$code" = 503 ] || [ "$code" = 200 ] || fail "no answer while the engine is away"
    wait_for 'engine 0 is ready' 2 || fail "the engine did not come back"
    for _ in $(seq 100); do
        mine GET /api/v1/units
        [ "$code" = 200 ] && break
        [ "$code" = 503 ] || fail "unexpected while the engine comes back"
        sleep 0.1
    done
    expect_code 200
    node_stop
}

what_is_refused() {
    begin
    ask GET / -H 'Host: evil.example'
    expect_code 421
    ask GET /nothing
    expect_code 404
    expect_header 'application/problem+json'
    ask GET /nothing -H 'Accept-Language: vi'
    expect_out 'Không'
    head -c 20000 /dev/zero | tr '\0' ' ' >long
    ask POST /api/v1/session -H 'Content-Type: application/json' --data-binary @long
    expect_code 413
    ask GET /
    for header in "default-src 'none'" 'nosniff' 'no-referrer' 'no-store'; do
        expect_header "$header"
    done
    ! grep -q -i '^server:' headers || fail "it says which server it is"
    node_stop
}

over_tls() {
    settings 127.0.0.1:0 true
    node_start
    url=https://localhost:$(port_of web)
    ask GET /health --cacert data/keys/ca.crt
    expect_code 200
    expect_header 'Strict-Transport-Security'
    ask GET /health --cacert data/keys/ca.crt --tls-max 1.1
    expect_code 000
    ask GET /health
    expect_code 000
    node_stop
}

cases signing_in_and_out guessing_is_locked_out a_code_counts_once tokens only_its_units \
    reading_and_ordering figures what_is_refused over_tls
finish
