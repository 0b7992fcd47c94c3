#!/bin/sh
# unit_file.sh CANH_SERVICE: the systemd unit is as closed as docs/threat-model.md says.
SCORE_MAX=29 # tenths
command -v systemd-analyze >/dev/null || { echo 'skipped: systemd-analyze is not installed'; exit 77; }
shown=$(systemd-analyze security --offline=true --no-pager --threshold=$SCORE_MAX "$1" 2>&1) || {
    echo "$shown" | grep -v '✓'
    exit 1
}
if echo "$shown" | grep -E 'Unknown|ignoring'; then
    exit 1
fi
echo "$shown" | tail -n 1
