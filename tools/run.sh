#!/bin/sh
# tools/run.sh: replays the samples through the rules, then says how to go on.
set -eu
cd "$(dirname "$0")/.."
canh=build/release/canh
vietnamese=
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
vi*) vietnamese=1 ;;
esac

"$canh" detect --rules rules -o table ${vietnamese:+--lang vi} samples

echo
if [ -n "$vietnamese" ]; then
    echo "Nhật ký của bạn:    $canh detect --rules rules -o table /var/log /đường/dẫn/nhật-ký.evtx"
    echo "Quy tắc SigmaHQ:    git clone https://github.com/SigmaHQ/sigma &&" \
        "$canh detect --rules sigma/rules -o table NHẬT-KÝ"
    echo "Trang báo cáo:      $canh detect --rules rules -o html samples > canh.html"
else
    echo "Your own logs:      $canh detect --rules rules -o table /var/log /path/to/log.evtx"
    echo "SigmaHQ's rules:    git clone https://github.com/SigmaHQ/sigma &&" \
        "$canh detect --rules sigma/rules -o table LOGS"
    echo "A page to print:    $canh detect --rules rules -o html samples > canh.html"
fi
