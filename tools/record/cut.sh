# Which lines of which log belong to which scenario: by line numbers before and after.
LOGS="auth.log auth-traditional.log mail.log cron.log syslog samba.log vsftpd.log nginx/access.log nginx/error.log
apache2/access.log squid/access.log squid/combined.log mysql/error.log xrdp-sesman.log dnsmasq.log"

log_lines() {
    if [ -f "/var/log/$1" ]; then wc -l < "/var/log/$1"; else echo 0; fi
}

cut_begin() {
    echo "$(date '+%T') $1"
    sleep 1
    for log in $LOGS; do
        log_lines "$log" > "/tmp/mark/$(echo "$log" | tr / -)"
    done
}

# cut_end SCENARIO LOG...: the new lines of these logs go to OUT/SCENARIO/
cut_end() {
    sleep 1
    mkdir -p "$out/$1"
    scenario=$1
    shift
    for log in "$@"; do
        flat=$(echo "$log" | tr / -)
        tail -n "+$(($(cat "/tmp/mark/$flat") + 1))" "/var/log/$log" > "$out/$scenario/$flat"
        [ -s "$out/$scenario/$flat" ] || { echo "nothing in $scenario/$flat" >&2; rm -f "$out/$scenario/$flat"; }
    done
}
