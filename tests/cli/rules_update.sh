# Rules at run time: versions kept, shown, enabled and rolled back on a node that goes on watching.
# Usage: rules_update.sh CANH SOURCE_FOLDER
. "$(dirname "$0")/ingest_http.sh"

rule() { # rule NAME ID VALUE LEVEL
    printf 'title: %s\nid: %s\nstatus: stable\nlevel: %s\nlogsource: {category: test}\n' "$1" "$2" "$4"
    printf 'detection:\n  seen: {a: %s}\n  condition: seen\n' "$3"
}
post() { # post VALUE...: each an event
    for value in "$@"; do printf '{"a":"%s"}\n' "$value"; done >body
    code=$(curl -s -o out -w '%{http_code}' --data-binary @body "http://127.0.0.1:$port/api/v1/ingest")
    [ "$code" = 200 ] || fail "HTTP $code, not 200"
}
# findings TITLE COUNT
findings() {
    run "$canh" search --data data --partition _findings "rule.title:\"$1\"" -o ndjson
    [ "$(wc -l <out)" = "$2" ] || fail "$(wc -l <out) findings of $1, not $2"
}
rules() { run "$canh" rules "$@" --data data --config canh.yaml; }
version() { sed -n 's/^version //p' out | head -n 1; }

http_node false
port=$(port_of in)
intake=$(role_pid intake)
engine=$(role_pid engine)
post hit
findings Seen 1

# an imported pack: what is grave enough watches; what is wrong is refused and said
mkdir -p packs/acme
rule More 22222222-2222-4222-8222-222222222222 more high >packs/acme/more.yml
rule Quiet 33333333-3333-4333-8333-333333333333 quiet low >packs/acme/quiet.yml
printf 'title: [\n' >packs/acme/broken.yml
post more quiet
rules update packs/acme
expect_code 0
expect_out 'added: 2'
expect_out 'refused: 1'
expect_out 'More (watches)'
expect_out 'Quiet (off)'
expect_out '2 watch, 0 for correlations, 0 hunt only, 1 off'
expect_out 'More: 1 findings'
expect_out 'kept; to judge by it: canh rules enable'
first=$(version)
post more
findings More 0 # it is not enabled yet
rules enable "$(echo "$first" | cut -c 1-12)"
expect_code 0
judged_by "$first" || fail "intake did not take the new rules"
post more quiet hit
findings More 1
findings Quiet 0
findings Seen 2
expect_out '"rule.version"'

# another version of the same pack: changed and removed
rule More 22222222-2222-4222-8222-222222222222 other high >packs/acme/more.yml
rm packs/acme/quiet.yml packs/acme/broken.yml
rules update packs/acme --enable
expect_code 0
expect_out 'changed: 1'
expect_out 'removed: 1'
second=$(version)
judged_by "$second" || fail "intake did not take the second version"
post more other
findings More 2

run "$canh" rules versions --data data --config canh.yaml -o ndjson
expect_code 0
expect_out "\"version\":\"$second\",\"active\":true"
expect_out "\"version\":\"$first\",\"active\":false"

# back
rules rollback
expect_code 0
judged_by "$first" 2 || fail "intake did not go back"
post more other
findings More 3

[ "$(role_pid intake)" = "$intake" ] || fail "intake was started again"
[ "$(role_pid engine)" = "$engine" ] || {
    fail "the engine was started again"
    grep -v '"info"' log | tail -n 5
}

# a bundle that is signed: by the key of canh.yaml, unchanged, or not at all
openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out public.pem
openssl genpkey -algorithm ed25519 -out other.pem 2>/dev/null
chmod 600 key.pem other.pem
run "$canh" rules pack --key key.pem --pack acme signed.canh packs/acme
expect_code 0
rules update signed.canh
expect_code 2
expect_error 'rules.update_key_file'
sed "s|^rules: {|rules: {update_key_file: \"$PWD/public.pem\", |" canh.yaml >with-key.yaml
chmod 0644 with-key.yaml
run "$canh" rules update signed.canh --data data --config with-key.yaml
expect_code 0
run "$canh" rules pack --key other.pem --pack acme foreign.canh packs/acme
run "$canh" rules update foreign.canh --data data --config with-key.yaml
expect_code 2
expect_error 'signature does not hold'
{ head -c 200 signed.canh; printf 'x'; tail -c +202 signed.canh; } >tampered.canh
run "$canh" rules update tampered.canh --data data --config with-key.yaml
expect_code 2
expect_error 'signature does not hold'

# archives: one is taken, what is none or bursts is refused, and events go on
(cd packs && tar -czf ../acme.tar.gz acme)
rules update --pack acme acme.tar.gz --dry-run
expect_code 0
head -c 5000 /dev/urandom >bad.tar.gz
rules update --pack bad bad.tar.gz
expect_code 3
expect_error 'has no rules'
mkdir bomb
{
    printf 'a: &a [x,x,x,x,x,x,x,x,x]\n'
    last=a
    for n in b c d e f g h i j; do
        printf '%s: &%s [*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s,*%s]\n' $n $n $last $last $last $last $last \
            $last $last $last $last
        last=$n
    done
} >bomb/bomb.yml
run timeout 60 "$canh" rules update bomb --dry-run --data data --config canh.yaml
expect_code 0
expect_out 'bomb/bomb.yml:1: YAML anchors'
post hit
rules enable 0000
expect_code 2
expect_error 'there is no version 0000'

# a restart keeps what updates brought, reads what canh.yaml names again, and keeps tuning
node_stop
printf 'title: Not this one\nid: 55555555-5555-4555-8555-555555555555\nlogsource: {category: test}\n' >tuning.yml
printf 'filter:\n  rules: [22222222-2222-4222-8222-222222222222]\n  selection: {b: mine}\n  condition: not selection\n' >>tuning.yml
sed "s|^rules: {|rules: {tuning: [\"$PWD/tuning.yml\"], |" canh.yaml >tuned.yaml
mv tuned.yaml canh.yaml
chmod 0644 canh.yaml tuning.yml
node_start
port=$(port_of in)
post more
printf '{"a":"more","b":"mine"}\n' >body
curl -s -o out --data-binary @body "http://127.0.0.1:$port/api/v1/ingest"
findings More 4
rules update packs/acme --enable
expect_code 0
third=$(version)
judged_by "$third" || fail "intake did not take the third version"
printf '{"a":"other","b":"mine"}\n{"a":"other","b":"his"}\n' >body
curl -s -o out --data-binary @body "http://127.0.0.1:$port/api/v1/ingest"
findings More 5
node_stop
[ "$code" = 0 ] || fail "the node did not end well"
run "$canh" audit list --data data --config canh.yaml -o ndjson
expect_out '"rules.record"'
expect_out '"rules.enable"'
expect_out '"rules.rollback"'

# a finding says by which mapping its event was read
run "$canh" import --data other --rules "$2/rules/linux" "$2/samples/auditd"
expect_code 0
run "$canh" search --data other --partition _findings 'mapping.id:auditd' -o ndjson
expect_code 0
expect_out '"mapping.id":"auditd","mapping.version":1'
exit "$failed"
