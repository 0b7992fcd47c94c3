# A rule that takes too much is suspended by name and others go on; it works again when told so; new
# indicators are looked for without a restart.
# Usage: rules_burden.sh CANH SOURCE_FOLDER
. "$(dirname "$0")/ingest_http.sh"

mkdir -p rules
cat >rules/slow.yml <<'END'
title: Slow one
id: 77777777-7777-4777-8777-777777777777
status: stable
level: high
logsource: {category: test}
detection:
  seen: {a|re: '^(a+)+$'}
  condition: seen
END
http_node false
port=$(port_of in)
intake=$(role_pid intake)
post_file() {
    code=$(curl -s -o out -w '%{http_code}' --data-binary "@$1" "http://127.0.0.1:$port/api/v1/ingest")
    [ "$code" = 200 ] || fail "HTTP $code, not 200"
}
found() { # found TITLE: how many findings
    run "$canh" search --data data --partition _findings "rule.title:\"$1\"" -o ndjson
    wc -l <out
}
printf '{"a":"aaaa"}\n{"a":"hit"}\n' >body.good
post_file body.good
[ "$(found 'Slow one')" = 1 ] || fail "the slow rule does not work at first"

# values on which the expression runs into its limits
long=$(printf 'a%.0s' $(seq 40))!
for i in $(seq 20); do printf '{"a":"%s%s"}\n' "$long" "$i"; done >body.slow
suspended() {
    "$canh" sources --data data --config canh.yaml >sources 2>&1
    "$canh" status --data data --config canh.yaml >shown 2>&1
    grep -q 'Slow one' sources shown
}
for _ in $(seq 60); do
    post_file body.slow
    suspended && break
    sleep 0.5
done
suspended || fail "the slow rule is not suspended: $(cat sources shown)"
run "$canh" audit list --data data --config canh.yaml -o ndjson
expect_out 'suspended: Slow one'
for _ in $(seq 100); do
    [ "$(found 'A rule is suspended')" -ge 1 ] && break
    run "$canh" search --data data --partition _findings 'rule.id:"canh-health-suspended"' -o ndjson
    [ -s out ] && break
    sleep 0.2
done
grep -q 'Slow one' out || fail "no health finding names the rule: $(cat out)"
slow=$(found 'Slow one')
seen=$(found Seen)
post_file body.good
[ "$(found 'Slow one')" = "$slow" ] || fail "the suspended rule still works"
[ "$(found Seen)" = $((seen + 1)) ] || fail "another rule does not go on"

run "$canh" rules resume 77777777-7777-4777-8777-777777777777 --data data --config canh.yaml
expect_code 0
for _ in $(seq 50); do
    post_file body.good
    [ "$(found 'Slow one')" -gt "$slow" ] && break
    sleep 0.2
done
[ "$(found 'Slow one')" -gt "$slow" ] || fail "the rule does not work again"

# an indicator that comes while the node runs
printf 'new-and-bad.example\n' >domains.txt
printf '{"query":"new-and-bad.example"}\n' >body.bad
post_file body.bad
[ "$(found 'Known indicator seen: domain')" = 0 ] || fail "an indicator that is not there yet"
run $node_user "$canh" intel import domains.txt --data data
[ "$code" = 0 ] || fail "intel import: $(cat out errors)"
for _ in $(seq 50); do
    post_file body.bad
    [ "$(found 'Known indicator seen: domain')" -ge 1 ] && break
    sleep 0.2
done
[ "$(found 'Known indicator seen: domain')" -ge 1 ] || fail "the new indicator is not looked for"
[ "$(role_pid intake)" = "$intake" ] || fail "intake was started again"
node_stop
[ "$code" = 0 ] || fail "the node did not end well"
exit "$failed"
