#!/bin/sh
# caps.sh CANH: hostile events are stored within the memory that is named below, and every one is
# found again: many and long field names, depth, shapes, contexts, large events and values.
. "$(dirname "$0")/expect.sh"
unset CANH_CONFIG
export CANH_STORE_RESERVE_BYTES=0
ulimit -t 250

IMPORT_BYTES_MAX=512000000
grep -q __asan_init "$canh" && IMPORT_BYTES_MAX=3000000000

# stored EVENTS FILES...: imported, nothing refused, in bounds, whole
stored() {
    events=$1
    shift
    run "$canh" import --data store --stats -q "$@"
    expect_code 0
    expect_figure events "$events"
    expect_figure refused 0
    peak=$(figure peak_rss_bytes)
    [ "${peak:-$IMPORT_BYTES_MAX}" -lt $IMPORT_BYTES_MAX ] || fail "peak of memory: $peak"
    run "$canh" verify --data store
    expect_code 0
    run "$canh" search --data store -o ndjson '* | stats count()'
    expect_code 0
    expect_out ":$events}"
}

# found QUERY ROWS
found() {
    run "$canh" search --data store -o ndjson "$1"
    expect_code 0
    expect_lines "$2"
}

many_names() { # 1,000 new ones an event
    awk 'BEGIN { for (e = 0; e < 1000; e++) {
        printf "{\"n\":%d", e
        for (i = 0; i < 1000; i++) printf ",\"f%d_%d\":%d", e, i, e + i
        print "}" } }' >e.ndjson
    stored 1000 e.ndjson
    found 'f0_5:5' 1
    found 'f999_7:1006' 1
    found 'f999_7:1007' 0
}

long_names() { # nearly 4 KB each, all distinct
    awk 'BEGIN { for (i = 0; i < 4000; i++) p = p "x"
        for (e = 0; e < 5000; e++) printf "{\"n\":%d,\"%s%d\":\"v%d\"}\n", e, p, e, e }' >e.ndjson
    stored 5000 e.ndjson
    found v4999 1
    found 'n:17' 1
}

deep_objects() { # 63 objects in another
    awk 'BEGIN { for (e = 0; e < 4000; e++) {
        printf "{\"n\":%d,\"k\":", e
        for (i = 0; i < 62; i++) printf "{\"d%d_%d\":", e, i
        printf "\"v%d\"", e
        for (i = 0; i < 63; i++) printf "}"
        print "" } }' >e.ndjson
    stored 4000 e.ndjson
    found 'n:3999' 1
}

many_shapes() { # each event has other fields than all before
    awk 'BEGIN { for (e = 0; e < 100000; e++) {
        printf "{\"n\":%d", e
        for (b = 0; b < 17; b++) if (int(e / 2 ^ b) % 2) printf ",\"b%d\":1", b
        print "}" } }' >e.ndjson
    stored 100000 e.ndjson
    found 'n:99999' 1
    found 'b16:1 AND n:99998' 1
}

many_contexts() { # an event a file
    mkdir files
    awk 'BEGIN { for (i = 0; i < 66000; i++) {
        f = "files/" i ".ndjson"
        printf "{\"n\":%d}\n", i > f
        close(f) } }'
    stored 66000 files
    found 'n:65999' 1
}

large_events() { # just below 16 MB
    awk 'BEGIN { for (i = 0; i < 999; i++) v = v "0123456789abcde "
        for (e = 0; e < 6; e++) {
            printf "{\"n\":%d,\"v\":\"", e
            for (i = 0; i < 1000; i++) printf "%s", v
            print "\"}" } }' >e.ndjson
    stored 6 e.ndjson
    found 'n:5 | fields n' 1
}

large_values() { # 1 MB each, nothing in them repeats
    head -c 90000000 /dev/urandom | base64 -w 1000000 | awk 'length($0) == 1000000 {
        printf "{\"n\":%d,\"v\":\"%s\"}\n", ++n, $0 }' >e.ndjson
    stored 120 e.ndjson
    found 'n:120 | fields n' 1
}

cases many_names long_names deep_objects many_shapes many_contexts large_events large_values
finish
