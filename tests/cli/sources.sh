#!/bin/sh
# sources.sh CANH SOURCE SEND: what became of every record, and what is wrong with the watch itself:
# canh sources, silence, skew, refused records, stale indicators, a full disk.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG CANH_TOKEN_FILE
send=$3
command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }

settings() { # settings INDICATORS SETTING...
    mkdir -p rules logs
    (cd rules && rule hit1 Seen high attack.t1003)
    {
        printf 'web: {listen: "127.0.0.1:0", tls: false}\n'
        printf 'rules: {paths: ["%s/rules"], indicators: %s}\n' "$PWD" "$1"
        shift
        for line in "$@"; do echo "$line"; done
        printf 'listeners:\n'
        printf '  - {name: %s, listen: "127.0.0.1:0", source: %s, token: false}\n' \
            in app watched watched off off
    } >canh.yaml
    chmod 0644 canh.yaml
}
# post LISTENER: JSON lines of standard input
post() {
    curl -sS -m 60 -o out -H 'Content-Type: application/x-ndjson' --data-binary @- \
        "http://127.0.0.1:$(port_of "$1")/api/v1/ingest" 2>errors || fail "nothing was posted"
}
canh_() { # canh_ COMMAND...: by the node of this folder; leaves code, out and errors
    # shellcheck disable=SC2086
    run $node_user "$canh" "$@" --config canh.yaml --data data
}
# until_out TEXT COMMAND...: until its output has the text; a bound, not a time, is asserted
until_out() {
    text=$1
    shift
    for _ in $(seq 200); do
        canh_ "$@"
        grep -q -F -e "$text" out && return 0
        sleep 0.5
    done
    fail "canh $* does not show \"$text\""
}
# until_rows N QUERY: so many rows of _findings
until_rows() {
    for _ in $(seq 200); do
        canh_ search -o ndjson -p _findings "$2"
        [ "$(wc -l <out)" = "$1" ] && return 0
        sleep 0.5
    done
    fail "$(wc -l <out) findings of $2, not $1"
}
expect_sum() { # expect_sum MEMBER: of the source's object in out, its parts add up
    python3 - "$1" <<'END' || fail "the parts of $1 do not add up"
import json, sys
f = json.loads(open("out").readline())[sys.argv[1]]
parts = sum(n for name, n in f.items()
            if name in ("stored", "duplicate", "joined") or name.startswith(("refused_", "dropped_")))
sys.exit(0 if f["received"] == parts and f["unaccounted"] == 0 and f["received"] else 1)
END
}

every_record_has_an_outcome() {
    settings false 'sources:' '  - {name: app}' '  - {name: watched}' '  - {name: off, silence: false}' \
        '  - {name: quiet}'
    node_start
    printf '{"n":1}\n{"n":2}\n{"n":\n' | post in
    printf '{"create":{"_id":"%s"}}\n{"n":3}\n' a b a >bulk
    curl -sS -m 60 -o out -H 'Content-Type: application/x-ndjson' --data-binary @bulk \
        "http://127.0.0.1:$(port_of in)/logs/_bulk"
    expect_out '"status":409'
    until_out '"received":6' sources app -o ndjson
    expect_code 0
    expect_out '"name":"app"'
    expect_out '"state":"learning"'
    expect_out '"this_hour":{"received":6,"stored":4,"duplicate":1,"refused_'
    command -v python3 >/dev/null && expect_sum this_hour
    canh_ sources -o csv
    expect_code 0
    expect_out 'source,state,newest,this_hour,received,stored,refused,dropped,duplicate,joined,'
    grep -q '^app,learning,.*,6,6,4,1,0,1,0,6,0' out || fail "the row of app is another"
    grep -q '^watched,unknown,,' out || fail "a source that was never seen is not unknown"
    grep -q '^off,disabled,' out || fail "a source that is not judged is not disabled"
    grep -q '^quiet,unset,' out || fail "a source without a listener is not unset"
    canh_ sources -o table
    expect_out 'since start'
    expect_out 'unaccounted'
    expect_out 'not yet seen'
    expect_out 'not judged'
    expect_out 'not live'
    canh_ sources -o table --lang vi
    expect_out 'trạng thái'
    expect_out 'đang học'
    expect_out 'chưa thấy'
    expect_out 'không xét'
    canh_ sources --hours app -o csv
    expect_code 0
    expect_lines 2
    grep -q '^20.*,app,no,6,4,1,0,1,0,0,0' out || fail "the open hour is another"
    canh_ sources --hours app -o ndjson
    expect_out '"closed":false,"unaccounted":0,"received":6'
    canh_ sources --hours app -o table --lang vi
    expect_out 'chưa'
    canh_ sources nobody
    expect_code 3
    expect_error 'canh sources'
    canh_ sources two names
    expect_code 2
    node_stop
    canh_ sources
    expect_code 3
    expect_error 'does not run'
    node_start
    until_out '"since_start":{"received":0' sources app -o ndjson
    expect_out '"ever":{"received":6,"stored":4'
    node_stop
}

what_is_wrong_is_told() {
    printf '198.51.100.7\n' >feed.txt
    settings true \
        'health: {skew: 60s, refused_percent: 5, disk_free_bytes: 1TiB, indicators_age: 1h}' \
        'sources:' '  - {name: app}' '  - {name: watched}' '  - {name: off}'
    node_own .
    # shellcheck disable=SC2086
    run $node_user "$canh" intel import --data data feed.txt
    expect_code 0
    touch -d '3 days ago' data/intel/indicators.table || fail "there are no indicators"
    node_start
    for n in $(seq 12); do echo "{\"n\":$n"; done | post in
    ahead=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)
    for n in $(seq 12); do echo "{\"n\":$n,\"@timestamp\":\"$ahead\"}"; done | post watched
    until_out '"kind":"refused"' status
    expect_out '12 of 12 records of an hour could not be read'
    until_out '"kind":"skew"' status
    expect_out 'source watched: events tell times up to 3'
    expect_out '"code":"skew"'
    until_out '"kind":"indicators-age"' status
    expect_out 'the indicators were updated last 3 days ago'
    expect_out '"code":"disk"'
    until_rows 1 'rule.id:canh-health-refused'
    expect_out '"subject":"app"'
    until_rows 1 'rule.id:canh-health-skew'
    until_rows 1 'rule.id:canh-health-indicators-age'
    canh_ sources -o table
    expect_out 'clock: up to 0 s behind and 3'
    canh_ status -o table
    expect_code 1
    expect_out 'PARTLY WATCHED'
    node_stop
}

silence_is_told_once() {
    settings false 'sources:' '  - {name: app}' '  - {name: watched, expect: 2s}' \
        '  - {name: off, expect: 2s, silence: false}'
    node_start
    echo '{"n":1}' | post watched
    echo '{"n":1}' | post off
    until_out '"state":"silent"' sources watched -o ndjson
    expect_code 1
    grep -q -e '"reason_en":"[^"]*2 s' out || fail "the sentence has no numbers"
    canh_ sources -o table
    expect_code 1
    expect_out 'SILENT'
    canh_ sources -o table --lang vi
    expect_out 'IM LẶNG'
    canh_ sources off -o ndjson
    expect_code 0
    expect_out '"state":"disabled"'
    until_rows 1 'rule.id:canh-health-silent'
    expect_out '"subject":"watched"'
    expect_out '"state":"begins"'
    until_out '"code":"silent"' status
    node_stop
    node_start
    until_out '"kind":"silent"' status
    until_rows 1 'rule.id:canh-health-silent'
    # it comes again, and stays until the end is told, which is not before the watch has settled
    for _ in $(seq 120); do
        echo '{"n":2}' | post watched
        canh_ search -o ndjson -p _findings 'rule.id:canh-health-silent AND state:ends'
        [ "$(wc -l <out)" = 0 ] || break
        sleep 1
    done
    expect_lines 1
    until_rows 1 'rule.id:canh-health-silent AND state:begins'
    canh_ search -o ndjson -p _findings 'subject:off'
    expect_lines 0
    node_stop
}

# as_user METHOD PATH [CURL ARGUMENT...]: by the cookie in jar
as_user() {
    method=$1 path=$2
    shift 2
    code=$(curl -s -m 60 -o out -w '%{http_code}' -X "$method" -b jar \
        -H 'Canh-Request: 1' "$@" \
        "http://127.0.0.1:$(port_of web)$path")
}
sign_in() {
    as_user POST /api/v1/session -c jar -H 'Content-Type: application/json' \
        -d "{\"name\":\"$1\",\"password\":\"$password\"}"
    expect_code 200
}

only_its_units() {
    password='Dem-canh-gac-2026'
    settings false 'sources:' '  - {name: app, unit: so-yte}' \
        '  - {name: watched, unit: so-giao-duc, expect: 2s}' '  - {name: off}' \
        "outputs: [{name: archive, kind: file, path: \"$PWD/archive.json\"}]"
    node_start
    for unit in so-yte so-giao-duc; do
        canh_ unit add $unit --title $unit --kind department
        expect_code 0
    done
    echo "$password" >password
    for who in 'an --admin' 'chi --role handler --unit so-yte'; do
        # shellcheck disable=SC2086
        $node_user "$canh" user add $who --title Somebody --password-stdin --config canh.yaml \
            --data data <password >out 2>errors || fail "no user $who was made"
    done
    for n in $(seq 12); do echo "{\"n\":$n"; done | post watched
    until_out '"kind":"silent"' status
    until_out '"kind":"refused"' status
    sign_in an
    as_user GET /api/v1/status
    expect_code 200
    for one in app watched off archive; do expect_out "\"name\":\"$one\""; done
    expect_out '"subject":"watched"'
    expect_no_out '"elsewhere"'
    sign_in chi
    as_user GET /api/v1/status
    expect_code 200
    expect_out '"name":"app"'
    for foreign in watched '"off"' archive so-giao-duc; do expect_no_out "$foreign"; done
    expect_out '"code":"elsewhere"'
    expect_out '"state":"unknown"' # what holds of the node holds for everybody
    node_stop
}

what_is_not_read_is_told() {
    mkdir -p logs
    touch logs/closed.log logs/open.log
    ln -s open.log logs/link.log
    settings false 'sources:' '  - {name: app}' '  - {name: watched}' '  - {name: off}' \
        "  - {name: files, follow: [\"$PWD/logs/*.log\", \"$PWD/logs/*.none\"]}" \
        "  - {name: later, follow: [\"$PWD/logs/later.txt\"]}"
    chmod 000 logs/closed.log
    node_start
    until_out 'link.log","why":"it is a link, and links are not followed"' sources files -o ndjson
    node_reads_all || expect_out 'closed.log","why":"Permission denied","absent":false'
    expect_out '*.none","why":"no file matches","absent":true'
    expect_no_out 'open.log","why"'
    canh_ sources later -o ndjson
    expect_out 'later.txt","why":"No such file or directory","absent":true'
    canh_ sources -o table
    expect_out 'NOT read: '
    node_reads_all || expect_out 'closed.log: Permission denied'
    canh_ status -o table --lang vi
    expect_out 'KHÔNG đọc được '
    until_rows 1 'rule.id:canh-health-unreadable'
    expect_out '"subject":"files"'
    canh_ status
    expect_out '"code":"unreadable"'
    chmod 644 logs/closed.log
    rm logs/link.log
    touch logs/later.txt
    node_own logs
    echo '{"n":1}' >>logs/later.txt
    until_out '"what":"'"$PWD"'/logs/*.none","why":"no file matches","absent":true}]' \
        sources files -o ndjson
    until_out '"not_read":[]' sources later -o ndjson
    node_stop
}

# Engine and intake die at once while records wait between them: what was cut and not stored is
# booked by the next engine.
# datagram TEXT: to the listener `lines`
datagram() {
    echo "<13>Nov 22 10:00:00 host app: $1" >message
    "$send" udp "$(port_of lines)" message
}
# cut_unseen NAME...: datagrams that intake reads and a stopped engine never gets
cut_unseen() {
    for name in "$@"; do datagram "$name"; done
    until_true udp_taken "$(port_of lines)" || fail 'intake does not read'
    until_true role_rests intake || fail 'intake does not come to rest' # what it took is counted
}

what_both_lost_is_booked() {
    settings false 'sources:' '  - {name: app}' '  - {name: watched}' '  - {name: off}' \
        '  - {name: log}'
    echo '  - {name: lines, kind: syslog-udp, listen: "127.0.0.1:0", source: log}' >>canh.yaml
    node_start
    datagram first
    until_out '"ever":{"received":1,"stored":1' sources log -o ndjson
    engine=$(role_pid engine) intake=$(role_pid intake)
    kill -STOP "$engine"
    cut_unseen 1 2 3
    kill -KILL "$intake" "$engine"
    wait_for 'the watch is kept' # it was, and is again
    until_out '"dropped_ended":3' sources log -o ndjson
    expect_out '"ever":{"received":4,"stored":1,"dropped_ended":3'
    expect_out '"unaccounted":0'
    kill -KILL "$(role_pid engine)" # told once more, booked once
    sleep 1
    until_out '"dropped_ended":3' sources log -o ndjson
    until_out '"kind":"dropped"' status
    canh_ sources log -o ndjson
    expect_out '"ever":{"received":4,"stored":1,"dropped_ended":3'
    # an intake dies, and the next one, before the engine hears of either
    engine=$(role_pid engine)
    kill -STOP "$engine"
    cut_unseen 4 5
    ready=$(grep -c 'intake 0 is ready' log)
    role_kill intake
    wait_for 'intake 0 is ready' $((ready + 1)) || fail 'intake was not started again'
    cut_unseen 6
    kill -KILL "$(role_pid intake)" "$engine"
    until_out '"dropped_ended":6' sources log -o ndjson
    expect_out '"ever":{"received":7,"stored":1,"dropped_ended":6'
    expect_out '"unaccounted":0'
    node_stop
}

# No build loses a record on purpose: a server that says so stands in for a node.
what_is_unaccounted_is_loud() {
    command -v python3 >/dev/null || { echo "skipped: python3 is not installed"; return; }
    mkdir -p www/api/v1
    echo '{"sources":[{"name":"app","state":"ok","ever":{"received":7,"stored":4}}]}' \
        >www/api/v1/status
    python3 -u -m http.server --bind 127.0.0.1 --directory www 0 >served 2>&1 &
    server=$!
    for _ in $(seq 100); do
        port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' served)
        [ -n "$port" ] && break
        sleep 0.1
    done
    printf 'canh_%043d\n' 0 >token
    chmod 600 token
    run "$canh" sources --server "http://127.0.0.1:$port" --token-file token -o table
    expect_code 1
    expect_out '!!! 3 RECORDS ARE NOT ACCOUNTED FOR'
    run "$canh" sources --server "http://127.0.0.1:$port" --token-file token -o table --lang vi
    expect_code 1
    expect_out '!!! 3 BẢN GHI KHÔNG RÕ ĐI ĐÂU'
    kill "$server"
    wait "$server" 2>/dev/null
}

cases what_is_unaccounted_is_loud what_both_lost_is_booked only_its_units \
    what_is_not_read_is_told every_record_has_an_outcome what_is_wrong_is_told silence_is_told_once
finish
