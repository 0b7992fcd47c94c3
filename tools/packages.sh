#!/bin/sh
# tools/packages.sh GROUP...: installs the Debian packages of these groups of packages.txt that are
# missing. As root or in CI it goes ahead, otherwise it asks; where it cannot install, it prints the
# line that would and goes on, since the headers may be there by other means.
set -eu
cd "$(dirname "$0")/.."

wanted=$(awk -v groups="$*" '
    BEGIN { n = split(groups, list, " "); for (i = 1; i <= n; i++) take[list[i]] = 1 }
    /^#/ || NF < 2 { next }
    { for (i = 2; i <= NF; i++) if ($i in take) { print $1; next } }' packages.txt | sort -u)

if ! command -v dpkg-query >/dev/null 2>&1; then
    echo "Not a Debian system: these packages, or what matches them here, are needed:" $wanted >&2
    exit 0
fi
missing=
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -x installed || :)
    # npm also comes with a nodejs that is not Debian's, and excludes the package
    if [ "$package" = npm ] && command -v npm >/dev/null 2>&1; then continue; fi
    [ -n "$state" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
    as_root=sudo
    line="sudo $line"
fi
cannot() {
    echo "$1 Install them with:" >&2
    echo "  $line" >&2
    echo "Going on: the build says if something is really not there." >&2
    exit 0
}
command -v apt-get >/dev/null 2>&1 || cannot "Packages are missing and there is no apt-get."
if [ -n "$as_root" ]; then
    command -v sudo >/dev/null 2>&1 || cannot "Packages are missing, and this is not root and has no sudo."
    if [ -z "${CI:-}" ]; then
        [ -t 0 ] || cannot "Packages are missing, and nobody is there to be asked."
        printf 'Canh needs these Debian packages:%s\nInstall them with sudo apt-get? [Y/n] ' "$missing"
        read -r answer
        case $answer in
        '' | y | Y | yes | c | C) ;;
        *) cannot "Not installed." ;;
        esac
    fi
fi
install_missing() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        $missing </dev/null
}
echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! install_missing >"$log" 2>&1; then
    # the package list may be absent (a fresh machine) or too old
    $as_root apt-get update >>"$log" 2>&1 || :
    if ! install_missing >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        cannot "apt-get could not install the packages."
    fi
fi
