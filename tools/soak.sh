#!/bin/sh
# tools/soak.sh: what takes hours: each fuzz target for SOAK_SECONDS, and the tests that draw from a
# seed with SOAK_ROUNDS rounds (they read CANH_TEST_ROUNDS), and imports that are killed
# SOAK_KILL_ROUNDS times, a node whose roles are killed SOAK_NODE_ROUNDS times, and SOAK_SIM_SEEDS
# lives of a store on a disk that fails; the watch under load whose roles are killed SOAK_WATCH_ROUNDS
# times, and at 80 % of what it can take for SOAK_WATCH_MINUTES (tools/soak_watch.sh).
set -eu
cd "$(dirname "$0")/.."
FUZZ_SECONDS=${SOAK_SECONDS:-1800}
CANH_TEST_ROUNDS=${SOAK_ROUNDS:-100}
CANH_KILL_ROUNDS=${SOAK_KILL_ROUNDS:-500}
CANH_SIM_SEEDS=${SOAK_SIM_SEEDS:-200000}
export FUZZ_SECONDS CANH_TEST_ROUNDS CANH_KILL_ROUNDS CANH_SIM_SEEDS
tools/build.sh release
build/release/tests/import_kill build/release/canh
CANH_KILL_ROUNDS=${SOAK_NODE_ROUNDS:-200} build/release/tests/node_kill build/release/canh
CANH_KILL_ROUNDS=${SOAK_NODE_ROUNDS:-200} sh "$PWD/tests/kill/courier.sh" "$PWD/build/release/canh" \
    "$PWD" "$PWD/build/release/tests/canh_sink"
for name in watch:canh_load ledger: outputs:canh_bulk_sink; do
    tool=${name#*:}
    CANH_KILL_ROUNDS=${SOAK_WATCH_ROUNDS:-200} sh "$PWD/tests/kill/${name%%:*}.sh" \
        "$PWD/build/release/canh" "$PWD" ${tool:+"$PWD/build/release/tests/$tool"}
done
tools/soak_watch.sh build/release/canh build/release/tests/canh_load
ctest --test-dir build/release --output-on-failure --timeout 36000 -L '^sim$'
tools/build.sh asan
ctest --test-dir build/asan --output-on-failure --timeout 36000 -L '^(unit|golden)$'
tools/fuzz.sh
