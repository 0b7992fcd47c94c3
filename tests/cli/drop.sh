#!/bin/sh
# drop.sh CANH SOURCE: files that are put into a drop folder are imported once and moved away,
# whatever they are and whoever is killed.
. "$(dirname "$0")/expect.sh"
source_folder=$2
export CANH_STORE_RESERVE_BYTES=0
. "$(dirname "$0")/node_life.sh"
LINES=100000 # of a file whose reader is killed
shared=${CANH_SHARED:-$source_folder/../shared}

settings() {
    mkdir -p drop
    rule_seen
    cat >canh.yaml <<END
web: {listen: "none"}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: usb, category: test, drop: "$PWD/drop"}
END
    chmod 0755 drop
}
# wait_moved PATH: until it is there
wait_moved() {
    until_true test -e "drop/$1" || fail "drop/$1 is not there: $(ls -R drop; tail -n 3 log)"
}

of_every_kind() {
    settings
    node_start
    printf '{"a":"hit","n":1}\n{"a":"miss","n":2}\n' >drop/one.json
    printf 'a,n\nhit,3\nmiss,4\n' >'drop/two
lines.csv'
    lines 5 6 >inside.json
    gzip -c inside.json >drop/three.json.gz
    printf '\000\001\002\003 no format at all\377\376' >drop/broken.bin
    printf 'PK\003\004 cut off' >drop/broken.zip
    : >drop/.hidden.json
    ln -s "$PWD/inside.json" drop/link.json
    ln inside.json drop/second_name.json
    mkdir drop/folder
    node_own drop
    for name in one.json 'two
lines.csv' three.json.gz; do
        wait_moved "processed/$name"
    done
    wait_moved failed/broken.zip
    expect_count 6 '_source:usb n:>0'
    expect_count 2 -p _findings '*'
    [ -L drop/link.json ] && [ -e drop/second_name.json ] && [ -e drop/.hidden.json ] ||
        fail "links and hidden files were taken: $(ls -la drop)"
    expect_log 'one.json: processed: 2 events stored, 0 records refused, 1 findings'
    lines 7 7 >drop/one.json
    node_own drop
    wait_moved processed/one.json.1
    expect_count 7 '_source:usb n:>0'
    run node_cli audit list -o ndjson
    expect_out 'one.json: processed'
    expect_out 'broken.zip: failed'
    expect_stop
}

# One that grows is left alone; one that is all holes does no harm.
what_grows_waits() {
    settings
    node_start
    for part in 1 2 3 4 5 6; do
        lines $part $part >>drop/grows.json
        node_own drop
        [ -e drop/grows.json ] || fail 'it was taken while it grew'
        sleep 1
    done
    wait_moved processed/grows.json
    expect_count 6 '_source:usb n:>0'
    truncate -s 200G drop/holes.json
    node_own drop
    lines 7 7 >drop/zlast.json
    wait_moved failed/holes.json
    wait_moved processed/zlast.json
    expect_count 7 '_source:usb n:>0'
    expect_stop
}

whoever_is_killed() {
    settings
    node_start
    for victim in reader engine node; do
        lines 1 $LINES | sed "s/miss/$victim/" >$victim.json
        mv $victim.json drop/
        node_own drop
        until_true role_runs reader
        case $victim in
        node)
            node_kill
            node_start
            ;;
        *) role_kill $victim || fail "$victim was not there any more" ;;
        esac
        wait_moved processed/$victim.json
        expect_count $LINES "a:$victim"
    done
    expect_stop
}

whose_folder_is_open_to_all_is_told() {
    settings
    chmod 0777 drop
    lines 1 1 >drop/one.json
    node_start
    wait_for 'not writable for others' || fail 'it was not told'
    sleep 3
    [ -e drop/one.json ] || fail 'it was taken'
    chmod 0755 drop
    wait_moved processed/one.json
    node_stop
}

evtx_comes_through_the_sandbox() {
    archive="$shared/events/evtx-mitre-dev.tar.zst"
    if [ ! -f "$archive" ] || ! command -v zstd >/dev/null; then
        echo "skipped: shared data not found"
        return
    fi
    tar --zstd -xf "$archive" --wildcards '*ID33205-SQL Server failed login with disabled SA*'
    settings
    sed -i 's/category: test, //' canh.yaml
    node_start
    find . -name '*.evtx' -not -path './drop/*' -exec cp {} drop/windows.evtx \;
    zip -q drop/packed.zip drop/windows.evtx 2>/dev/null
    records=$("$canh" detect --rules rules --routing off --stats drop/windows.evtx 2>&1 >/dev/null |
        sed -n 's/.*"events":\([0-9]*\).*/\1/p' | tail -n 1)
    node_own drop
    wait_moved processed/windows.evtx
    expect_count "$records" '_source:usb _file:*drop/windows.evtx'
    if command -v zip >/dev/null; then
        wait_moved processed/packed.zip
        expect_count $((2 * records)) '_source:usb'
    fi
    expect_stop
}
cases of_every_kind what_grows_waits whoever_is_killed whose_folder_is_open_to_all_is_told \
    evtx_comes_through_the_sandbox
finish
