#!/bin/sh
# tools/lint.sh: gcc and clang with warnings as errors, clang-tidy, clang-format.
set -eu
cd "$(dirname "$0")/.."
sources=$(git ls-files 'src/*.c' 'tests/*.c' 'tools/*.c' 'bench/*.c')
headers=$(git ls-files 'src/*.h' 'tests/*.h')

echo "== clang-format"
clang-format-14 --dry-run -Werror $sources $headers
echo "== gcc -Werror"
tools/build.sh lint-gcc
echo "== clang-14 -Werror"
tools/build.sh lint-clang
echo "== clang-tidy"
echo "$sources" | grep -e '^src/' | xargs -n 8 -P "$(nproc 2>/dev/null || echo 2)" \
    clang-tidy-14 -p build/lint-clang --quiet
echo "lint: clean"
