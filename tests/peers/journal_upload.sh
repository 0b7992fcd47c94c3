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

# Each part is sent by a run of its own: what one run sends is acknowledged as a whole.
by_upload() {
    settings http 'token: false'
    node_start
    mkdir journals
    (
        part=$((EVENTS / 10))
        for i in 0 1 2 3 4 5 6 7 8 9; do
            entries $((i * part + 1)) $(((i + 1) * part)) |
                $remote --output="$PWD/journals/part$i.journal" - >/dev/null 2>>remote.log
            chmod -R a+rX journals
            for _ in $(seq 200); do
                # shellcheck disable=SC2086
                timeout 30 $node_user $upload --url="http://127.0.0.1:$port" -D "$PWD/journals" \
                    --save-state="$PWD/state" >>peer.log 2>&1 </dev/null && break
                sleep 0.2
            done
            sleep 0.5
        done
    ) &
    peer=$!
    storm term engine intake all
    peer_wait 60
    reckon "$version" yes
    expect_lost 0
    expect_doubled 0
    node_stop
}

cases by_upload
finish
