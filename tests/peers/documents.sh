#!/bin/sh
# documents.sh CANH SOURCE FOLDER: what docs/forwarders.md says to copy is taken by the programs'
# own checks, where the program is at hand.
. "$(dirname "$0")/peer.sh"
document=$2/docs/forwarders.md

# block LANGUAGE N: the N-th fenced block of that language
block() {
    awk -v language="$1" -v wanted="$2" '
        /^```/ { inside = !inside && $0 == "```" language && ++n == wanted; next }
        inside { print }' "$document"
}
blocks() { grep -c -x -F -e "\`\`\`$1" "$document"; }

canh_takes_them() {
    for i in $(seq "$(blocks yaml)"); do
        block yaml "$i" >canh.yaml
        [ -s canh.yaml ] || fail "block $i is empty"
        run "$canh" config check canh.yaml
        expect_code 0
    done
}

rsyslog_takes_them() {
    unpacked=$peers/rsyslog
    [ -f "$unpacked/complete" ] || { echo 'skipped: no rsyslog'; return 0; }
    modules=$(find "$unpacked/usr/lib" -name omelasticsearch.so -exec dirname {} \;)
    : >CANH-CA.crt
    echo "global(workDirectory=\"$PWD\")" >rsyslog.conf
    for i in $(seq "$(blocks rsyslog)"); do
        block rsyslog "$i" | sed -e "s/queue.filename=\"canh\"/queue.filename=\"canh$i\"/" \
            -e "s#/etc/rsyslog.d/CANH-CA.crt#$PWD/CANH-CA.crt#" >>rsyslog.conf
    done
    run env LD_LIBRARY_PATH="$(dirname "$modules")" "$unpacked/usr/sbin/rsyslogd" -M "$modules" \
        -N1 -f "$PWD/rsyslog.conf"
    expect_code 0
    ! grep -q -i -e error -e 'not known' errors || fail 'rsyslogd does not know something'
}

syslog_ng_takes_them() {
    unpacked=$peers/syslog-ng
    [ -f "$unpacked/complete" ] || { echo 'skipped: no syslog-ng'; return 0; }
    libraries=$(dirname "$(find "$unpacked/usr/lib" -name 'libnet.so.1' | head -n 1)")
    modules=$(find "$unpacked/usr/lib/syslog-ng" -name libhttp.so -exec dirname {} \;)
    : >CANH-CA.crt
    {
        echo '@version: 3.38'
        echo "@define scl-root \"$unpacked/usr/share/syslog-ng/include/scl\""
        echo '@include "`scl-root`/elasticsearch/elastic-http.conf"'
        echo "source s_src { file(\"$PWD/events\"); };"
        for i in $(seq "$(blocks syslog-ng)"); do
            block syslog-ng "$i" | sed "s#/etc/syslog-ng/CANH-CA.crt#$PWD/CANH-CA.crt#"
        done
    } >syslog-ng.conf
    run env LD_LIBRARY_PATH="$unpacked/usr/lib/syslog-ng:$libraries" "$unpacked/usr/sbin/syslog-ng" \
        --module-path="$modules" -s -f "$PWD/syslog-ng.conf" -R "$PWD/persist" -c "$PWD/control"
    expect_code 0
}

cases canh_takes_them rsyslog_takes_them syslog_ng_takes_them
finish
