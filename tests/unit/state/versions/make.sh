#!/bin/sh
# make.sh STATE_VERSION N: writes N.sql, a state file of version N as SQL (needs sqlite3). Once for
# each version, when it is released: a file that stands here is never made again, or the test that
# opens it would no longer open what agencies have. STATE_VERSION: build/release/tests/state_version.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM
"$1" "$folder" "$2"
{
    sqlite3 "$folder/state.db" .dump
    sqlite3 "$folder/state.db" "SELECT 'PRAGMA application_id=' || application_id || ';'
        FROM pragma_application_id"
    echo "PRAGMA user_version=$2;"
} >"$(dirname "$0")/$2.sql"
