#!/bin/sh
# The own rule pack: no problem in any rule, both languages in all of them, every case of rules/tests as
# it must be, nothing on the benign day, findings in the attack samples. Cases that refer to the shared
# events are left out (and named) without them.
# usage: rules.sh CANH SOURCE
set -eu
canh=$1 source=$2 shared=${CANH_SHARED:-$2/../shared}
cd "$source"
failed=0
"$canh" rules check --lint --strict rules || failed=1
for rule in $(find rules -name '*.yml' ! -path 'rules/tests/*'); do
    for key in title title_vi description description_vi; do
        grep -q "^$key:" "$rule" || { echo "$rule: no $key"; failed=1; }
    done
    grep -q 'attack\.t[0-9]' "$rule" || { echo "$rule: no ATT&CK technique"; failed=1; }
    folder=rules/tests/$(basename "$rule" .yml)
    ls "$folder"/negative* > /dev/null 2>&1 || { echo "$rule: no negative events"; failed=1; }
done
if [ -d "$shared/events" ]; then
    "$canh" rules test rules --events "$shared/events" || failed=1
else
    "$canh" rules test rules || failed=1
    echo "without the shared events"
fi
benign=$("$canh" detect --rules rules -q -o ndjson samples/benign 2> /dev/null | wc -l)
[ "$benign" -eq 0 ] || { echo "$benign findings on the benign day"; failed=1; }
for folder in samples/*/; do
    [ "$folder" = samples/benign/ ] && continue
    found=$("$canh" detect --rules rules -q -o ndjson "$folder" 2> /dev/null | wc -l)
    [ "$found" -gt 0 ] || { echo "$folder: no finding in recorded attacks"; failed=1; }
done
exit $failed
