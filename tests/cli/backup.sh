#!/bin/sh
# backup.sh CANH SOURCE: canh backup under load, canh restore on a second folder, what was damaged.
. "$(dirname "$0")/node.sh"

events() {
    n=1
    while [ $n -le 20 ]; do
        printf '{"@timestamp":"2026-11-22T08:00:%02dZ","number":%d}\n' $n $n
        n=$((n + 1))
    done
}

has_units() { "$canh" unit list 2>/dev/null | grep -q u1; }
under_load() {
    node_config "sources:" "  - name: s1" "    format: json"
    node_start || return
    events >a.ndjson
    run "$canh" import --source s1 a.ndjson
    expect_code 0
    expect_out '"events":20'
    run "$canh" import --source s1 --rules . a.ndjson
    expect_code 2
    (
        n=0
        while [ ! -e enough ] && [ $n -lt 500 ]; do
            n=$((n + 1))
            "$canh" unit add "u$n" --title "Unit $n" -q >/dev/null || echo failed >>load
        done
    ) 2>load-errors &
    load=$!
    until_true has_units || fail "no unit was added"
    run "$canh" backup copy --passphrase-file phrase -o table
    expect_code 0
    expect_out 'passphrase'
    touch enough
    wait $load
    [ ! -e load ] || fail "commands failed during the backup"
    run "$canh" unit list
    cp out all
    node_stop
    [ -z "$(ls data/backup)" ] || fail "the backup is still in the data folder, too"
    (cd copy && sha256sum -c --quiet MANIFEST) || fail "MANIFEST"
    run "$canh" restore copy --data second --passphrase-file phrase
    expect_code 0
    expect_out '"epoch":2'
    expect_out '"store_epoch":2'
    run "$canh" unit list --data second
    [ -s out ] || fail "no unit was restored"
    while read -r line; do
        grep -q -x -F "$line" all || fail "a restored row is not one of the node's: $line"
    done <out
    run "$canh" audit verify --data second
    expect_code 0
    run "$canh" audit list -n 1 --data second
    expect_out 'restored from the backup'
    run "$canh" verify --data second
    expect_code 0
    run "$canh" search --data second '* | stats count()'
    expect_out '{"count()":20}'
    run "$canh" unit add after --title "After" --data second
    expect_code 0
    diff -r data/rules second/rules || fail "the rules are not restored"
    for file in second/keys/*.key; do
        [ "$(stat -c %a "$file")" = 600 ] || fail "$file can be read by others"
        cmp -s "$file" "data/keys/${file##*/}" || fail "$file is another key"
    done
}

without_a_daemon() {
    node_config
    "$canh" unit add it --title A -q >/dev/null || fail "unit add"
    run "$canh" backup copy --passphrase-file phrase
    expect_code 0
    run "$canh" restore copy --data second --passphrase-file phrase
    expect_code 0
    run "$canh" unit list --data second
    expect_lines 1
    sed -i "s|$PWD/data|$PWD/second|" "$CANH_CONFIG"
    node_start
    run "$canh" unit list -v
    expect_error 'socket'
    expect_lines 1
    node_stop
}

what_is_wrong_is_said() {
    node_config
    "$canh" unit add it --title A -q >/dev/null || fail "unit add"
    mkdir used
    echo something >used/file
    run "$canh" backup used --passphrase-file phrase
    expect_code 3
    expect_error 'not empty'
    run "$canh" backup --passphrase-file phrase
    expect_code 2
    echo short >weak
    chmod 600 weak
    run "$canh" backup copy --passphrase-file weak
    expect_code 2
    [ ! -e copy ] || fail "a refused backup left a folder"
    run "$canh" backup copy --passphrase-file phrase
    expect_code 0
    ! grep -r -q 'PRIVATE KEY' copy || fail "a key stands in the backup in clear"
    run "$canh" restore copy --passphrase-file phrase
    expect_code 2
    run "$canh" restore copy --data data --passphrase-file phrase
    expect_code 3
    expect_error 'not empty'
    echo 'another pass phrase' >other
    chmod 600 other
    run "$canh" restore copy --data second --passphrase-file other
    expect_code 2
    expect_error 'passphrase is wrong'
    [ ! -e second ] || fail "a refused restore left a folder"
    for file in state/state.db keys.canh private/credentials.db; do
        cp -a copy damaged
        printf x >>"damaged/$file"
        run "$canh" restore damaged --data second --passphrase-file phrase
        expect_code 3
        expect_error "$file"
        rm -rf damaged
    done
    cp -a copy damaged
    echo more >damaged/more
    run "$canh" restore damaged --data second --passphrase-file phrase
    expect_code 3
    rm damaged/more damaged/keys.canh
    run "$canh" restore damaged --data second --passphrase-file phrase
    expect_code 3
    rm damaged/MANIFEST
    run "$canh" restore damaged --data second --passphrase-file phrase
    expect_code 3
    expect_error 'no finished backup'
    sed 's|  state/|  ../|' copy/MANIFEST >damaged/MANIFEST
    run "$canh" restore damaged --data second --passphrase-file phrase
    expect_code 3
}

rules_are_part_of_it() {
    node_config "sources:" "  - name: s1" "    format: json" "    category: test"
    node_start || return
    mkdir acme
    printf 'title: Kept\nid: 22222222-2222-4222-8222-222222222222\nstatus: stable\nlevel: high\n' \
        >acme/kept.yml
    printf 'logsource: {category: test}\ndetection: {s: {a: kept}, condition: s}\n' >>acme/kept.yml
    run "$canh" rules update acme --enable --days 0
    expect_code 0
    version=$(sed -n 's/^version //p' out)
    run "$canh" backup copy --passphrase-file phrase
    expect_code 0
    [ -e "copy/rules/$version.bundle" ] || fail "the version is not in the backup"
    grep -q "  rules/$version.bundle" copy/MANIFEST || fail "MANIFEST does not name it"
    node_stop
    run "$canh" restore copy --data second --passphrase-file phrase
    expect_code 0
    sed -i "s|$PWD/data|$PWD/second|" "$CANH_CONFIG"
    node_start || return
    run "$canh" rules versions -o ndjson
    expect_out "\"version\":\"$version\",\"active\":true"
    echo '{"a":"kept"}' >kept.ndjson
    run "$canh" import --source s1 kept.ndjson
    expect_code 0
    run "$canh" search --partition _findings 'rule.title:Kept' -o ndjson
    expect_lines 1
    node_stop
}

cases under_load without_a_daemon rules_are_part_of_it what_is_wrong_is_said
finish
