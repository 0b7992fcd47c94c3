#!/bin/sh
# tools/coverage.sh: runs the tests with gcov counts and prints lines covered per source file.
set -eu
cd "$(dirname "$0")/.."
tools/build.sh coverage
find build/coverage -name '*.gcda' -delete
ctest --test-dir build/coverage -j "$(nproc 2>/dev/null || echo 2)" -LE '^tidy$' >build/coverage/ctest.log ||
    tail -n 20 build/coverage/ctest.log
root=$PWD
mkdir -p build/coverage/gcov
cd build/coverage/gcov
find "$root/build/coverage/src" -name '*.gcda' | while read -r file; do
    gcov -n "$file" 2>/dev/null
done | awk -v root="$root/" '
    /^File / { file = $2; gsub("\x27", "", file); sub(root, "", file) }
    /^Lines executed:/ && file ~ /^src\/.*\.c$/ {
        sub("Lines executed:", ""); printf "%7s  %5d lines  %s\n", $1, $3, file; file = "" }' |
    sort -u -k 4
