#!/bin/sh
# hunt == detect (hunt_twin.c): with the project's own rules always, with the shared SigmaHQ rules where they
# are. CANH_HUNT_SEED (default 1) makes other events; CANH_HUNT_EVENTS how many.
# usage: hunt.sh HUNT_TWIN SOURCE
set -eu
twin=$1 source=$2 shared=${CANH_SHARED:-$2/../shared}
seed=${CANH_HUNT_SEED:-1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
mkdir "$work/own" "$work/sigmahq" "$work/rules"
echo "own rules:"
"$twin" "$seed" "${CANH_HUNT_EVENTS:-1500}" "$work/own" "$source/tests/golden/hunt" "$source/rules"
if [ ! -f "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" ]; then
    echo "SigmaHQ rules: skipped: shared data not found"
    exit 0
fi
echo "SigmaHQ rules:"
tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/rules" --strip-components=1
"$twin" "$seed" "${CANH_HUNT_EVENTS:-9000}" "$work/sigmahq" "$source/tests/golden/hunt" "$work/rules"
