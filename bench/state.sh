#!/bin/sh
# Measures the state: durable commands, lists of many rows, the audit chain (bench_state.c), and the
# node: start, durable commands by 100 writers through a daemon (bench_commands.c). Prints a
# table, or with --json one object a row. The data lies in a folder under BENCH_DIR (default: the
# build folder), which should be on a disk and not in memory.
set -eu
cd "$(dirname "$0")/.."
program=${BENCH_STATE:-build/release/bench/bench_state}
folder=$(mktemp -d "${BENCH_DIR:-build}/bench-state-XXXXXX")
trap 'rm -rf "$folder"' EXIT INT TERM
"$program" "$folder/data" "$@"
chmod 0755 "$folder" # the daemon runs as nobody when this is run as root
"${BENCH_COMMANDS:-build/release/bench/bench_commands}" "${CANH:-build/release/canh}" "$folder/node" "$@"
