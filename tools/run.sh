#!/bin/sh
# tools/run.sh [--canh PROGRAM] [--var DIR] [options of `canh config propose`]
# What `make run` does behind the build: starts a node of its own in var/, which watches this
# machine, replays samples/ once as a marked exercise, and shows findings as they happen. On a
# terminal until Ctrl-C; elsewhere until the exercise is through. var/ is kept for the next run.
set -eu
home=$(cd "$(dirname "$0")/.." && pwd)
cd "$home"
canh=build/release/canh
var=var
while [ $# -gt 0 ]; do
    case $1 in
    --canh) canh=$2 ;;
    --var) var=$2 ;;
    *) break ;;
    esac
    shift 2
done
vietnamese=
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
vi*) vietnamese=1 ;;
esac
READY_SECONDS=60
END_SECONDS=60
PORTS_TRIED=16

# say ENGLISH VIETNAMESE
say() {
    if [ -n "$vietnamese" ]; then echo "$2"; else echo "$1"; fi
}
fail() {
    say "$@" >&2
    exit 1
}

node=
# End the node with us, whatever ends us; a second signal ends it at once.
node_end() {
    [ -n "$node" ] || return 0
    kill -TERM "$node" 2>/dev/null || :
    for _ in $(seq $((END_SECONDS * 10))); do
        kill -0 "$node" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$node" 2>/dev/null || :
    wait "$node" 2>/dev/null || :
    node=
}
watcher=
# While the watch is shown, Ctrl-C is how it ends; before that, the start is given up.
interrupted() {
    [ -n "$watcher" ] || exit "$1"
    kill -TERM "$watcher" 2>/dev/null || :
}
trap node_end EXIT
trap 'interrupted 130' INT
trap 'interrupted 143' TERM HUP

mkdir -p "$var" 2>/dev/null || :
[ -w "$var" ] ||
    fail "The folder $var cannot be written: make it yours (chown), or take it away and run again." \
        "Không ghi được vào thư mục $var: hãy đổi chủ sở hữu (chown), hoặc xóa đi rồi chạy lại."

# samples/ by flat names: a source follows the files of one folder
drill_make() {
    rm -rf "$var/drill.new"
    mkdir "$var/drill.new"
    find samples -type f ! -name '*.md' | while read -r file; do
        cp "$file" "$var/drill.new/$(echo "${file#samples/}" | tr / -)"
    done
    mv "$var/drill.new" "$var/drill"
}

first=
if [ ! -f "$var/canh.yaml" ]; then
    first=1
    umask 022
    "$canh" config propose --data "$var/data" --rules rules --drill "$var/drill" "$@" >"$var/canh.yaml.new" ||
        { rm -f "$var/canh.yaml.new"; exit 1; }
    mv "$var/canh.yaml.new" "$var/canh.yaml"
    say "Settings for this machine: $var/canh.yaml (yours to change; kept)" \
        "Cấu hình cho máy này: $var/canh.yaml (bạn có thể sửa; được giữ lại)"
fi
[ -d "$var/drill" ] || drill_make

"$canh" config check -q "$var/canh.yaml" ||
    fail "Mend $var/canh.yaml, or take it away: the next run makes a new one." \
        "Hãy sửa $var/canh.yaml, hoặc xóa đi: lần chạy sau sẽ tạo tệp mới."
if "$canh" status --config "$var/canh.yaml" -o ndjson 2>/dev/null | grep -q '"started"'; then
    fail "A node already runs in $var: end the other \`make run\` first, or look at it with: $canh watch --config $var/canh.yaml" \
        "Đã có một nút đang chạy trong $var: hãy kết thúc \`make run\` kia trước, hoặc xem nó bằng: $canh watch --config $var/canh.yaml"
fi

serve() {
    : >"$var/serve.log"
    # in a session of its own, so that Ctrl-C does not reach it before us
    setsid "$canh" serve --config "$var/canh.yaml" --data "$var/data" >>"$var/serve.log" 2>&1 </dev/null &
    node=$!
}
say "Starting the watch ..." "Đang khởi động ca canh ..."
serve

# port_next: where the log says that a port is taken, the settings name the one behind it from now on
port_next() {
    busy=$(sed -n 's/.*port \([0-9]*\) is taken by another program.*/\1/p' "$var/serve.log" | tail -n 1)
    [ -n "$busy" ] && [ "$busy" -lt 65535 ] && [ $ports -lt $PORTS_TRIED ] || return 1
    ports=$((ports + 1))
    cp -p "$var/canh.yaml" "$var/canh.yaml.new" || return 1
    sed -E "s/(listen: *[\"']?[^\"', }]*):$busy([^0-9]|\$)/\1:$((busy + 1))\2/g" \
        "$var/canh.yaml" >"$var/canh.yaml.new"
    if cmp -s "$var/canh.yaml" "$var/canh.yaml.new"; then
        rm -f "$var/canh.yaml.new"
        return 1
    fi
    mv "$var/canh.yaml.new" "$var/canh.yaml"
    say "Port $busy is busy: from now on $((busy + 1)) in $var/canh.yaml (tell it to what sends to $busy)." \
        "Cổng $busy đang bận: từ nay dùng cổng $((busy + 1)) trong $var/canh.yaml (hãy đổi ở nơi gửi tới $busy)."
}

# why_not: the newest errors of the log as plain lines
why_not() {
    sed -n 's/.*"level":"error".*"text":"\(.*\)".*/  \1/p; /^canh:/s/^/  /p' "$var/serve.log" |
        tail -n 5 >&2
}
tries=0
ports=0
until grep -q 'the watch is kept' "$var/serve.log"; do
    tries=$((tries + 1))
    if ! kill -0 "$node" 2>/dev/null; then
        node=
        if port_next; then
            serve
            continue
        fi
        why_not
        fail "The node did not start; $var/serve.log says more. A busy port: change it in $var/canh.yaml, or take that file away and free ones are looked for." \
            "Nút không khởi động được; xem thêm trong $var/serve.log. Nếu cổng đang bận: đổi cổng trong $var/canh.yaml, hoặc xóa tệp đó để tìm cổng trống."
    fi
    if [ $tries -gt $((READY_SECONDS * 10)) ]; then
        why_not
        fail "The node was not ready within $READY_SECONDS seconds; $var/serve.log says what it does." \
            "Sau $READY_SECONDS giây nút vẫn chưa sẵn sàng; xem $var/serve.log."
    fi
    sleep 0.1
done
if [ -n "$first" ]; then
    say "An exercise first: what real attacks left in samples/, through the live path:" \
        "Trước hết là diễn tập: dấu vết tấn công thật trong samples/ đi qua đường xử lý trực tiếp:"
else
    say "Going on in $var, with what was stored before." \
        "Tiếp tục trong $var, với những gì đã lưu trước đây."
fi

once=
[ -t 1 ] || once=--once
logs=
[ "${1:-}" != --logs ] || logs="--logs $2"
code=0
# shellcheck disable=SC2086
"$canh" watch --config "$var/canh.yaml" --data "$var/data" --drill $once $logs &
watcher=$!
while kill -0 "$watcher" 2>/dev/null; do
    code=0
    wait "$watcher" || code=$?
done
watcher=
if [ $code != 0 ]; then
    why_not
    fail "The watch ended before it should have; $var/serve.log says why." \
        "Ca canh kết thúc ngoài ý muốn; xem lý do trong $var/serve.log."
fi
node_end
say "Ended. What was stored is kept; its findings:" "Đã kết thúc. Dữ liệu được giữ lại; xem các phát hiện:"
echo "  $canh search --config $var/canh.yaml --data $var/data -p _findings '*'"
