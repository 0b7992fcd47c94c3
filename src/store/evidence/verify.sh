#!/bin/sh
# Checks that event.txt is the event whose Merkle root, chain head and signature are beside
# it. Needs sha256sum, cut, cat, printf and openssl (3.0 or later). Exit code 0: it is.
set -u
LC_ALL=C; export LC_ALL
cd "$(dirname "$0")" || exit 2
fail() { echo "FAILED: $1"; exit 1; }
unhex() {
    rest=$1
    while [ -n "$rest" ]; do
        tail=${rest#??}
        printf "\\$(printf '%03o' "0x${rest%"$tail"}")"
        rest=$tail
    done
}
digest() { sha256sum | cut -d ' ' -f 1; }
is_hex() {
    case $1 in *[!0-9a-f]*) return 1 ;; esac
    [ ${#1} -eq 64 ]
}
# head BEFORE ROOTLINE: SHA-256(0x02, head before, line without its head)
head_of() { { printf '\002'; unhex "$1"; printf '%s' "${2% *}"; } | digest; }

event=$(digest < event.txt)
node= sequence=
while read -r word value more || [ -n "$word" ]; do
    [ -z "$more" ] || fail 'path.txt has a line of more than two words'
    case $word in
    sequence)
        case $value in ''|*[!0-9]*) fail 'path.txt: sequence is no number' ;; esac
        sequence=$value
        number=$(printf '%016x' "$value")
        node=$({ printf '\000'; unhex "$number"; unhex "$event"; } | digest) ;;
    leaf)
        [ "$node" = "$value" ] || fail 'event.txt does not give the leaf of path.txt' ;;
    left)
        is_hex "$value" || fail 'path.txt: not a digest'
        node=$({ printf '\001'; unhex "$value"; unhex "$node"; } | digest) ;;
    right)
        is_hex "$value" || fail 'path.txt: not a digest'
        node=$({ printf '\001'; unhex "$node"; unhex "$value"; } | digest) ;;
    *) fail "path.txt: unknown word $word" ;;
    esac
done < path.txt
[ -n "$node" ] || fail 'path.txt is empty'

root=$(cat root.txt)
read -r kind partition number minute first last rows digest head more < root.txt ||
    fail 'root.txt is not whole'
[ "$kind" = root ] && [ -n "$head" ] && [ -z "$more" ] || fail 'root.txt: no root line'
[ "$digest" = "$node" ] || fail 'the path does not lead to the root of root.txt'
[ "$sequence" -ge "$first" ] && [ "$sequence" -le "$last" ] ||
    fail 'the event is not of this interval'

before=
current=$head
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    'before '*)
        before=${line#before }
        is_hex "$before" || fail 'chain.txt: not a digest'
        [ "$(head_of "$before" "$root")" = "$head" ] ||
            fail 'the head of root.txt does not follow from the one before' ;;
    "root $partition "*)
        next=$(head_of "$current" "$line")
        [ "$next" = "${line##* }" ] || fail 'chain.txt: a head does not follow'
        current=$next
        line=${line#root * }
        number=${line%% *} ;;
    *) fail 'chain.txt: unknown line' ;;
    esac
done < chain.txt
[ -n "$before" ] || fail 'chain.txt: the head before is missing'

found=no
while IFS= read -r line || [ -n "$line" ]; do
    [ "$line" = "$partition $number $current" ] && found=yes
done < heads.txt
[ $found = yes ] || fail "heads.txt does not have the partition's head"
heads=$(digest < heads.txt)
read -r kind time place previous signed key more < heads-line.txt || [ -n "$key" ] ||
    fail 'heads-line.txt is not whole'
[ "$kind" = heads ] && [ -z "$more" ] || fail 'heads-line.txt: no heads line'
[ "$signed" = "$heads" ] || fail 'heads.txt is not what was signed'
openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in heads-line.txt \
    -sigfile signature.bin > /dev/null 2>&1 || fail 'the signature does not hold'
name=$(openssl pkey -pubin -in key.pem -outform DER 2> /dev/null | tail -c 32 | digest)
[ "$(printf '%.16s' "$name")" = "$key" ] || fail 'key.pem is not the key that is named'
echo "OK: event $sequence of partition $partition, signed $time with key $key"
