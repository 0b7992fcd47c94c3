#!/bin/sh
# intel.sh CANH SOURCE: canh intel import, list, match, remove.
. "$(dirname "$0")/expect.sh"
shared=${CANH_SHARED:-$2/../shared}

# number NAME: a figure of the line that import wrote
number() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" out | tail -n 1; }
expect_number() { [ "$(number "$1")" = "$2" ] || fail "$1 is not $2"; }
import() { run "$canh" intel import --data data "$@"; }
match() { run "$canh" intel match --data data "$@"; }

list_of_values() {
    cat >list.txt <<'END'
# a list
hxxp://bad[.]example[.]org/x # why
evil.example.com
198.51.100.0/24
not a value
END
    import list.txt
    expect_code 0
    expect_number indicators 3
    expect_number refused 1
    expect_number total_indicators 3
    expect_error 'list.txt:5: '
    run "$canh" intel list --data data
    expect_code 0
    expect_lines 3
    expect_out '{"type":"url","indicator":"http://bad.example.org/x","source":"list.txt","title":"why","confidence":null,"tlp":null,"from":null,"until":null,"id":null}'
    run "$canh" intel list --data data -o csv --type domain
    expect_lines 2
    expect_out 'type,indicator,source,title,confidence,tlp,from,until,id'
    expect_out 'domain,evil.example.com,list.txt,,,,,,'
    run "$canh" intel list --data data -o table --lang vi
    expect_out 'dấu hiệu'
    import --strict list.txt
    expect_code 1
    expect_number total_indicators 3
    expect_number replaced 3
}

lookups() {
    printf '198.51.100.0/24\nevil.example.com\nhttp://bad.example.org/x\n' >list.txt
    import --source feed --tlp amber --confidence 70 list.txt
    expect_code 0
    match 'www[.]evil[.]example.com' 198.51.100.9 203.0.113.1
    expect_code 0
    expect_lines 2
    expect_out '{"value":"www[.]evil[.]example.com","type":"domain","indicator":"evil.example.com","source":"feed","title":null,"confidence":70,"tlp":"TLP:AMBER"'
    expect_out '{"value":"198.51.100.9","type":"cidr","indicator":"198.51.100.0/24"'
    printf 'GET http://bad.example.org/x HTTP/1.1\n\nnothing here\n198.51.100.1' >lines
    "$canh" intel match --data data - <lines >out 2>errors
    code=$?
    expect_code 0
    expect_lines 2
    expect_out '{"value":"GET http://bad.example.org/x HTTP/1.1","type":"url"'
    run "$canh" intel match --indicators list.txt -o csv evil.example.com
    expect_lines 2
    expect_out 'evil.example.com,domain,evil.example.com,list.txt,'
    run "$canh" intel match --indicators data/intel/indicators.table evil.example.com
    expect_lines 1
    run "$canh" intel match --data nowhere evil.example.com
    expect_code 3
    expect_error 'canh intel import'
}

exceptions() {
    printf 'evil.example.com\ngood.example.org\n10.1.2.3\n' >list.txt
    cat >warning.json <<'END'
{"name":"Well known","type":"hostname","matching_attributes":["domain"],"list":["good.example.org"]}
END
    printf '10.0.0.0/8\n' >own.txt
    import list.txt warning.json
    expect_code 0
    expect_number exceptions 1
    expect_number total_exceptions 1
    match evil.example.com good.example.org
    expect_lines 1
    match -v good.example.org
    expect_error 'good.example.org is on the warning list Well known'
    import --warninglist --source Ours own.txt
    expect_number total_exceptions 2
    match 10.1.2.3 good.example.org
    expect_lines 0
    run "$canh" intel list --data data --exceptions
    expect_lines 2
    run "$canh" intel remove --data data --source 'Well known'
    expect_code 0
    match 10.1.2.3 good.example.org
    expect_lines 1
    expect_out good.example.org
}

sources() {
    printf '192.0.2.1\n192.0.2.2\n' >one.txt
    printf '192.0.2.2\n192.0.2.3\n' >two.txt
    import one.txt two.txt
    expect_number total_indicators 4
    run "$canh" intel list --data data --source two.txt
    expect_lines 2
    printf '192.0.2.4\n' >one.txt
    import --replace one.txt
    expect_number replaced 2
    expect_number total_indicators 3
    run "$canh" intel remove --data data --source two.txt
    expect_code 0
    expect_error '2 entries taken out'
    run "$canh" intel list --data data
    expect_lines 1
    expect_out 192.0.2.4
    run "$canh" intel remove --data data --source two.txt
    expect_code 1
    expect_error 'nothing in data'
}

expiry() {
    printf '192.0.2.1\n' >one.txt
    import --expires 2020-01-01 one.txt
    expect_number expired 1
    expect_number total_indicators 0
    import --expires +30d one.txt
    expect_number total_indicators 1
    match 192.0.2.1
    expect_lines 1
    import --expires tomorrow one.txt
    expect_code 2
    expect_error '+30d'
}

ids() {
    bundle() {
        printf '{"type":"bundle","id":"bundle--1","objects":[{"type":"indicator","id":"indicator--1","pattern_type":"stix","pattern":"%s","modified":"%s"%s}]}' "$1" "$2" "$3"
    }
    bundle "[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.2']" 2026-01-01T00:00:00Z '' >a.json
    bundle "[ipv4-addr:value = '192.0.2.3']" 2026-01-02T00:00:00Z '' >b.json
    bundle "[ipv4-addr:value = '192.0.2.3']" 2026-01-03T00:00:00Z ',"revoked":true' >c.json
    bundle "[file:name = 'a' AND file:size = 3]" 2026-01-03T00:00:00Z '' >d.json
    import --source S a.json
    expect_number total_indicators 2
    import --source S b.json
    expect_number total_indicators 1
    import --source other b.json
    expect_number total_indicators 2
    import --source S c.json
    expect_number revoked 1
    expect_number total_indicators 1
    import --source T d.json
    expect_number patterns 1
    expect_number total_indicators 1
}

folders() {
    mkdir -p feed/.hidden
    printf '192.0.2.1\n' >feed/a.txt
    printf '192.0.2.2\n' | gzip >feed/b.txt.gz
    printf '192.0.2.3\n' >feed/.hidden/c.txt
    printf '192.0.2.4\n' >feed/d.exe
    printf 'This is only a text about the feed.\n' >feed/README.txt
    printf '{"5c8d3f4a-0000-4000-8000-000000000001":{"info":"x"}}' >feed/manifest.json
    printf '0c2674c3a97c53082187d930efb645c2,5c8d3f4a-0000-4000-8000-000000000001\n' >feed/hashes.csv
    printf '{"Event":{"info":"x","Attribute":[{"type":"ip-src","value":"192.0.2.5","to_ids":true},{"type":"ip-src","value":"192.0.2.6","to_ids":false}]}}' >feed/5c8d3f4a-0000-4000-8000-000000000001.json
    import feed
    expect_code 0
    expect_number files 3
    expect_number files_passed_over 3
    expect_number passed_over 1
    expect_number total_indicators 3
    tar -czf feed.tgz feed
    rm -rf data
    import --all feed.tgz
    expect_code 0
    expect_number files 3
    expect_number total_indicators 4
    run "$canh" intel list --data data
    expect_out '"source":"b.txt.gz"'
    import feed/hashes.csv
    expect_code 3
    expect_error 'digests of values'
    "$canh" intel import --data data --source stdin - <feed/a.txt >out 2>errors
    code=$?
    expect_code 0
    expect_number total_indicators 5
}

failures() {
    printf '192.0.2.1\n' >one.txt
    import one.txt nowhere
    expect_code 3
    expect_error 'nowhere: No such file'
    expect_number total_indicators 1
    import nowhere
    expect_code 3
    expect_error 'nothing was changed'
    printf '{"Attribute":[{"type":"ip-src","value":"192.0.2.7","to_ids":true},' >cut.json
    import cut.json
    expect_code 3
    expect_error 'cut.json:1: '
    i=0
    while [ $i -lt 20 ]; do
        echo '192.0.2.8'
        echo '!!'
        i=$((i + 1))
    done >many.txt
    import many.txt
    expect_code 0
    [ "$(grep -c many.txt: errors)" = 10 ] || fail "not the first ten are shown"
    expect_error 'and 10 more (-v shows them)'
    import -q many.txt
    [ -s errors ] && fail "--quiet is not quiet"
    cp data/intel/indicators.table whole
    head -c 100 whole >data/intel/indicators.table
    import one.txt
    expect_code 3
    expect_error 'indicators.table'
    match 192.0.2.1
    expect_code 3
    run "$canh" intel import --data data
    expect_code 2
    run "$canh" intel list --data data --type domian
    expect_code 2
    expect_error 'did you mean domain?'
    run "$canh" intel lsit
    expect_code 2
    expect_error 'did you mean canh intel list?'
    run "$canh" intel remove --data data
    expect_code 2
    run "$canh" intel match --data data
    expect_code 2
}

two_at_once() {
    command -v flock >/dev/null || { echo "skipped: flock is not here"; return; }
    printf '192.0.2.1\n' >one.txt
    import one.txt
    run flock data/intel/lock "$canh" intel import --data data one.txt
    expect_code 3
    expect_error 'another import'
}

# the real feeds: figures of what is in them
real_feeds() {
    [ -d "$shared/intel/misp" ] || { echo "skipped: shared data not found"; return; }
    import "$shared/intel/misp/existing_event.json" "$shared/intel/indicators" \
        "$shared/intel/stix/oasis-examples"
    expect_code 0
    expect_number unreadable 0
    [ "$(number total_indicators)" -gt 870000 ] || fail "too few indicators of the real feeds"
    [ "$(number refused)" -lt 100 ] || fail "too many are refused of the real feeds"
    import "$shared/intel/warninglists"
    expect_number files 8
    expect_number refused 2
    [ "$(number total_exceptions)" -gt 70000 ] || fail "too few exceptions"
    match 5zc.example movieultimate.com 8.8.8.8
    expect_out '"indicator":"movieultimate.com"'
}

cases list_of_values lookups exceptions sources expiry ids folders failures two_at_once real_feeds
finish
