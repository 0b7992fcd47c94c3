#!/bin/sh
# The kernel's audit trail is one for the whole machine, so auditd runs outside of the laboratory's
# namespaces: only accounts of the laboratory (uid 3001-3099, login uid the same, and 33) are watched.
# Usage: audit.sh start|stop WORK_DIR OUT_DIR
set -eu
work=$2
out=$3

# Keeps what the web server's account ran and the intruder's last session; the first 40 events of the
# benign part become the benign sample. An event is all lines of one audit(TIME:SERIAL).
audit_cut() {
    awk -v end="$(cat "$out/benign-end" 2> /dev/null || echo 0)" -v out="$out" '
        { match($0, /audit\([0-9.]+:[0-9]+\)/); id = substr($0, RSTART + 6, RLENGTH - 7); split(id, part, ":") }
        NR == FNR {
            if (/key="web_exec"/ && part[1] > end) attack[id]
            if (/key="staff_exec"/ && part[1] > end) order[++count] = id
            if (/key="staff_exec"/ && part[1] <= end && kept++ < 40) benign[id]
            next
        }
        FNR == 1 { for (i = count > 40 ? count - 40 : 1; i <= count; i++) attack[order[i]] }
        id in attack { print > (out "/auditd/audit.log") }
        id in benign { print > (out "/benign/audit.log") }
    ' "$work/audit/audit.log" "$work/audit/audit.log"
    rm -f "$out/benign-end"
}

case $1 in
start)
    if ! auditctl -s > /dev/null 2>&1; then
        echo "this kernel has no audit subsystem: no auditd sample" >&2
        exit 0
    fi
    mkdir -p "$work/audit" "$out/auditd"
    cat > "$work/audit/auditd.conf" <<CONF
local_events = yes
write_logs = yes
log_file = $work/audit/audit.log
log_format = RAW
flush = INCREMENTAL_ASYNC
freq = 20
max_log_file = 8
num_logs = 2
max_log_file_action = ROTATE
name_format = NONE
space_left = 75
admin_space_left = 50
space_left_action = SYSLOG
admin_space_left_action = SUSPEND
disk_full_action = SUSPEND
disk_error_action = SUSPEND
CONF
    : > "$work/audit/plugins.none"
    auditd -n -c "$work/audit" > "$work/audit/auditd.out" 2>&1 &
    echo $! > "$work/audit/pid"
    sleep 1
    auditctl -D > /dev/null
    auditctl -a always,exit -F arch=b64 -S execve -F auid\>=3001 -F auid\<=3099 -k staff_exec > /dev/null
    auditctl -a always,exit -F arch=b64 -S execve -F uid=33 -k web_exec > /dev/null
    auditctl -e 1 > /dev/null
    ;;
stop)
    if [ -f "$work/audit/pid" ]; then
        auditctl -D > /dev/null || true
        sleep 1
        kill "$(cat "$work/audit/pid")" || true
        sleep 1
        auditctl -e 0 > /dev/null || true
        audit_cut
    fi
    ;;
esac
