#!/bin/sh
# Records samples/ from real programs. Needs root on a Debian 12 machine with the packages of README.md.
# Usage: lab.sh OUT_DIR
#
# Everything runs in its own network, mount, host name and process namespace: there is no way out but
# loopback, changes to /etc, /var, /home, /srv and /root go to an overlay that is thrown away, and every
# program ends when the first one ends. Bounded: LAB_TIME_MAX_S seconds.
set -eu

LAB_TIME_MAX_S=1500
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:?usage: lab.sh OUT_DIR}

if [ "${LAB_INSIDE:-}" != 1 ]; then
    mkdir -p "$out"
    out=$(CDPATH='' cd -- "$out" && pwd)
    work=$(mktemp -d)
    trap '"$here/audit.sh" stop "$work" "$out"; rmdir "$work/lab" 2>/dev/null; rm -rf "$work"' EXIT
    mkdir "$work/lab"
    "$here/audit.sh" start "$work" "$out"
    LAB_INSIDE=1 LAB_WORK=$work/lab timeout -k 5 "$LAB_TIME_MAX_S" \
        unshare -n -u -m -p --fork --kill-child --mount-proc "$here/lab.sh" "$out"
    exit
fi

mount -t tmpfs -o mode=755 lab "$LAB_WORK"
for dir in etc var home srv root; do
    mkdir "$LAB_WORK/$dir.up" "$LAB_WORK/$dir.work"
    mount -t overlay lab -o "lowerdir=/$dir,upperdir=$LAB_WORK/$dir.up,workdir=$LAB_WORK/$dir.work" "/$dir"
done
mount -t tmpfs -o mode=755 run /run
mkdir /run/out /run/olddev
mount --bind "$out" /run/out
out=/run/out
mount --rbind /dev /run/olddev
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=755 dev /dev
for node in null zero full random urandom tty; do
    : > "/dev/$node"
    mount --bind "/run/olddev/$node" "/dev/$node"
done
mkdir /dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /dev/pts
ln -s pts/ptmx /dev/ptmx
for dir in shm; do
    mkdir "/dev/$dir"
    mount --rbind "/run/olddev/$dir" "/dev/$dir"
done
ln -s /proc/self/fd /dev/fd

hostname portal01
echo "127.0.0.1 localhost portal01" > /etc/hosts
ip link set lo up
. "$here/addresses.sh"
for address in $SERVER $PROXY $STAFF $ATTACKERS; do
    ip addr add "$address/32" dev lo
done

mkdir -p /tmp/mark
. "$here/cut.sh"
. "$here/services.sh"
services_start
for part in benign attack_logins attack_web attack_host attack_files; do
    case " ${LAB_PARTS:-benign attack_logins attack_web attack_host attack_files} " in
        *" $part "*) . "$here/$part.sh" ;;
    esac
done
echo "recorded into $out"
