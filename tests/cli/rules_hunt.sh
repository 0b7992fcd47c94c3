# What a hunt without --rules looks for: the rules that the node watches with, and those of its packs
# that are written for hunting, which never watch. From the files, and by a node that runs.
# Usage: rules_hunt.sh CANH SOURCE_FOLDER
. "$(dirname "$0")/ingest_http.sh"

# rule NAME ID VALUE LEVEL [TAG]
rule() {
    printf 'title: %s\nid: %s\nstatus: stable\nlevel: %s\ntags: [%s]\n' "$1" "$2" "$4" "${5:-attack.t1001}"
    printf 'logsource: {category: test}\ndetection:\n  seen: {a: %s}\n  condition: seen\n' "$3"
}
post() { # post VALUE...: each an event
    for value in "$@"; do printf '{"a":"%s"}\n' "$value"; done >body
    code=$(curl -s -o out -w '%{http_code}' --data-binary @body "http://127.0.0.1:$port/api/v1/ingest")
    [ "$code" = 200 ] || fail "HTTP $code, not 200"
}
rules() { run "$canh" rules "$@" --data data --config canh.yaml; }
enabled() { # what update --enable printed is what intake judges by
    version=$(sed -n 's/^version //p' out | head -n 1)
    judged_by "$version" || fail "intake did not take $version"
}
titles() { sed -n 's/.*"title":"\([^"]*\)".*/\1/p' out | sort -u | tr '\n' ' '; }
# hunts WANTED [OPTION...]: these titles, from the files and by the node
hunts() {
    wanted=$1
    shift
    run "$canh" hunt --data data --config canh.yaml -o ndjson "$@"
    expect_code 0
    [ "$(titles)" = "$wanted" ] || fail "hunt $*: $(titles), not $wanted"
    [ -n "$node" ] || return 0
    run "$canh" hunt --server "$url" --token-file token -o ndjson "$@"
    expect_code 0
    [ "$(titles)" = "$wanted" ] || fail "hunt $* by the node: $(titles), not $wanted"
}

http_node false
node_stop
printf 'first pass word\n' >password
chmod 600 password
run "$canh" user add an --admin --password-file password --data data --config canh.yaml
run "$canh" token add all --right read --right search --expires 1d --user an --data data --config canh.yaml
expect_code 0
(umask 077 && sed -n 's/.*"token":"\([^"]*\)".*/\1/p' out >token)
[ -s token ] || fail 'no token'
node_start
port=$(port_of in)
url=http://127.0.0.1:$(port_of web)
post hit curious mild deep older

# nothing but canh.yaml's rules yet
hunts 'Seen '

# a pack: a rule that watches, one that is too mild, three for hunting
mkdir -p packs/acme/rules-threat-hunting
rule More 22222222-2222-4222-8222-222222222222 more high >packs/acme/more.yml
rule Mild 33333333-3333-4333-8333-333333333333 mild low >packs/acme/mild.yml
rule Curious 44444444-4444-4444-8444-444444444444 curious high detection.threat-hunting >packs/acme/curious.yml
rule Deep 55555555-5555-4555-8555-555555555555 deep low >packs/acme/rules-threat-hunting/deep.yml
cat >packs/acme/rules-threat-hunting/often.yml <<'END'
title: Often
id: 66666666-6666-4666-8666-666666666666
status: stable
level: low
correlation:
  type: event_count
  rules: [33333333-3333-4333-8333-333333333333]
  timespan: 1h
  condition: {gte: 1}
END
rules update packs/acme
expect_code 0
expect_out '2 watch, 0 for correlations, 4 hunt only, 0 off'
hunts 'Seen ' # it is not enabled yet
rules update packs/acme --enable
expect_code 0
enabled
post hit curious mild deep more

# live the rules for hunting never fire
watches() {
    run "$canh" search --data data --partition _findings 'rule.title:More' -o ndjson
    [ -s out ]
}
until_true watches || fail 'the pack does not watch'
run "$canh" search --data data --partition _findings '*' -o ndjson
expect_no_out 'Curious'
expect_no_out 'Deep'
expect_no_out 'Often'
expect_no_out 'Mild'

# a hunt finds what they say, of what came before, too; an input of theirs is not shown by itself
hunts 'Curious Deep More Often Seen '
hunts 'Curious Deep More Often Seen ' --hunting with
hunts 'More Seen ' --hunting without
hunts 'Curious Deep Often ' --hunting only
run "$canh" hunt --data data --config canh.yaml --hunting only -o ndjson
[ "$(grep -c Curious out)" = 2 ] || fail "not both events of Curious"
run "$canh" hunt --data data --rules packs/acme/more.yml --hunting only
expect_code 2
expect_error 'leave out --rules'
curl -s -o out -H "Authorization: Bearer $(cat token)" -H 'Content-Type: application/json' \
    --data '{"hunting":"only"}' "$url/api/v1/hunt"
expect_out 'Curious'
expect_no_out 'Seen'

# another version: what it does not hunt for any more is not found; back: it is again
rm packs/acme/curious.yml
rule Older 77777777-7777-4777-8777-777777777777 older low detection.threat-hunting >packs/acme/older.yml
rules update packs/acme --enable
expect_code 0
enabled
hunts 'Deep Often Older ' --hunting only
rules rollback
expect_code 0
is_back() {
    run "$canh" hunt --server "$url" --token-file token --hunting only -o ndjson
    [ "$(titles)" = 'Curious Deep Often ' ]
}
until_true is_back || fail "after a rollback: $(titles)"
hunts 'Curious Deep Often ' --hunting only

# without a node; a store that never had one hunts by canh.yaml
node_stop
hunts 'Curious Deep More Often Seen '
printf '{"a":"hit"}\n{"a":"curious"}\n' >events.ndjson
sed '/^listeners/,$d' canh.yaml >plain.yaml
run "$canh" import -q --data plain --config plain.yaml --source app events.ndjson
expect_code 0
run "$canh" hunt --data plain --config plain.yaml -o ndjson
expect_code 0
[ "$(titles)" = 'Seen ' ] || fail "without a node: $(titles)"
run "$canh" hunt --data plain --config plain.yaml --hunting only
expect_code 2
expect_error 'written for hunting'
exit "$failed"
