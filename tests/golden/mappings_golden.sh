#!/bin/sh
# Proves each shipped mapping on lines of the real product: a folder of tests/golden/mappings holds
# lines.<format> (or shared.txt: a file of the shared data, and a member when it is an archive, or
# lines=N,N,... of it in rising order),
# source.txt (where the lines come from), rule.yml (own rules) and/or rule.txt (paths inside the shared
# archive of SigmaHQ rules), and expect.tsv: the findings, `line TAB rule id`, exactly these, routing on.
# What needs the shared data is left out without it, and said. Every mapping is part of the program.
# usage: mappings_golden.sh CANH SOURCE [FOLDER...]
set -eu
canh=$1 source=$2 shared=${CANH_SHARED:-$2/../shared}
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
have_rules=no
if [ -f "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" ]; then
    mkdir "$work/sigmahq"
    tar --zstd -xf "$shared/sigma/sigmahq-rules-8eaafff1.tar.zst" -C "$work/sigmahq" --strip-components=1
    have_rules=yes
fi
[ $# -gt 0 ] || set -- "$source"/tests/golden/mappings/*/
passed=0 failed=0 skipped=0

pairs() { # NDJSON findings -> sorted "line TAB rule id"
    awk '{
        at = index($0, "\"id\":\""); rest = substr($0, at + 6); id = substr(rest, 1, index(rest, "\"") - 1)
        at = index($0, "\"event\":{\"file\":\""); rest = substr($0, at + 17)
        at = index(rest, "\"line\":"); rest = substr(rest, at + 7)
        print (rest + 0) "\t" id
    }' | LC_ALL=C sort
}

lines_of() { # FOLDER -> path of its lines, "" when they are shared data that is not there
    if [ ! -f "$1/shared.txt" ]; then
        echo "$1"/lines.*
        return
    fi
    read -r file member < "$1/shared.txt"
    [ -f "$shared/$file" ] || return 0
    case $member in
    '') zstd -dqc "$shared/$file" > "$work/lines.json" ;;
    lines=*) zstd -dqc --long=27 "$shared/$file" | awk -v wanted="${member#lines=}" '
        BEGIN { count = split(wanted, number, ",") }
        NR == number[at + 1] { print; if (++at == count) exit }' > "$work/lines.json" ;;
    *) tar --zstd -xOf "$shared/$file" "$member" > "$work/lines.json" ;;
    esac
    echo "$work/lines.json"
}

for folder in "$@"; do
    folder=${folder%/} name=$(basename "$folder")
    lines=$(lines_of "$folder")
    if [ -z "$lines" ]; then
        echo "$name: skipped: shared data not found"
        skipped=$((skipped + 1))
        continue
    fi
    rm -rf "$work/rules"
    mkdir "$work/rules"
    [ ! -f "$folder/rule.yml" ] || cp "$folder/rule.yml" "$work/rules/own.yml"
    if [ -f "$folder/rule.txt" ]; then
        while read -r path; do
            if [ $have_rules = yes ]; then
                cp "$work/sigmahq/$path" "$work/rules/"
            else
                echo "$name: left out: $path: shared data not found"
            fi
        done < "$folder/rule.txt"
    fi
    cat "$work"/rules/*.yml | tr -d '\r' | sed -n 's/^id: *\([^ ]*\).*/\1/p' > "$work/ids"
    grep -F -f "$work/ids" "$folder/expect.tsv" | LC_ALL=C sort > "$work/wanted" || true
    "$canh" detect --rules "$work/rules" --routing on --format "${lines##*.}" -q -o ndjson "$lines" |
        pairs > "$work/got"
    if cmp -s "$work/wanted" "$work/got"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name: wanted (<) and found (>) differ:"
        diff "$work/wanted" "$work/got" || true
    fi
done
for file in "$source"/mappings/*.yaml; do
    if ! grep -q "^    $(basename "$file"))\{0,1\}\$" "$source/src/watch/CMakeLists.txt"; then
        echo "$(basename "$file") is not embedded: add it to src/watch/CMakeLists.txt"
        failed=$((failed + 1))
    fi
done
echo "mappings: $passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
