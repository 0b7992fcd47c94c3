#!/bin/sh
# rules_test.sh CANH: canh rules test: cases beside the rules, and references to events elsewhere.
. "$(dirname "$0")/expect.sh"

# A folder with a blank, the rule evil1 in it, and events: lines 2 and 4 make it fire.
pack() {
    mkdir -p 'my rules/tests/evil1' records shared
    (cd 'my rules' && rule evil1 'Evil' high attack.t1059.001)
    here='my rules/tests/evil1'
    for a in good evil1 good evil1 good; do
        echo "{\"a\":\"$a\"}"
    done >records/x.ndjson
}
# refer NAME LINE...: a file of references
refer() {
    target=$here/$1.ref
    shift
    printf '%s\n' "$@" >"$target"
}
try() { run "$canh" rules test -o ndjson 'my rules' "$@"; }
# expect_case STATE [FIRED]: the only case
expect_case() {
    expect_lines 1
    expect_out "\"state\":\"$1\""
    [ $# = 1 ] || expect_out "\"fired\":$2,"
    if [ "$1" = failed ]; then expect_code 1; else expect_code 0; fi
}

beside() {
    pack
    cp records/x.ndjson "$here/positive.ndjson"
    try
    expect_case passed 2
    printf 'positive.ndjson\t3\n' >"$here/expect.tsv"
    try
    expect_case failed 2
    expect_out 'expect.tsv says 3'
    mv "$here/positive.ndjson" "$here/negative.ndjson"
    try
    expect_case failed 2
    expect_out 'fired 2 times, must not'
}

# ./ and ../ start from the folder of the references, wherever the program and --events are
relative() {
    pack
    refer positive ../../../records/x.ndjson
    try
    expect_case passed 2
    try --events shared
    expect_case passed 2
    (cd shared && "$canh" rules test '../my rules') >out
    expect_out '1 passed, 0 failed, 0 skipped'
    run "$canh" rules test "$PWD/my rules"
    expect_out '1 passed, 0 failed, 0 skipped'
    mv records/x.ndjson "$here/x"
    refer positive ./x
    try
    expect_case passed 2
    cp "$here/x" shared/x
    refer positive x
    try --events shared
    expect_case passed 2
    # each line names a file of its own
    echo '{"a":"evil1"}' >"$here/y"
    refer positive './x 1' './y 1'
    try
    expect_case passed 1
}

numbers() {
    pack
    file=../../../records/x.ndjson
    for asked in '4 1' '1-3 1' '1,2,4 2' '1-2,4-5 2' '2-4 2'; do
        refer positive "$file ${asked% *}"
        try
        expect_case passed "${asked#* }"
    done
    refer positive "$file 1 2" '# a comment' '' "$file	4"
    try
    expect_case passed 2
    refer positive "$file 1,3-3"
    try
    expect_case failed 0
    expect_out 'did not fire'
    refer positive "$file 2" "$file 6"
    try
    expect_case failed 1
    expect_out "no such record in: '$file'"
    refer positive "$file 2-4-"
    try
    expect_case failed 0
    expect_out 'this line is not `FILE [MEMBER] RECORDS`'
    rm "$here/positive.ref"
    refer negative "$file 1 3 5"
    try
    expect_case passed 0
    refer negative "$file 1 3-5"
    try
    expect_case failed 1
}

missing() {
    pack
    refer positive ../../../records/x.ndjson ../../../records/nowhere.ndjson
    try
    expect_case failed
    expect_out "this file cannot be read: '../../../records/nowhere.ndjson'"
    refer positive ../../records/x.ndjson
    try
    expect_case failed
    expect_out "this file cannot be read: '../../records/x.ndjson'"
    gzip -c records/x.ndjson | head -c 40 >records/cut.gz
    refer positive ../../../records/x.ndjson ../../../records/cut.gz
    try
    expect_case failed
    expect_out "this file cannot be read: '../../../records/cut.gz'"
}

# What is beside must be whole, also where the record that was asked for is read; captures of others need not
whole() {
    pack
    cp records/x.ndjson records/z.ndjson
    (cd records && tar -cf x.tar x.ndjson z.ndjson && head -c 1560 x.tar >cut.tar)
    printf '[{"a":"evil1"},\n{"a":"ev' >records/cut.json
    refer positive '../../../records/cut.tar x.ndjson 2'
    try
    expect_case failed 1
    expect_out "this file cannot be read: '../../../records/cut.tar'"
    refer positive '../../../records/cut.json 1'
    try
    expect_case failed 1
    expect_out "this file cannot be read whole: '../../../records/cut.json'"
    refer positive 'cut.tar x.ndjson 2' 'cut.json 1'
    try --events records
    expect_case passed 2
}

# Without --events one line that needs it skips the case, not the others
mixed() {
    pack
    cp records/x.ndjson shared/x.ndjson
    refer positive ../../../records/x.ndjson 'x.ndjson 2'
    try
    expect_case skipped 0
    expect_out 'give their folder with --events'
    refer negative '../../../records/x.ndjson 1'
    try
    expect_lines 2
    expect_out '"state":"skipped"'
    expect_out '"state":"passed"'
    rm "$here/negative.ref"
    try --events shared
    expect_case passed 3
    for file in ../records/x.ndjson ./x.ndjson; do
        refer positive "$file"
        try --events shared
        expect_case failed
        expect_out "this file cannot be read: '$file'"
    done
    refer positive /../records/x.ndjson
    try
    expect_case skipped 0
    try --events shared
    expect_case passed 2
}

# A blank ends FILE; what is between it and the numbers is the member as it is, quoting and all
blanks() {
    pack
    mkdir 'a b'
    mv records/x.ndjson 'a b/x 1 y.ndjson'
    tar -cf records/x.tar 'a b'
    refer positive '../../../records/x.tar a b/x 1 y.ndjson 2'
    try
    expect_case passed 1
    refer positive '../../../records/x.tar	 a b/x 1 y.ndjson'
    try
    expect_case passed 2
    for member in '"a b/x 1 y.ndjson"' 'a\ b/x\ 1\ y.ndjson' 'a'; do
        refer positive "../../../records/x.tar $member 2"
        try
        expect_case failed 0
        expect_out "no such record in: '../../../records/x.tar'"
    done
    refer positive '../../../a\ b/x\ 1\ y.ndjson 2'
    try
    expect_case failed 0
    expect_out "this file cannot be read: '../../../a"
}

cases beside relative numbers missing whole mixed blanks
finish
