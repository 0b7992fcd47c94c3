#!/bin/sh
# journal_upload.sh CANH SOURCE FOLDER: systemd-journal-upload of a journal that
# systemd-journal-remote made.
. "$(dirname "$0")/peer.sh"
remote=/usr/lib/systemd/systemd-journal-remote
upload=/usr/lib/systemd/systemd-journal-upload
[ -x $remote ] && [ -x $upload ] || skip 'no systemd-journal-upload (package systemd-journal-remote)'
version="systemd-journal-upload $(journalctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p')"

entries() { # FIRST LAST: of the export format
    seq -f '%06.0f' "$1" "$2" | awk '{
        printf "__CURSOR=s=%s;i=%x;b=%s;m=%x;t=%x;x=%x\n", id, $1, id, $1, t + $1, $1
        printf "__REALTIME_TIMESTAMP=%.0f\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n", t + $1, $1, id
        printf "_HOSTNAME=office\nSYSLOG_IDENTIFIER=sender\nPRIORITY=6\n_TRANSPORT=syslog\n"
        printf "MESSAGE=delivery number-%s of a sender\n\n", $1
    }' id=0123456789abcdef0123456789abcdef t="$(date +%s)000000"
}

# As its service does: it follows the journal, ends when Canh cannot be reached, is started again.
# shellcheck disable=SC2086
follow() {
    while :; do
        $node_user $upload --url="http://127.0.0.1:$port" -D "$PWD/journals" \
            --save-state="$PWD/state" &
        uploading=$!
        trap 'kill -TERM $uploading; exit 0' TERM
        wait $uploading
        sleep 0.5
    done
}
write() {
    part=$((EVENTS / 10))
    for i in 0 1 2 3 4 5 6 7 8 9; do
        entries $((i * part + 1)) $(((i + 1) * part)) |
            $remote --output="$PWD/part.journal" - >/dev/null 2>>remote.log
        chmod a+r part.journal
        mv part.journal "journals/part$i.journal"
        sleep 1
    done
}

by_upload() {
    settings http 'token: false'
    mkdir journals
    node_start
    write &
    writing=$!
    follow >peer.log 2>&1 &
    peer=$!
    storm term engine intake all
    wait $writing
    reckon "$version" yes
    expect_lost 0
    expect_doubled 0
    peer_stop
    node_stop
}

cases by_upload
finish
