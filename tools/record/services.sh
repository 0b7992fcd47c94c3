# The programs of a small agency's server, started as Debian installs them, with the settings said here.

users_add() {
    uid=3001
    for user in nvan ttbinh lthoa pmduc quantri; do
        useradd -m -u $uid -s /bin/bash "$user"
        uid=$((uid + 1))
    done
    printf 'nvan:Hoasen@2026\nttbinh:123456a@\nlthoa:Matkhau#89\npmduc:Ducpm!7788\nquantri:Qu4ntri-xa\n' | chpasswd
    echo 'root:R00t-thu-nghiem' | chpasswd
    useradd -m -u 3010 -s /bin/bash dichvu
    usermod -aG sudo quantri
    echo 'quantri ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/quantri
    echo 'pmduc ALL=(root) NOPASSWD: /usr/bin/find, /usr/bin/vim, /usr/bin/less, /usr/bin/tail' > /etc/sudoers.d/pmduc
    echo 'lthoa ALL=(root) /usr/bin/systemctl' > /etc/sudoers.d/lthoa
    chmod 440 /etc/sudoers.d/*
    ssh-keygen -q -t ed25519 -N '' -f /root/staff_key
    for user in nvan ttbinh lthoa pmduc quantri; do
        install -d -m 700 -o $user -g $user /home/$user/.ssh
        install -m 600 -o $user -g $user /root/staff_key.pub /home/$user/.ssh/authorized_keys
    done
}

rsyslog_start() {
    rm -f /var/log/auth.log /var/log/mail.log /var/log/cron.log /var/log/syslog
    cat > /etc/rsyslog.lab.conf <<'CONF'
module(load="imuxsock")
$FileOwner root
$FileGroup adm
$FileCreateMode 0640
*.*;auth,authpriv,local5,ftp.none -/var/log/syslog
auth,authpriv.* /var/log/auth.log
auth,authpriv.* /var/log/auth-traditional.log;RSYSLOG_TraditionalFileFormat
cron.* -/var/log/cron.log
ftp.* -/var/log/vsftpd.log
mail.* -/var/log/mail.log
local5.* -/var/log/samba.log
CONF
    rsyslogd -n -f /etc/rsyslog.lab.conf -i /run/rsyslogd.pid &
    sleep 1
}

sshd_start() {
    mkdir -p /run/sshd
    ssh-keygen -A > /dev/null
    cat > /etc/ssh/sshd_config.lab <<'CONF'
ListenAddress 203.0.113.10
UsePAM yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxStartups 50
UseDNS no
PrintMotd no
Subsystem sftp internal-sftp
CONF
    /usr/sbin/sshd -f /etc/ssh/sshd_config.lab
}

web_start() {
    install -d -o www-data -g www-data /srv/portal /srv/portal/uploads /srv/portal/dav /srv/data
    cp "$here"/portal/* /srv/portal/
    php /srv/portal/setup.php
    chown -R www-data:www-data /srv/portal
    mkdir -p /run/php
    php-fpm8.2 --fpm-config /etc/php/8.2/fpm/php-fpm.conf > /dev/null 2>&1
    mkdir -p /var/log/nginx
    rm -f /var/log/nginx/*.log
    cat > /etc/nginx/lab.conf <<'CONF'
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log notice;
events { worker_connections 256; }
http {
    include /etc/nginx/mime.types;
    access_log /var/log/nginx/access.log combined;
    client_max_body_size 8m;
    server {
        listen 203.0.113.10:80;
        root /srv/portal;
        index index.php;
        location /dav/ { dav_methods PUT DELETE MKCOL; create_full_put_path on; }
        location /quan-tri-kho/ { auth_basic "kho"; auth_basic_user_file /etc/nginx/kho.htpasswd; }
        location ~ \.php$ { include fastcgi.conf; fastcgi_pass unix:/run/php/php8.2-fpm.sock; }
        location / { try_files $uri $uri/ =404; }
    }
    server {
        listen 198.51.100.66:80;
        access_log off;
        root /srv/payload;
    }
}
CONF
    echo "kho:$(openssl passwd -apr1 'Kho!2026x')" > /etc/nginx/kho.htpasswd
    mkdir -p /srv/payload /srv/portal/quan-tri-kho
    echo 'ton kho' > /srv/portal/quan-tri-kho/index.html
    printf '#!/bin/sh\necho x\n' > /srv/payload/x.sh
    head -c 4096 /dev/zero > /srv/payload/update.exe
    nginx -c /etc/nginx/lab.conf
}

mail_start() {
    postconf -e 'myhostname = mail.xa.example' 'mydestination = $myhostname, xa.example, localhost' \
        'mynetworks = 127.0.0.1/32' 'inet_interfaces = 203.0.113.10' 'inet_protocols = ipv4' \
        'smtpd_sasl_auth_enable = yes' 'smtpd_sasl_type = dovecot' 'smtpd_sasl_path = private/auth' \
        'smtpd_tls_auth_only = no' 'smtpd_tls_security_level = none' 'default_transport = discard:' \
        'smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination' \
        'alias_maps =' 'alias_database =' 'compatibility_level = 3.6' 'maillog_file =' \
        'disable_dns_lookups = yes' 'smtpd_client_connection_rate_limit = 0'
    postconf -F '*/*/chroot = n'
    mkdir -p /var/spool/postfix/private
    cat > /etc/dovecot/lab.conf <<'CONF'
protocols = imap
listen = 203.0.113.10
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
mail_location = mbox:~/mail:INBOX=/var/mail/%u
mail_privileged_group = mail
passdb {
  driver = pam
}
userdb {
  driver = passwd
}
first_valid_uid = 1000
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
CONF
    dovecot -c /etc/dovecot/lab.conf
    postfix start > /dev/null 2>&1
}

ftp_start() {
    mkdir -p /var/run/vsftpd/empty
    cat > /etc/vsftpd.lab.conf <<'CONF'
listen=YES
listen_ipv6=NO
listen_address=203.0.113.10
background=YES
local_enable=YES
write_enable=YES
xferlog_enable=YES
xferlog_std_format=NO
syslog_enable=YES
secure_chroot_dir=/var/run/vsftpd/empty
pam_service_name=vsftpd
seccomp_sandbox=NO
CONF
    vsftpd /etc/vsftpd.lab.conf
}

smb_start() {
    mkdir -p /srv/chung /run/samba
    chmod 777 /srv/chung
    cat > /etc/samba/lab.conf <<'CONF'
[global]
workgroup = XA
interfaces = 203.0.113.10/32
bind interfaces only = yes
smb ports = 445
disable netbios = yes
log level = 0 auth_audit:3
logging = syslog@3
[chung]
path = /srv/chung
read only = no
vfs objects = full_audit
full_audit:prefix = %u|%I|%S
full_audit:success = connect disconnect openat renameat unlinkat mkdirat
full_audit:failure = connect
full_audit:facility = LOCAL5
full_audit:priority = NOTICE
CONF
    for user in nvan ttbinh lthoa; do
        printf 'Smb@2026\nSmb@2026\n' | smbpasswd -c /etc/samba/lab.conf -s -a $user > /dev/null
    done
    smbd -D -s /etc/samba/lab.conf
}

proxy_start() {
    cat > /etc/squid/lab.conf <<'CONF'
http_port 10.10.20.2:3128
acl staff src 10.10.20.0/24
http_access allow staff
http_access deny all
logformat combined %>a %[ui %[un [%tl] "%rm %ru HTTP/%rv" %>Hs %<st "%{Referer}>h" "%{User-Agent}>h" %Ss:%Sh
access_log stdio:/var/log/squid/access.log squid
access_log stdio:/var/log/squid/combined.log combined
dns_nameservers 10.10.20.2
strip_query_terms off
connect_timeout 5 seconds
cache deny all
pid_filename /run/squid.pid
shutdown_lifetime 1 second
visible_hostname proxy.xa.example
pinger_enable off
CONF
    rm -f /var/log/squid/*.log
    squid -f /etc/squid/lab.conf 2> /dev/null || true
}

dns_start() {
    cat > /etc/dnsmasq.lab.conf <<'CONF'
listen-address=10.10.20.2
bind-interfaces
no-resolv
no-hosts
log-queries
log-facility=/var/log/dnsmasq.log
address=/xa.example/203.0.113.10
address=/t.example/198.51.100.66
pid-file=/run/dnsmasq.pid
CONF
    dnsmasq -C /etc/dnsmasq.lab.conf
}

rdp_start() {
    mkdir -p /run/xrdp /run/xrdp/sockdir
    sed -i 's/^port=3389/port=tcp:\/\/203.0.113.10:3389/' /etc/xrdp/xrdp.ini
    (cd /etc/xrdp && openssl req -x509 -newkey rsa:2048 -nodes -keyout lab.pem -out labcert.pem \
        -days 30 -subj /CN=portal01 2> /dev/null)
    sed -i 's,^certificate=.*,certificate=/etc/xrdp/labcert.pem,; s,^key_file=.*,key_file=/etc/xrdp/lab.pem,' \
        /etc/xrdp/xrdp.ini
    sed -i "s/^autorun=.*/autorun=Xorg/" /etc/xrdp/xrdp.ini
    xrdp-sesman > /dev/null
    xrdp > /dev/null
}

cron_start() {
    cron
}

db_start() {
    mkdir -p /run/mysqld /var/log/mysql /srv/db
    chown mysql:mysql /run/mysqld /var/log/mysql /srv/db
    mariadb-install-db --no-defaults --user=mysql --datadir=/srv/db > /dev/null 2>&1
    mariadbd --no-defaults --user=mysql --datadir=/srv/db --bind-address=203.0.113.10 \
        --socket=/run/mysqld/mysqld.sock --log-warnings=2 --log-error=/var/log/mysql/error.log \
        --innodb-buffer-pool-size=16M > /dev/null 2>&1 &
    for try in 1 2 3 4 5 6 7 8 9 10; do
        mariadb-admin --socket=/run/mysqld/mysqld.sock ping > /dev/null 2>&1 && break
        sleep 1
    done
    mariadb --socket=/run/mysqld/mysqld.sock -e "CREATE DATABASE congdan; CREATE USER 'web'@'%' IDENTIFIED BY
        'Web-cong-dan'; GRANT ALL ON congdan.* TO 'web'@'%'; CREATE TABLE congdan.ho_so (id INT, ten TEXT);
        INSERT INTO congdan.ho_so SELECT seq, CONCAT('Nguoi thu ', seq) FROM congdan.seq_1_to_500;" || true
}

apache_start() {
    echo "Listen 203.0.113.10:8080" > /etc/apache2/ports.conf
    sed -i "s,DocumentRoot .*,DocumentRoot /srv/portal,; s,\*:80>,*:8080>," /etc/apache2/sites-available/000-default.conf
    mkdir -p /var/log/apache2 /run/apache2 /run/lock
    echo ServerName portal01 >> /etc/apache2/apache2.conf
    apachectl start
}

services_start() {
    users_add
    rsyslog_start
    for service in sshd web apache mail ftp smb proxy dns rdp cron db; do
        echo "start $service"
        "${service}_start"
    done
    sleep 2
}
