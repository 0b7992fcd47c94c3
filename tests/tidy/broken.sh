#!/bin/sh
# broken.sh TIDY: makes a small good tree, breaks it in one way a time, and expects TIDY to say so.
set -u
tidy=$1
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
failed=0

good_tree() {
    rm -rf "$home/tree"
    mkdir -p "$home/tree/src/base" "$home/tree/src/detection" "$home/tree/src/vulnerability"
    cd "$home/tree" || exit 1
    printf '#pragma once\nint low_one(void);\n' >src/base/low.h
    printf '#include "base/low.h"\n\nint low_one(void)\n{\n    return 1; /* system() is a word here */\n}\n' \
        >src/base/low.c
    printf '#pragma once\n#include "base/low.h"\nint high_two(void);\n' >src/detection/high.h
    printf '#include "detection/high.h"\n\nint high_two(void)\n{\n    return 2;\n}\n' \
        >src/detection/high.c
    printf 'add_library(base STATIC\n    low.c)\n' >src/base/CMakeLists.txt
    printf 'add_library(detection STATIC\n    high.c)\n' >src/detection/CMakeLists.txt
}

expect() { # expect CHECK TEXT: tidy fails and says TEXT
    out=$("$tidy" "$home/tree" "$1")
    code=$?
    if [ $code != 1 ] || ! echo "$out" | grep -q -e "$2"; then
        echo "$1 did not find \"$2\" (exit $code): $out"
        failed=1
    fi
    good_tree
}

good_tree
if ! out=$("$tidy" "$home/tree"); then
    echo "the good tree has problems: $out"
    failed=1
fi

printf '#include "detection/high.h"\n' >>src/base/low.c
expect includes 'a file of base may include its own floor'
printf '#pragma once\n' >src/vulnerability/side.h
printf '#include "vulnerability/side.h"\n' >>src/detection/high.c
expect includes 'a file of detection may include its own floor'
mkdir -p tests/unit/base
printf '#include "detection/high.h"\n' >tests/unit/base/test_low.c
expect includes 'tests/unit/base/test_low.c:1: includes'
printf '#pragma once\n#include "base/low.h"\n' >src/base/other.h
printf '#include "base/other.h"\n' >>src/base/low.h
expect includes 'a circle'
printf '#include "base/gone.h"\n' >>src/base/low.c
expect includes 'which is not there'

awk 'BEGIN { for (i = 0; i < 701; i++) print "int a" i ";" }' >src/base/low.c
expect lengths '701 lines'
awk 'BEGIN { print "int f(void)\n{"; for (i = 0; i < 79; i++) print "    f();"; print "}" }' \
    >src/base/low.c
expect lengths 'a function of 81 lines'
awk 'BEGIN { printf "int "; for (i = 0; i < 96; i++) printf "a"; print ";" }' >src/base/low.c
expect lengths '101 columns'
awk 'BEGIN { printf "/* "; for (i = 0; i < 50; i++) printf "ộ"; print " */" }' >src/base/low.c
if ! "$tidy" "$home/tree" lengths >/dev/null; then
    echo "letters of several bytes are counted as several columns"
    failed=1
fi
good_tree

for name in strcpy sprintf atoi localtime system sscanf; do
    printf 'void f(void)\n{\n    %s(0);\n}\n' $name >>src/base/low.c
    expect calls "low.c:9: calls $name"
done
for name in malloc free strdup; do
    printf 'void f(void)\n{\n    %s(0);\n}\n' $name >>src/base/low.c
    if ! "$tidy" "$home/tree" calls >/dev/null; then
        echo "base may call $name"
        failed=1
    fi
    good_tree
    printf 'void f(void)\n{\n    %s(0);\n}\n' $name >>src/detection/high.c
    expect calls "calls $name"
done
printf 'const char *text = "strcpy(a, b) \\" atoi(c)"; /* atoi(x) */ // atoi(y)\n' >>src/base/low.c
if ! "$tidy" "$home/tree" calls >/dev/null; then
    echo "calls are found in strings and comments"
    failed=1
fi
good_tree

printf '/* TO%s: the rest */\n' DO >>src/base/low.c
expect markers 'low.c:7: a leftover marker'
printf '/* good for %s */\n' now >>src/base/low.c
expect markers 'a leftover marker'
printf 'see /%s/canh/notes\n' work >README.md
expect paths 'README.md:1: a path of one machine'

printf 'int lost;\n' >src/base/lost.c
expect lists 'lost.c:1: is in no CMakeLists.txt'
printf '#pragma once\n' >src/base/lonely.h
"$tidy" "$home/tree" includes lists >"$home/out"
grep -q 'lonely.h:1: nobody includes it' "$home/out" || {
    echo "lists did not find a header that nobody includes"
    failed=1
}
good_tree
printf '#pragma once\nsize_t high_size(void);\n' >src/detection/high.h
expect headers 'high.h:1: does not compile alone'

[ $failed = 0 ] && echo "every broken tree was found"
exit $failed
