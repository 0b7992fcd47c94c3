#!/bin/sh
# tools/soak.sh: what takes hours: each fuzz target for SOAK_SECONDS, and the tests that draw from a
# seed with SOAK_ROUNDS rounds (they read CANH_TEST_ROUNDS), and imports that are killed
# SOAK_KILL_ROUNDS times.
set -eu
cd "$(dirname "$0")/.."
FUZZ_SECONDS=${SOAK_SECONDS:-1800}
CANH_TEST_ROUNDS=${SOAK_ROUNDS:-100}
CANH_KILL_ROUNDS=${SOAK_KILL_ROUNDS:-500}
export FUZZ_SECONDS CANH_TEST_ROUNDS CANH_KILL_ROUNDS
tools/build.sh release
build/release/tests/import_kill build/release/canh
tools/build.sh asan
ctest --test-dir build/asan --output-on-failure --timeout 36000 -L '^(unit|golden)$'
tools/fuzz.sh
