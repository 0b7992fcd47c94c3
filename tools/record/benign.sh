# An office day's ordinary work, done in a few minutes: the same programs, rightful people.

mkdir -p /srv/backup
UA_CHROME='Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36'
UA_COCCOC='Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) coc_coc_browser/128.0.252 Chrome/122.0.6261.252 Safari/537.36'
UA_PHONE='Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1'
UA_ZALO='Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/128.0.6613.88 Mobile Safari/537.36 Zalo android/12100742'
UA_GOOGLE='Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'

# ssh_as USER ADDRESS COMMAND: with the user's key
ssh_as() {
    ssh -n -b "$2" -i /root/staff_key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o LogLevel=ERROR -o IdentitiesOnly=yes "$1@$SERVER" "$3" > /dev/null 2>&1 || true
}

# ssh_guess USER PASSWORD ADDRESS [COMMAND]: with a password
ssh_guess() {
    sshpass -p "$2" ssh -n -b "$3" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o LogLevel=ERROR -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 "$1@$SERVER" \
        "${4:-true}" > /dev/null 2>&1 || true
}

# get ADDRESS AGENT URL [CURL_OPTION...]
get() {
    address=$1 agent=$2 url=$3
    shift 3
    curl -s -o /dev/null --max-time 20 --interface "$address" -A "$agent" "$@" "http://$SERVER$url" || true
}

benign_web() {
    for round in 1 2 3; do
        for pair in "10.10.20.21|$UA_CHROME" "10.10.20.22|$UA_COCCOC" "192.0.2.50|$UA_PHONE" \
            "10.10.20.24|$UA_ZALO" "10.10.20.25|$UA_CHROME"; do
            address=${pair%%|*} agent=${pair#*|}
            get "$address" "$agent" /
            get "$address" "$agent" /favicon.ico -e "http://$SERVER/"
            for id in 1 2 3 4 5 6 7; do
                get "$address" "$agent" "/tin-tuc.php?id=$id" -e "http://$SERVER/"
            done
            get "$address" "$agent" '/tim-kiem.php?q=l%E1%BB%8Bch+ti%E1%BA%BFp+d%C3%A2n'
            sleep 1
        done
    done
    # words that careless rules take for attacks
    get 10.10.20.21 "$UA_CHROME" '/tim-kiem.php?q=select+a+union+representative'
    get 10.10.20.21 "$UA_CHROME" '/tim-kiem.php?q=x%E1%BB%95+s%E1%BB%91+ki%E1%BA%BFn+thi%E1%BA%BFt+mi%E1%BB%81n+Nam'
    get 10.10.20.22 "$UA_COCCOC" '/tim-kiem.php?q=ph%C3%B2ng+ch%E1%BB%91ng+%C4%91%C3%A1nh+b%E1%BA%A1c+c%C3%A1+%C4%91%E1%BB%99+b%C3%B3ng+%C4%91%C3%A1'
    get 10.10.20.22 "$UA_COCCOC" '/tim-kiem.php?q=or+1+nam+2026+and+ke+hoach'
    get 10.10.20.22 "$UA_COCCOC" '/tim-kiem.php?q=casino+Ph%C3%BA+Qu%E1%BB%91c+quy+ho%E1%BA%A1ch'
    get 10.10.20.24 "$UA_ZALO" '/tim-kiem.php?q=download+file+update+chinh+sach'
    get 10.10.20.24 "$UA_ZALO" "/chuyen-huong.php?url=/tin-tuc.php?id=3"
    get 10.10.20.24 "$UA_ZALO" "/chuyen-huong.php?url=https://dichvucong.gov.vn/"
    get 10.10.20.25 "$UA_CHROME" '/kiem-tra-mang.php?may=127.0.0.1'
    get 10.10.20.25 "$UA_CHROME" '/tai-ve.php?tep=uploads/bieu-mau-01.docx'
    # a wrong password once, then the right one
    get 10.10.20.23 "$UA_CHROME" /dang-nhap.php
    get 10.10.20.23 "$UA_CHROME" /dang-nhap.php -d 'ten=vanthu&mat_khau=Vanthu2026'
    get 10.10.20.23 "$UA_CHROME" /dang-nhap.php -d 'ten=vanthu&mat_khau=Vanthu@2026'
    head -c 90000 /dev/urandom > /tmp/bieu-mau-01.docx
    head -c 60000 /dev/urandom > '/tmp/ke-hoach.pdf'
    for file in bieu-mau-01.docx ke-hoach.pdf; do
        get 10.10.20.23 "$UA_CHROME" /gui-van-ban.php -F "tep=@/tmp/$file"
        get 10.10.20.23 "$UA_CHROME" "/uploads/$file"
        get 192.0.2.50 "$UA_PHONE" "/uploads/$file"
    done
    get 10.10.20.23 "$UA_CHROME" /quan-tri-kho/ -u 'kho:Kho!2026x'
    curl -s -o /dev/null --interface 10.10.20.23 -u 'kho:Kho!2026x' -T /tmp/ke-hoach.pdf "http://$SERVER/dav/ke-hoach.pdf" || true
    # search engine and up-time monitor
    for url in /robots.txt / '/tin-tuc.php?id=1' '/tin-tuc.php?id=2' '/tin-tuc.php?id=9' /sitemap.xml /tim-kiem.php \
        '/tin-tuc.php?id=4' /ads.txt; do
        get 192.0.2.50 "$UA_GOOGLE" "$url"
    done
    for round in 1 2 3 4 5; do
        get 10.10.20.21 'Uptime-Kuma/1.23.13' /
    done
    # old links that are gone
    for page in gioi-thieu.html lien-he.html van-ban-cu.html; do
        get 192.0.2.50 "$UA_PHONE" "/$page"
    done
}

benign_logins() {
    ssh_as nvan 10.10.20.21 'ls -la; df -h'
    ssh_as ttbinh 10.10.20.22 'cat /etc/hosts'
    ssh_guess lthoa 'Matkhau#8' 10.10.20.23
    ssh_guess lthoa 'Matkhau#89' 10.10.20.23 'ls'
    ssh_guess pmduc 'Ducpm!778' 10.10.20.24
    ssh_guess pmduc 'ducpm!7788' 10.10.20.24
    ssh_guess pmduc 'Ducpm!7788' 10.10.20.24 'sudo tail -n 3 /var/log/syslog; sudo less -F /etc/hosts'
    for round in 1 2 3; do
        ssh_as quantri 10.10.20.25 'sudo tail -n 5 /var/log/nginx/access.log; sudo nginx -t -c /etc/nginx/lab.conf'
        ssh_as nvan 10.10.20.21 'uptime'
    done
    ssh_as quantri 10.10.20.25 'sudo useradd -m ctv01; sudo passwd -l ctv01; sudo usermod -aG users ctv01'
    ssh_as quantri 10.10.20.25 'sudo tar czf /srv/backup/etc.tgz /etc/nginx; sudo crontab -l; sudo apt-get --version'
    ssh_as quantri 10.10.20.25 'sudo logrotate -d /etc/logrotate.conf; sudo find /var/log -name "*.gz" -mtime +30 -delete'
    ssh_as quantri 10.10.20.25 'sudo curl -s -o /dev/null http://203.0.113.10/; sudo vim --version; sudo systemctl status nginx'
    ssh_as quantri 10.10.20.25 'sudo cat /etc/ssh/sshd_config; sudo iptables -L -n; sudo rm -f /srv/backup/old.tgz'
    ssh_as quantri 10.10.20.25 'sudo journalctl -n 5; sudo chown www-data: /srv/portal/index.php'
    ssh_as quantri 10.10.20.25 'echo "17 2 * * * /usr/bin/find /srv/backup -mtime +60 -delete" | crontab -; crontab -l'
    echo '* * * * * root /usr/bin/test -d /srv/backup' > /etc/cron.d/sao-luu
    echo '* * * * * root /usr/bin/curl -s -o /dev/null http://203.0.113.10/' > /etc/cron.d/kiem-tra
}

imap_login() {
    curl -s -o /dev/null --max-time 20 --interface "$3" -u "$1:$2" "imap://$SERVER/INBOX" || true
}

mail_send() {
    from=$1 password=$2 address=$3
    shift 3
    swaks --server "$SERVER" --local-interface "$address" --helo pc.xa.example --from "$from@xa.example" \
        --to "$(echo "$*" | tr ' ' ,)" --auth LOGIN --auth-user "$from" --auth-password "$password" \
        --header 'Subject: Cong van' --body 'Kinh gui' --silent 3 > /dev/null 2>&1 || true
}

benign_mail() {
    for round in 1 2 3; do
        imap_login nvan 'Hoasen@2026' 10.10.20.21
        imap_login ttbinh '123456a@' 10.10.20.22
        imap_login lthoa 'Matkhau#89' 10.10.20.23
    done
    imap_login pmduc 'Ducpm!778' 10.10.20.24
    imap_login pmduc 'Ducpm!7788' 10.10.20.24
    imap_login pmduc 'Ducpm!7788' 192.0.2.50
    mail_send nvan 'Hoasen@2026' 10.10.20.21 ttbinh@xa.example
    mail_send ttbinh '123456a@' 10.10.20.22 nvan@xa.example lthoa@xa.example huyen@tinh.example
    mail_send lthoa 'Matkhau#89' 10.10.20.23 so@tinh.example
    mail_send nvan 'Hoasen@2026' 10.10.20.21 a@ngoai.example b@ngoai.example
}

benign_files() {
    for name in bao-cao-thang-11 to-trinh-05 quyet-dinh-112 lich-truc danh-sach; do
        head -c 3000 /dev/urandom > "/tmp/$name.docx"
        smbclient "//$SERVER/chung" -U 'nvan%Smb@2026' -c "put /tmp/$name.docx $name.docx; get $name.docx /tmp/nhan.docx" > /dev/null 2>&1 || true
    done
    smbclient "//$SERVER/chung" -U 'lthoa%Smb@2026' -c 'mkdir Thang11; rename lich-truc.docx Thang11\lich-truc-ca.docx; del danh-sach.docx' > /dev/null 2>&1 || true
    smbclient "//$SERVER/chung" -U 'lthoa%sai-mat-khau' -c 'ls' > /dev/null 2>&1 || true
    smbclient "//$SERVER/chung" -U 'lthoa%Smb@2026' -c 'ls' > /dev/null 2>&1 || true
    curl -s --interface 10.10.20.21 -T /tmp/ke-hoach.pdf "ftp://$SERVER/ke-hoach.pdf" -u 'nvan:Hoasen@2026' || true
    curl -s -o /dev/null --interface 10.10.20.21 "ftp://$SERVER/ke-hoach.pdf" -u 'nvan:Hoasen@2026' || true
    curl -s -o /dev/null --interface 10.10.20.22 "ftp://$SERVER/" -u 'ttbinh:sai' || true
    for address in 10.10.20.21 10.10.20.22 10.10.20.23; do
        for url in http://portal.xa.example/ 'http://portal.xa.example/tin-tuc.php?id=2' http://portal.xa.example/uploads/ke-hoach.pdf; do
            curl -s -o /dev/null --max-time 10 --interface $address -A "$UA_CHROME" -x "http://$PROXY:3128" "$url" || true
        done
    done
    for name in portal.xa.example mail.xa.example www.xa.example wpad.xa.example; do
        dig +short +tries=1 +time=2 -b 10.10.20.21 @$PROXY $name > /dev/null || true
    done
    mariadb -h "$SERVER" -u web -pWeb-cong-dan congdan -e 'SELECT COUNT(*) FROM ho_so' > /dev/null 2>&1 || true
}

echo "$SERVER portal.xa.example" >> /etc/hosts
cut_begin benign
benign_web
benign_logins
benign_mail
benign_files
sleep 65
date +%s > "$out/benign-end"
cut_end benign auth.log mail.log cron.log syslog samba.log vsftpd.log nginx/access.log nginx/error.log \
    squid/access.log squid/combined.log mysql/error.log xrdp-sesman.log dnsmasq.log
