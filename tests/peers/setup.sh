#!/bin/sh
# setup.sh SOURCE FOLDER: what the tests of this folder need and must not be installed: rsyslog and
# syslog-ng (each excludes the other, and either would become this machine's own syslog daemon) are
# unpacked, the npm packages of the lock file go beside them. What cannot be had is left out and
# said; its tests are then skipped.
set -u
here=$1/tests/peers
folder=$2
mkdir -p "$folder" || exit 1
rm -rf "$folder/matrix"
mkdir "$folder/matrix"

# unpack NAME PACKAGE...: Debian packages into the folder NAME
unpack() {
    name=$1
    shift
    [ ! -f "$folder/$name/complete" ] || return 0
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
    rm -rf "${folder:?}/$name" "$folder/packages"
    mkdir "$folder/$name" "$folder/packages"
    (
        cd "$folder/packages" || exit 1
        timeout 120 apt-get download "$@" >said 2>&1 || { tail -n 2 said; exit 1; }
        for package in *.deb; do
            dpkg-deb -x "$package" "$folder/$name" || exit 1
        done
    ) || return 1
    rm -rf "$folder/packages"
    : >"$folder/$name/complete"
}

install_npm() {
    command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 || return 1
    if cmp -s "$here/npm/package-lock.json" "$folder/npm/installed"; then
        return 0
    fi
    rm -rf "$folder/npm"
    mkdir "$folder/npm"
    cp "$here/npm/package.json" "$here/npm/package-lock.json" "$folder/npm/"
    (cd "$folder/npm" && timeout 240 npm ci --ignore-scripts --no-audit --no-fund >said 2>&1 ||
        { tail -n 2 said; exit 1; }) || return 1
    cp "$here/npm/package-lock.json" "$folder/npm/installed"
}

unpack rsyslog rsyslog rsyslog-gnutls rsyslog-elasticsearch libestr0 libfastjson4 liblognorm5 ||
    echo "left out: rsyslog (apt-get cannot download it here)"
unpack syslog-ng syslog-ng-core syslog-ng-mod-http syslog-ng-scl libivykis0 libnet1 ||
    echo "left out: syslog-ng (apt-get cannot download it here)"
install_npm || echo "left out: npm packages (no node with npm, or no registry)"
exit 0
