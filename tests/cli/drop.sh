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
    wait_for 'one.json: processed: 2 events stored, 0 records refused, 1 findings' ||
        fail 'it is not told what became of one.json'
    lines 7 7 >drop/one.json
    node_own drop
    wait_moved processed/one.json.1
    expect_count 7 '_source:usb n:>0'
    run node_cli audit list -o ndjson
    expect_out 'one.json: processed'
    expect_out 'broken.zip: failed'
    expect_stop
}

# grows NAME: six lines, one every second; false when this machine held us up for so long between
# two that the file did stand still
STILL_MS=1900
grows() {
    changed=$(date +%s%3N)
    for part in 1 2 3 4 5 6; do
        lines $part $part "$1" >>"drop/$1.json"
        if [ $(($(date +%s%3N) - changed)) -ge $STILL_MS ]; then
            echo "$1.json stood still for too long, once more"
            return 1
        fi
        changed=$(date +%s%3N)
        node_own drop
        [ -e "drop/$1.json" ] || fail 'it was taken while it grew'
        sleep 1
    done
}

nothing_waits() { [ -z "$(find drop -maxdepth 1 -type f)" ]; }
# One that grows is left alone; one that is all holes does no harm.
what_grows_waits() {
    settings
    node_start
    for name in first second third fourth last; do
        grows $name && break
    done
    wait_moved "processed/$name.json"
    expect_count 6 "_source:usb a:$name"
    until_true nothing_waits || fail "left alone: $(ls drop)"
    stored=$(count '_source:usb n:>0')
    truncate -s 200G drop/holes.json
    node_own drop
    lines 7 7 >drop/zlast.json
    wait_moved failed/holes.json
    wait_moved processed/zlast.json
    expect_count $((stored + 1)) '_source:usb n:>0'
    expect_stop
}

begun_or_done() { role_runs reader || [ -e "drop/processed/$1.json" ]; }
# killed_while_read VICTIM NAME LINES: false when the reader was through before
killed_while_read() {
    lines 1 "$3" "$2" >"$2.json"
    mv "$2.json" drop/
    node_own drop
    until_true begun_or_done "$2"
    if [ "$1" = node ]; then
        node_kill
        node_start
    else
        role_kill "$1"
    fi
}

whoever_is_killed() {
    settings
    node_start
    for victim in reader engine node; do
        for try in 1 2 3 4 5; do
            code=0
            killed_while_read $victim $victim$try $((LINES * try)) || code=1
            wait_moved processed/$victim$try.json
            expect_count $((LINES * try)) "a:$victim$try"
            [ $code = 1 ] || break
        done
        [ $code = 0 ] || fail "$victim was not there any more"
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
    find . -name '*.evtx' -exec cp {} windows.evtx.new \;
    mv windows.evtx.new windows.evtx
    zip -q packed.zip windows.evtx 2>/dev/null
    records=$("$canh" detect --rules rules --routing off --stats windows.evtx 2>&1 >/dev/null |
        sed -n 's/.*"events":\([0-9]*\).*/\1/p' | tail -n 1)
    mv windows.evtx drop/
    [ ! -e packed.zip ] || mv packed.zip drop/
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
