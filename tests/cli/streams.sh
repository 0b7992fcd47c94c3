#!/bin/sh
# streams.sh CANH: the command line, standard streams, exit codes, and the forms of findings with
# hostile values in them.
. "$(dirname "$0")/expect.sh"
ulimit -t 120

rule evil1 'Evil' high attack.t1059.001
echo '{"a":"evil1"}' >good.ndjson
detect() { run "$canh" detect --rules "$home/evil1.yml" "$@"; }

usage_errors() {
    cp "$home/good.ndjson" .
    while IFS='|' read -r options message; do
        # shellcheck disable=SC2086
        detect $options good.ndjson
        expect_code 2
        expect_lines 0
        expect_error "$message"
    done <<'EOF'
--threads 0|--threads cannot be "0": it is a whole number from 1 to
--threads 65|it is a whole number from 1 to 64
--threads -1|it is a whole number
--threads 99999999999999999999|it is a whole number
--threads 2x|it is a whole number
--format foo|--format foo is not known
--fromat json|did you mean --format?
--timezone +99:00|is not a time zone
--timezone ../../etc/passwd|is not a time zone
--source a/b/c/d|more than three parts
--fail-level evil|it is one of informational|
--routing maybe|it is one of on|off
-o xml|it is one of auto|
--lang fr|it is one of vi|en
--output|cannot be "good.ndjson"
EOF
    run "$canh" detect good.ndjson
    expect_code 2
    expect_error '--rules PATH'
    run "$canh" detect --rules
    expect_code 2
    expect_error '--rules needs a value'
    run "$canh" dtect
    expect_code 2
    expect_error "did you mean 'detect'?"
    run "$canh"
    expect_code 2
    run "$canh" --help
    expect_code 0
    expect_out 'detect'
    mkdir empty
    run "$canh" detect --rules empty good.ndjson
    expect_code 2
    expect_error 'no usable rule was found'
}

operating_failures() {
    cp "$home/good.ndjson" .
    detect --timezone Mars/Phobos good.ndjson
    [ "$code" = 2 ] || expect_code 3
    expect_error 'Mars/Phobos'
    detect --mappings nowhere good.ndjson
    expect_code 3
    expect_error 'nowhere: No such file or directory'
    echo 'key: [x' >mapping
    detect --mappings mapping good.ndjson
    expect_code 3
    expect_error 'mapping'
    detect --placeholders nowhere good.ndjson
    expect_code 3
    run "$canh" detect --rules nowhere good.ndjson
    expect_code 3
    expect_error 'nowhere: No such file or directory'
}

# What cannot be read is said, what can be read is judged, and the exit says that something was missing.
unreadable_inputs() {
    cp "$home/good.ndjson" .
    mkdir empty folder
    ln -s nowhere folder/link.ndjson
    ln -s . folder/round
    cp good.ndjson folder/
    detect nowhere good.ndjson
    expect_code 3
    expect_lines 1
    expect_error 'canh: nowhere: No such file or directory'
    detect empty good.ndjson
    expect_code 3
    expect_lines 1
    detect folder
    expect_code 3
    expect_lines 1
    expect_error 'folder/link.ndjson: No such file or directory'
    if [ "$(id -u)" = 0 ]; then
        echo "left out: a file without the right to read it (run as root, who may; a dangling link is tried)"
    else
        cp good.ndjson secret.ndjson
        chmod 0 secret.ndjson
        detect secret.ndjson good.ndjson
        expect_code 3
        expect_lines 1
        expect_error 'secret.ndjson: Permission denied'
    fi
    : >nothing
    detect nothing good.ndjson
    expect_code 0
    expect_lines 1
    detect nothing
    expect_code 0
    expect_lines 0
    printf '\n\n  \n' >blank.ndjson
    detect --format json blank.ndjson
    expect_code 0
    expect_lines 0
    head -c 5000 /dev/urandom >logs.bin
    mkdir logs
    mv logs.bin good.ndjson logs
    detect --stats logs
    expect_code 0
    expect_lines 1
    expect_figure passed_over 1
    expect_error '1 files were passed over'
}

standard_streams() {
    i=0
    while [ $i -lt 20000 ]; do
        echo '{"time":"2026-11-22T10:00:00Z","a":"evil1","b":"text that takes room"}'
        i=$((i + 1))
    done >x.ndjson
    for command in "detect --rules $home/evil1.yml x.ndjson" "detect --rules $home/evil1.yml -o html x.ndjson" \
        "detect --rules $home/evil1.yml --threads 4 x.ndjson" "detect --rules $home/evil1.yml -o table $home/good.ndjson" \
        "rules list $home/evil1.yml" "rules coverage $home/evil1.yml" "version" "--help" "detect --help"; do
        if [ -w /dev/full ]; then
            # shellcheck disable=SC2086
            "$canh" $command >/dev/full 2>errors
            code=$?
            expect_code 3
            expect_error 'No space left on device'
        fi
        # shellcheck disable=SC2086
        "$canh" $command >&- 2>errors
        code=$?
        expect_code 3
    done
    for options in '' '--threads 4' '-o csv' '-o html' '-o table'; do
        # shellcheck disable=SC2086
        { "$canh" detect --rules "$home/evil1.yml" $options x.ndjson 2>errors; echo $? >code; } | head -n 1 >out
        code=$(cat code)
        expect_code 0
        [ ! -s errors ] || fail "a closed pipe was not taken quietly: $options"
    done
    "$canh" detect --rules "$home/evil1.yml" - <&- >out 2>errors
    code=$?
    expect_code 3
    expect_error 'Bad file descriptor'
    "$canh" detect --rules "$home/evil1.yml" x.ndjson <&- >out 2>&-
    code=$?
    expect_code 0
    expect_lines 20000
    # the standard input gives what the file gives, in whatever pieces it comes
    sed 's/"file":"x.ndjson"/"file":"-"/' out >plain
    "$canh" detect --rules "$home/evil1.yml" - <x.ndjson >out 2>errors
    cmp -s plain out || fail "the standard input gives something else"
    "$canh" detect --rules "$home/evil1.yml" <x.ndjson >out 2>errors
    cmp -s plain out || fail "without a path something else is found"
    dd if=x.ndjson bs=777 2>/dev/null | "$canh" detect --rules "$home/evil1.yml" --threads 3 - >out 2>errors
    cmp -s plain out || fail "a pipe in small pieces gives something else"
}

exit_codes() {
    printf '{"a":"evil1"}\n{"a":\n' >x.ndjson
    detect x.ndjson
    expect_code 0
    detect --strict x.ndjson
    expect_code 1
    for level in informational low medium high; do
        detect --fail-level $level x.ndjson
        expect_code 1
    done
    detect --fail-level critical x.ndjson
    expect_code 0
    detect --fail-level low --strict x.ndjson nowhere
    expect_code 3
    echo '{"a":"x"}' >none.ndjson
    detect --fail-level low --strict none.ndjson
    expect_code 0
}

# Values of events in every form of output: they are the attacker's.
hostile_values() {
    cat >x.ndjson <<'EOF'
{"a":"evil1","b":"<script>alert(1)</script>","Computer":"<img src=x onerror=alert(2)>"}
{"a":"evil1","b":"\"quoted\", with comma\r\nand line","Computer":"&amp;"}
{"a":"evil1","b":"=HYPERLINK(\"x\")","Computer":"'><svg onload=1>"}
{"a":"evil1","b":"\u001b[2J\u0007\u0000\u202e","Computer":"\u001b]0;x\u0007"}
EOF
    cp x.ndjson '<b>name.ndjson'
    sed 's/a: evil1/a: evil1\n        b|exists: true/; s/title: Evil/title: "<i>Evil<\/i>"/' "$home/evil1.yml" >rule.yml
    run "$canh" detect --rules rule.yml -o html x.ndjson '<b>name.ndjson'
    expect_code 0
    expect_out '&lt;script&gt;'
    for tag in '<script' '<img' '<svg' '<b>name' '<i>'; do
        expect_no_out "$tag"
    done
    tail -n 1 out | grep -q '</html>' || fail "the page does not end"
    grep -q "$(printf '\033')" out && fail "an escape in the page"
    run "$canh" detect --rules rule.yml -o html --lang vi x.ndjson
    expect_no_out '<script'
    expect_out 'lang=vi'
    run "$canh" detect --rules rule.yml -o table x.ndjson
    [ "$(sed '/^$/,$d' out | wc -l)" = 5 ] || fail "a value breaks a row of the table"
    grep -q "$(printf '[\033\007]')" out && fail "the table lets control characters through"
    run "$canh" detect --rules rule.yml -o ndjson x.ndjson
    expect_lines 4
    expect_out '\u001b[2J'
    run "$canh" detect --rules rule.yml -o csv x.ndjson
    if command -v python3 >/dev/null; then
        python3 -c 'import csv, sys
rows = list(csv.reader(open("out", newline=""), strict=True))
sys.exit(0 if len(rows) == 5 and len({len(row) for row in rows}) == 1 else 1)' || fail "the CSV is not well-formed"
    fi
    grep -q ',=HYPERLINK' out && fail "a formula begins a cell"
    run "$canh" detect --rules rule.yml -o ndjson x.ndjson
    if command -v python3 >/dev/null; then
        python3 -c 'import json
for line in open("out", encoding="utf-8"): json.loads(line)' || fail "a line is no JSON"
    fi
}

colours_and_language() {
    cp "$home/good.ndjson" .
    detect --lang vi nowhere good.ndjson
    expect_code 3
    detect --lang vi -o table good.ndjson
    expect_out 'cao'
    LANG=vi_VN.UTF-8 "$canh" detect --rules "$home/evil1.yml" -o table good.ndjson >out 2>errors
    expect_out 'cao'
    LANG=vi_VN.UTF-8 "$canh" --help >out
    expect_out 'canh gác'
    script -qec true /dev/null >/dev/null 2>&1 </dev/null || { echo "left out: no pseudo-terminal can be had (script)"; return; }
    script -qec "'$canh' detect --rules '$home/evil1.yml' good.ndjson" /dev/null >out 2>&1 </dev/null
    grep -q "$(printf '\033')" out || fail "no colour on a terminal"
    NO_COLOR=1 script -qec "'$canh' detect --rules '$home/evil1.yml' good.ndjson" /dev/null >out 2>&1 </dev/null
    grep -q "$(printf '\033')" out && fail "a colour in spite of NO_COLOR"
    expect_out 'Evil'
}

# Paths in the order they were given, files of a folder by name, lines in order
order() {
    mkdir folder
    for name in b a c; do
        printf '{"a":"evil1"}\n{"a":"x"}\n{"a":"evil1"}\n' >folder/$name.ndjson
        cp folder/$name.ndjson .
    done
    for threads in 1 8; do
        detect --threads $threads c.ndjson folder a.ndjson
        sed -n 's/.*"file":"\([^"]*\)","line":\([0-9]*\),.*/\1:\2/p' out | tr '\n' ' ' >now
        echo 'c.ndjson:1 c.ndjson:3 folder/a.ndjson:1 folder/a.ndjson:3 folder/b.ndjson:1 folder/b.ndjson:3' \
            'folder/c.ndjson:1 folder/c.ndjson:3 a.ndjson:1 a.ndjson:3 ' | tr -d '\n' | cmp -s - now || fail "order with $threads threads"
    done
}

cases usage_errors operating_failures unreadable_inputs standard_streams exit_codes hostile_values \
    colours_and_language order
finish
