# Sourced by the tests of this folder: a folder of their own, and what they expect.
set -u
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
