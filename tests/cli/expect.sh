# Sourced by the tests of this folder: a folder of their own, and what they expect.
set -u
umask 022
canh=$1
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home" || exit 1
unset LC_ALL LC_MESSAGES LANG NO_COLOR
failed=0

# run COMMAND...: leaves code, and the files out and errors
run() {
    "$@" >out 2>errors </dev/null
    code=$?
}

fail() {
    echo "FAILED: $*"
    echo "exit $code, stdout:"
    head -c 2000 out
    echo "stderr:"
    head -c 2000 errors
    failed=1
}

expect_code() { [ "$code" = "$1" ] || fail "expected exit code $1"; }
expect_out() { grep -q -F -e "$1" out || fail "stdout has no \"$1\""; }
expect_error() { grep -q -F -e "$1" errors || fail "stderr has no \"$1\""; }
expect_no_out() { ! grep -q -F -e "$1" out || fail "stdout has \"$1\""; }
expect_lines() { [ "$(wc -l <out)" = "$1" ] || fail "expected $1 lines on stdout"; }
# figure NAME: a number of --stats
figure() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" errors | tail -n 1; }
expect_figure() { [ "$(figure "$1")" = "$2" ] || fail "$1 is not $2"; }
# expect_memory: the peak was below MEMORY_BYTES_MAX (an AddressSanitizer build keeps what it freed)
MEMORY_BYTES_MAX=300000000
grep -q __asan_init "$canh" && MEMORY_BYTES_MAX=1500000000
expect_memory() {
    peak=$(figure peak_rss_bytes)
    [ "${peak:-$MEMORY_BYTES_MAX}" -lt $MEMORY_BYTES_MAX ] || fail "peak of memory: $peak"
}
# expect_found LINE...: exactly these lines of the input have findings, in this order
expect_found() {
    found=$(sed -n 's/.*"event":{"file":"[^"]*","line":\([0-9]*\),.*/\1/p' out | tr '\n' ' ')
    [ "$found" = "${*:+$* }" ] || fail "findings in lines $found, not in $*"
}
# cases NAME...: each a function in a folder of its own
cases() {
    for name in "$@"; do
        before=$failed
        mkdir "$home/$name"
        cd "$home/$name" || exit 1
        : >out
        : >errors
        code=none
        $name
        cd "$home" || exit 1
        rm -rf "${home:?}/$name"
        [ $failed = $before ] || echo "in the case $name"
    done
}
finish() { [ $failed = 0 ] && echo "as expected"; exit $failed; }

# rule NAME TITLE LEVEL TAG: a rule file that looks for its name in the field `a`
rule() {
    cat >"$1.yml" <<EOF
title: $2
id: 00000000-0000-4000-8000-00000000000$(printf %s "$1" | tail -c 1)
status: test
level: $3
author: Somebody Else
tags:
    - $4
logsource:
    category: test
detection:
    sel:
        a: $1
    condition: sel
EOF
}
