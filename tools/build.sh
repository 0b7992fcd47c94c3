#!/bin/sh
# tools/build.sh PRESET [TARGET...]: configures build/PRESET when needed and builds it.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
jobs=${JOBS:-$(nproc 2>/dev/null || echo 2)}

if command -v ccache >/dev/null 2>&1; then
    CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER-ccache}
    export CMAKE_C_COMPILER_LAUNCHER
fi
if [ ! -f "build/$preset/build.ninja" ] && [ ! -f "build/$preset/Makefile" ]; then
    set -- configure "$@"
elif [ "$preset" = lint-clang ] || [ "$preset" = lint-gcc ]; then
    set -- configure "$@"
else
    set -- keep "$@"
fi
if [ "$1" = configure ]; then
    mkdir -p build
    log=build/$preset.log
    if command -v ninja >/dev/null 2>&1; then
        cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    else
        cmake --preset "$preset" -G "Unix Makefiles" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
    fi
fi
shift
if [ $# -gt 0 ]; then
    exec cmake --build "build/$preset" -j "$jobs" --target "$@"
fi
exec cmake --build "build/$preset" -j "$jobs"
