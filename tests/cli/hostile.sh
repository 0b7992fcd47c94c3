#!/bin/sh
# hostile.sh CANH: bad records and bad rules. Each is refused, counted and named with file and line,
# what stands around it is still judged, and neither memory nor time runs away.
. "$(dirname "$0")/expect.sh"
ulimit -t 120

rule evil1 'Evil' high attack.t1059.001
evil='{"a":"evil1"}'

# again COUNT TEXT: TEXT again and again, in one line without its end
again() { yes "$2" | head -n "$1" | tr -d '\n'; }
bytes() { head -c "$1" /dev/zero | tr '\0' "$2"; }
detect() { run "$canh" detect --rules "$home/evil1.yml" --stats "$@"; }
# refused COUNT, LINE of the first
expect_refused() {
    expect_figure refused "$1"
    shift
    for line in "$@"; do
        expect_error ":$line: "
    done
}

truncated_records() {
    printf '%s\n' "$evil" '{"a":"evil1"' "$evil" '{"a":"evil1","b":"' '{"a":' '{' "$evil" '{"a":"evil1","b":tr' >x.ndjson
    detect x.ndjson
    expect_code 0
    expect_found 1 3 7
    expect_refused 5 2 4 5 6 8
    run "$canh" detect --rules "$home/evil1.yml" --strict x.ndjson
    expect_code 1
    expect_found 1 3 7
}

not_json() {
    printf '%s\n' "$evil" 'not json' '[1,2]' '42' '<a/>' '{"a":"evil1"}}' '{"a":"evil1"}{"a":"evil1"}' "$evil" >x.ndjson
    detect --format json x.ndjson
    expect_code 0
    expect_refused 6 2 3 4 5 6 7
    expect_found 1 8
}

binary_records() {
    { echo "$evil"; head -c 20000 /dev/urandom | tr -d '\n{['; echo; echo "$evil"; } >x.ndjson
    detect --format json x.ndjson
    expect_code 0
    expect_found 1 3
    expect_refused 1 2
}

invalid_utf8() {
    { echo "$evil"; printf '{"a":"evil1","b":"\377\376"}\n{"a":"evil1","b":"\355\240\200"}\n'
      printf '{"a":"evil1","b":"\300\257"}\n'; echo "$evil"; } >x.ndjson
    detect x.ndjson
    expect_found 1 5
    expect_refused 3 2 3 4
    expect_error 'UTF-8'
}

# One byte in a log must not hide the rest of the file, also when the file was found in a folder.
nul_bytes() {
    mkdir logs
    { echo "$evil"; printf '{"a":"evil1","b":"\000"}\n'; echo "$evil"; } >logs/x.ndjson
    detect logs/x.ndjson
    expect_code 0
    expect_found 1 3
    expect_refused 1 2
    detect logs
    expect_found 1 3
    detect --format json logs
    expect_found 1 3
    printf '<13>Nov 22 10:00:00 host app: a\000b\n<13>Nov 22 10:00:01 host app: c\n' >x.log
    detect x.log
    expect_figure events 2
}

duplicate_keys() {
    printf '%s\n' '{"a":"x","a":"evil1"}' '{"a":"evil1","a":"x"}' >x.ndjson
    detect x.ndjson
    expect_found 1 2
    expect_figure refused 0
}

long_numbers() {
    { printf '{"a":"evil1","n":'; bytes 4000 9; echo '}'
      printf '{"a":"evil1","n":-'; bytes 4000 9; printf .; bytes 4000 9; printf 'e'; bytes 4000 9; echo '}'; } >x.ndjson
    sed 's/a: evil1/n|gt: 5/' "$home/evil1.yml" >number.yml
    detect x.ndjson
    expect_code 0
    expect_found 1 2
    run "$canh" detect --rules number.yml x.ndjson
    expect_code 0
}

many_fields_and_long_names() {
    { echo "$evil"
      printf '{'; seq -f '"f%.0f":1,' 20000 | tr -d '\n'; echo '"a":"evil1"}'
      printf '{"'; bytes 100000 n; echo '":1,"a":"evil1"}'
      echo "$evil"; } >x.ndjson
    detect x.ndjson
    expect_found 1 4
    expect_refused 2 2 3
    expect_memory
}

deep_nesting() {
    { echo "$evil"
      again 10000 '{"a":'; printf '"evil1"'; again 10000 '}'; echo
      printf '{"a":'; again 10000 '['; again 10000 ']'; echo '}'
      again 10000 '{"a":'; echo
      again 10000 '['; echo
      again 63 '{"a":'; printf '"x"'; again 63 '}'; echo
      echo "$evil"; } >x.ndjson
    detect x.ndjson
    expect_code 0
    expect_found 1 7
    expect_refused 3 2 3 4
    expect_figure events 3 # line 5 belongs to the broken value of line 4
    expect_memory
}

# LINE of 100 MB as its format has it, between two good ones
line_of_100_mb() {
    { echo "$evil"; printf '{"a":"evil1","b":"'; bytes 100000000 x; printf '"}\n'; echo "$evil"; } >x.ndjson
    detect x.ndjson
    expect_code 0
    expect_found 1 3
    expect_refused 1 2
    expect_memory
    detect - <x.ndjson
    "$canh" detect --rules "$home/evil1.yml" --stats - <x.ndjson >out 2>errors
    expect_found 1 3
    expect_refused 1 2
    expect_memory
    "$canh" detect --rules "$home/evil1.yml" --stats --threads 4 x.ndjson >out 2>errors
    expect_memory
    rm x.ndjson
    { echo '<13>Nov 22 10:00:00 host app: one'; bytes 100000000 x; echo; echo '<13>Nov 22 10:00:00 host app: two'; } >x.log
    detect --format syslog x.log
    expect_refused 1 2
    expect_figure events 2
    expect_memory
    { echo 'a,b'; echo 'evil1,1'; bytes 50000000 ,; echo; echo 'evil1,2'; } >x.csv
    detect --format csv x.csv
    expect_found 2 4
    expect_refused 1 3
    expect_error 'x.csv:3: the row is longer than a record may be'
    expect_memory
}

# Every line begins what no later line ends: the time stays in proportion to the size.
begun_again_and_again() {
    ulimit -t 60
    while IFS=' ' read -r format line; do
        { echo 'a,b'; yes "$line" | head -c 4000000; } >"x.$format"
        detect --format "$format" "x.$format"
        expect_code 0
        [ "$(figure refused)" -gt 0 ] || fail "nothing of $line is refused"
        expect_memory
    done <<'EOF'
csv x,"a
json {"a":"
json {"a":[
json [{"a":
winxml <Event>
winxml <Event><!-- x
EOF
}

# What never ends: no line end, brackets, an open string, an open array
endless() {
    for one in x '[' '{' '"' ' '; do
        bytes 40000000 "$one" >x.ndjson
        detect --format json x.ndjson
        expect_code 0
        expect_lines 0
        expect_memory
    done
    { printf '['; yes '{"a":"evil1","b":"'$(bytes 1000 x)'"},' | head -c 20000000; } >x.json
    detect x.json
    expect_code 0
    expect_figure refused 2
    expect_error 'the file ends inside of a JSON array'
    expect_memory
}

# A long value in many findings is cut: neither memory nor the output is a multiple of it.
long_value_in_many_findings() {
    mkdir rules
    for number in $(seq 100 160); do
        sed "s/a: evil1/a|contains: evil1/; s/^id: .*/id: 00000000-0000-4000-8000-000000000$number/" \
            "$home/evil1.yml" >rules/$number.yml
    done
    { printf '{"a":"evil1'; bytes 15000000 x; echo '"}'; printf '{"a":"evil1'; again 4000000 'ế'; echo '"}'; } >x.ndjson
    for threads in 1 4; do
        run "$canh" detect --rules rules --stats --threads $threads x.ndjson
        expect_code 0
        expect_lines 122
        [ "$(grep -c '"cut":true}$' out)" = 122 ] || fail "not all findings say that a value is cut"
        [ "$(wc -c <out)" -lt 20000000 ] || fail "long values are not cut"
        iconv -f UTF-8 -t UTF-16 out >/dev/null 2>&1 || fail "a character was cut in two"
        expect_memory
    done
    run "$canh" detect --rules rules --stats -o html x.ndjson
    expect_memory
    run "$canh" detect --rules rules --stats -o csv x.ndjson
    expect_lines 123
    expect_memory
}

# More findings than a block's output may hold, and values of correlations that are long
much_output() {
    yes '{"time":"2026-11-22T10:00:00Z","a":"evil1","b":"'$(bytes 60000 y)'"}' | head -n 400 >x.ndjson
    sed "s/a: evil1/a: evil1\n        b|startswith: y/" "$home/evil1.yml" >rule.yml
    cat >chain.yml <<'EOF'
title: Many
id: 00000000-0000-4000-8000-00000000000a
level: low
correlation:
    type: event_count
    rules: [00000000-0000-4000-8000-000000000001]
    group-by: [b]
    timespan: 10m
    generate: true
    condition:
        gte: 300
EOF
    run "$canh" detect --rules . --stats --threads 1 x.ndjson
    expect_lines 401
    [ "$(grep -n '"Many"' out | cut -d: -f1)" = 301 ] || fail "the correlation is not behind what made it true"
    expect_memory
    mv out one
    run "$canh" detect --rules . --stats --threads 4 x.ndjson
    cmp one out >/dev/null || fail "four threads found something else"
    cat x.ndjson | "$canh" detect --rules . - >out 2>errors
    sed 's/"file":"x.ndjson"/"file":"-"/g' one | cmp - out >/dev/null || fail "a pipe gave something else"
}

exploding_regex() {
    printf '{"a":"%s!"}\n{"a":"aaaa"}\n{"a":"%s!"}\n' "$(bytes 50000 a)" "$(bytes 5000 a)" >x.ndjson
    for pattern in '^(a+)+$' '(a|aa)+$' '^(a|a?)+$' '(.*)*x'; do
        sed "s/a: evil1/a|re: $pattern/" "$home/evil1.yml" >re.yml
        run "$canh" detect --rules re.yml --stats x.ndjson
        expect_code 0
        grep -q '"line":[13],' out && fail "a finding for $pattern"
        expect_memory
    done
    sed 's/a: evil1/a|re: ^(a+)+$/' "$home/evil1.yml" >re.yml
    run "$canh" detect --rules re.yml --stats x.ndjson
    expect_found 2
    expect_figure regex_limits 2
}

broken_xml() {
    event='<Event><System><EventID>1</EventID></System><EventData><Data Name="a">evil1</Data></EventData></Event>'
    { echo "$event"
      echo '<Event><System><EventID>1</EventID>'
      echo "$event"
      echo '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
      echo '<Event><System><EventID>1</EventID></System><EventData><Data Name="a">&b;</Data></EventData></Event>'
      printf '<Event>'; again 10000 '<a>'; again 10000 '</a>'; echo '</Event>'
      printf '<Event>'; bytes 20000000 x; echo '</Event>'
      printf '<Event><System/><EventData><Data Name="a">evil1\377</Data></EventData></Event>\n'
      echo "$event"; } >x.xml
    detect --source //test --routing off --format winxml x.xml
    expect_code 0
    expect_found 1 3 9
    expect_refused 4 2 5 6 7
    expect_figure events 4
    expect_memory
}

broken_csv() {
    printf '%s\n' 'a,b,c' 'evil1,1,2' 'evil1,"open' 'evil1,2,3' 'evil1,4' 'evil1,4,5,6,7' 'evil1,8,9' >x.csv
    detect --format csv x.csv
    expect_found 2 4 7
    expect_refused 3 3 5 6
}

# Noise in every format: no crash, nothing found, memory as always
noise() {
    head -c 2000000 /dev/urandom >noise
    for format in json winxml auditd cef w3c weblog syslog keyvalue csv text evtx; do
        detect --format $format noise
        [ "$code" = 0 ] || [ $format = evtx ] || fail "exit with noise as $format"
        expect_memory
    done
    detect noise
    expect_code 3
    expect_error 'noise: it is no text'
}

broken_rules() {
    mkdir rules
    cp "$home/evil1.yml" rules/good.yml
    head -c 3000 /dev/urandom >rules/noise.yml
    : >rules/empty.yml
    printf 'title: x\nid: \000\n' >rules/nul.yml
    printf 'title: \377\n' >rules/utf8.yml
    printf 'title: [a\n' >rules/flow.yml
    printf -- '- a\n- b\n' >rules/list.yml
    sed 's/title:/title: x\ntitle:/' "$home/evil1.yml" >rules/twice.yml
    sed 's/a: evil1/a|nosuch: x/' "$home/evil1.yml" >rules/modifier.yml
    sed 's/a: evil1/a|re: (((/' "$home/evil1.yml" >rules/regex.yml
    sed 's/condition: sel/condition: sel and/' "$home/evil1.yml" >rules/condition.yml
    sed 's/condition: sel/condition: nobody/' "$home/evil1.yml" >rules/nobody.yml
    sed '/condition/d' "$home/evil1.yml" >rules/missing.yml
    { sed '/condition/d' "$home/evil1.yml"; printf '    condition: '; again 5000 '('; printf sel; again 5000 ')'; echo; } >rules/deep.yml
    { printf 'title: deep\na: '; again 10000 '['; again 10000 ']'; echo; } >rules/levels.yml
    cat >rules/bomb.yml <<'EOF'
title: Bomb
a: &a [x,x,x,x,x,x,x,x,x,x]
b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]
c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]
d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]
detection: {sel: *d, condition: sel}
EOF
    echo "$evil" >x.ndjson
    run "$canh" detect --rules rules --stats x.ndjson
    expect_code 0
    expect_found 1
    expect_figure rules 1
    expect_figure rules_refused 15
    expect_error '15 rules cannot be used'
    expect_error 'rules/bomb.yml:2: '
    expect_memory
    run "$canh" detect --rules rules --strict x.ndjson
    expect_code 1
    run "$canh" rules check rules
    expect_code 1
    for file in bomb condition deep empty flow levels list missing modifier noise nul regex twice utf8 nobody; do
        grep -q "^rules/$file.yml:[0-9]*: ." out || fail "no problem with a line in $file.yml"
    done
    expect_no_out good.yml
    # too large to be a rule; a link to nowhere cannot be read
    { cat "$home/evil1.yml"; seq -f '# %.0f' 1000000; } >rules/huge.yml
    ln -s nowhere rules/link.yml
    run "$canh" detect --rules rules --stats x.ndjson
    expect_code 3
    expect_found 1
    expect_memory
    run "$canh" rules check rules
    expect_code 3
    expect_out 'rules/huge.yml: '
    expect_out 'rules/link.yml: No such file or directory'
}

values_in_a_rule() {
    for count in 15000 100000; do
        { sed '/condition/d; s/a: evil1/a|contains:/' "$home/evil1.yml"
          seq -f '            - value%.0f' $count
          echo '            - evil1'; echo '    condition: sel'; } >$count.yml
    done
    echo "$evil" >x.ndjson
    run "$canh" detect --rules 15000.yml --stats x.ndjson
    expect_code 0
    expect_found 1
    expect_memory
    run "$canh" detect --rules 100000.yml x.ndjson
    expect_code 2
    expect_error '100000.yml:20013: more than 20000 values in one rule'
}

cases truncated_records not_json binary_records invalid_utf8 nul_bytes duplicate_keys long_numbers \
    many_fields_and_long_names deep_nesting line_of_100_mb begun_again_and_again endless long_value_in_many_findings \
    much_output exploding_regex broken_xml broken_csv noise broken_rules values_in_a_rule
finish
