#!/bin/sh
# man.sh CANH SOURCE: the man page names each option that --help shows.
. "$(dirname "$0")/expect.sh"
page=$2/man/canh.1
for command in detect import 'rules check' 'rules list' 'rules coverage' 'rules explain' 'rules test' \
    'intel import' 'intel list' 'intel match' 'intel pattern' 'intel remove' 'config check' 'config print' 'config propose' watch \
    'audit verify' 'audit export' backup restore status doctor hunt search tail export verify prove 'store stat' 'store dump' 'store expire' 'store seal' 'store merge' \
    'store snapshot' 'store rebuild' serve 'key list' 'key csr' 'key rotate' 'key install'; do
    # shellcheck disable=SC2086
    run "$canh" $command --help
    expect_code 0
    options=$(sed -n 's/^  *\(-[a-z], \)\{0,1\}--\([a-z-]*\).*/\2/p' out)
    [ -n "$options" ] || fail "canh $command --help shows no options"
    for option in $options; do
        grep -q -e "Fl -$option\( \|\$\)" "$page" || fail "the man page lacks --$option of $command"
    done
done
finish
