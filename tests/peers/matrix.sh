#!/bin/sh
# matrix.sh FOLDER: what the tests of this folder measured, for docs/forwarders.md.
echo "| sender | acknowledged | sent | stored | lost | doubled | restarts of Canh |"
echo "|---|---|---|---|---|---|---|"
cat "$1"/matrix/* 2>/dev/null | sort
