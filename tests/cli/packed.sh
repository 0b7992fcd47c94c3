#!/bin/sh
# packed.sh CANH SOURCE: archives and compressed files, whole, cut off and as bombs; EVTX files that
# are cut off or damaged (from the shared data; said when it is not there); encodings and line ends.
. "$(dirname "$0")/expect.sh"
shared=${CANH_SHARED:-$2/../shared}
ulimit -t 120

rule evil1 'Evil' high attack.t1059.001
evil='{"a":"evil1"}'
detect() { run "$canh" detect --rules "$home/evil1.yml" --stats "$@"; }
have() { command -v "$1" >/dev/null || { echo "left out: $1 is not there"; return 1; }; }
# Findings without the name of the file
same_findings() {
    sed 's/"file":"[^"]*"/"file":""/g' out >now
    cmp -s plain now || fail "$1 gives other findings than the plain file"
}

make_plain() {
    awk 'BEGIN { srand(7); for (i = 0; i < 20000; i++)
        printf "{\"a\":\"%s\",\"n\":%d,\"text\":\"%d-%d\"}\n", i % 5 ? "x" : "evil1", i, rand() * 1e9, rand() * 1e9 }' >x.ndjson
    detect x.ndjson
    expect_lines 4000
    sed 's/"file":"[^"]*"/"file":""/g' out >plain
}

# x.KIND from x.ndjson
pack() {
    case $1 in
    gz) have gzip && gzip -c x.ndjson >x.gz ;;
    zst) have zstd && zstd -q -c x.ndjson >x.zst ;;
    xz) have xz && xz -c x.ndjson >x.xz ;;
    bz2) have bzip2 && bzip2 -c x.ndjson >x.bz2 ;;
    lz4) have lz4 && lz4 -q -c x.ndjson >x.lz4 ;;
    zip) have zip && zip -q x.zip x.ndjson ;;
    tar) tar -cf x.tar x.ndjson ;;
    tar.gz) have gzip && tar -czf x.tar.gz x.ndjson ;;
    tar.zst) have zstd && tar --zstd -cf x.tar.zst x.ndjson ;;
    esac
}

whole() {
    make_plain
    for kind in gz zst xz bz2 lz4 zip tar tar.gz tar.zst; do
        pack $kind || continue
        detect x.$kind
        expect_code 0
        same_findings $kind
        "$canh" detect --rules "$home/evil1.yml" - <x.$kind >out 2>errors
        same_findings "$kind from the standard input"
        cat x.$kind | "$canh" detect --rules "$home/evil1.yml" - >out 2>errors
        same_findings "$kind from a pipe"
    done
}

# What comes before the cut is judged or nothing is, the rest of the command goes on, and it is said.
cut_off() {
    make_plain
    echo "$evil" >good.ndjson
    for kind in gz zst xz bz2 lz4 zip tar tar.gz tar.zst; do
        pack $kind || continue
        size=$(wc -c <x.$kind)
        for part in 6 100 $((size / 2)) $((size * 9 / 10)); do
            head -c $part x.$kind >cut.$kind
            detect cut.$kind good.ndjson
            grep -q '"file":"good.ndjson","line":1,' out || fail "what follows $kind cut at $part is not read"
            [ $part -lt 1000 ] || [ $kind = bz2 ] || [ $kind = lz4 ] || [ "$(wc -l <out)" -gt 100 ] ||
                fail "what comes before the cut at $part of $kind is not read"
            if [ $part -ge 100 ]; then
                expect_code 3
                expect_error "canh: cut.$kind"
                expect_figure unreadable 1
            fi
        done
        cp x.$kind broken.$kind
        printf 'XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX' | dd of=broken.$kind bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
        detect broken.$kind good.ndjson
        grep -q '"file":"good.ndjson","line":1,' out || fail "what follows a broken $kind is not read"
    done
}

nested() {
    echo "$evil" >x.ndjson
    have gzip && have zip || return
    gzip -c x.ndjson >inner.gz
    zip -q inner.zip x.ndjson
    zip -q outer.zip inner.gz inner.zip x.ndjson
    detect outer.zip
    expect_code 3
    expect_lines 2
    expect_out '"file":"outer.zip!inner.gz"'
    expect_out '"file":"outer.zip!x.ndjson"'
    expect_error 'outer.zip!inner.zip: an archive in an archive is not opened'
    gzip -c inner.gz >twice.gz
    detect twice.gz x.ndjson
    expect_code 3
    expect_lines 1
    expect_error 'twice.gz: '
}

# Names inside of archives: shown, never followed
names() {
    have python3 || return
    python3 - <<'EOF'
import tarfile, io
archive = tarfile.open('x.tar', 'w')
for name in ['../../outside.ndjson', '/etc/outside.ndjson', 'a\nb\x1b[2J.ndjson', 'x' * 3000 + '.ndjson']:
    member = tarfile.TarInfo(name)
    text = b'{"a":"evil1"}\n'
    member.size = len(text)
    archive.addfile(member, io.BytesIO(text))
link = tarfile.TarInfo('link.ndjson')
link.type = tarfile.SYMTYPE
link.linkname = '/etc/passwd'
archive.addfile(link)
archive.close()
EOF
    detect x.tar
    expect_lines 4
    [ ! -e ../../outside.ndjson ] && [ ! -e /etc/outside.ndjson ] || fail "a member was written"
    LC_ALL=C grep -q "$(printf '\033')" out && fail "a control character in a name"
}

bombs() {
    echo "$evil" >good.ndjson
    line="{\"a\":\"$(head -c 2000 /dev/zero | tr '\0' x)\"}"
    have zstd && {
        head -c 300000000 /dev/zero | tr '\0' x | zstd -q -1 -c >bomb.zst
        detect --format text bomb.zst good.ndjson
        expect_code 3
        expect_error 'bomb.zst: more than 1,000 times its size'
        expect_figure files 2
        expect_memory
    }
    yes "$line" | head -n 5000 | gzip -c >one.gz
    for copy in $(seq 35); do
        cat one.gz
    done >bomb.gz
    detect bomb.gz good.ndjson
    expect_lines 1
    expect_memory
    have zip && {
        yes "$line" | head -c 350000000 >bomb.yml
        zip -q -1 bomb.zip bomb.yml
        rm bomb.yml
        detect --format json bomb.zip good.ndjson
        expect_lines 1
        expect_memory
        run "$canh" rules check bomb.zip
        expect_code 3
        expect_out 'bomb.zip!bomb.yml: over 4194304 bytes'
    }
    # zeros look like an empty tar; nothing of them is read
    head -c 10000000 /dev/zero | gzip -c >one.gz
    for copy in $(seq 35); do
        cat one.gz
    done >bomb.gz
    detect bomb.gz good.ndjson
    expect_lines 1
    expect_memory
    # very many members
    have python3 || return
    python3 - <<'EOF'
import tarfile
archive = tarfile.open('many.tar.gz', 'w:gz', compresslevel=1)
for number in range(100200):
    archive.addfile(tarfile.TarInfo('%d.ndjson' % number))
archive.close()
EOF
    detect many.tar.gz good.ndjson
    expect_code 3
    expect_lines 1
    expect_error 'more than 100,000 members'
    expect_memory
}

encodings() {
    printf '{"a":"evil1","b":"đêm"}\n{"a":"x"}\n{"a":"evil1","b":"canh"}\n' >x.ndjson
    detect x.ndjson
    sed 's/"file":"[^"]*"/"file":""/g' out >plain
    expect_lines 2
    sed 's/$/\r/' x.ndjson >crlf.ndjson
    { printf '\357\273\277'; cat x.ndjson; } >bom.ndjson
    printf %s "$(cat x.ndjson)" >no_end.ndjson
    sed 's/^/   /; s/$/\n\n/' x.ndjson >blanks
    have iconv && {
        { printf '\377\376'; iconv -f UTF-8 -t UTF-16LE x.ndjson; } >le.ndjson
        { printf '\376\377'; iconv -f UTF-8 -t UTF-16BE x.ndjson; } >be.ndjson
        iconv -f UTF-8 -t UTF-16LE x.ndjson >le_without_mark.ndjson
        { printf '\377\376'; iconv -f UTF-8 -t UTF-16LE x.ndjson; printf '\000\330x'; } >le_cut.ndjson
    }
    for file in crlf bom no_end le be le_without_mark le_cut; do
        [ -f $file.ndjson ] || continue
        detect $file.ndjson
        expect_code 0
        same_findings $file
        cat $file.ndjson | "$canh" detect --rules "$home/evil1.yml" - >out 2>errors
        same_findings "$file in a pipe"
    done
    cat blanks | "$canh" detect --rules "$home/evil1.yml" - >out 2>errors
    expect_lines 2
}

evtx() {
    if [ ! -f "$shared/events/evtx-mitre-dev.tar.zst" ] || ! have zstd; then
        echo "left out: EVTX files: shared data not found"
        return
    fi
    tar --zstd -xf "$shared/events/evtx-mitre-dev.tar.zst" --wildcards '*ID33205-SQL Server failed login with disabled SA*'
    find . -name '*.evtx' -exec mv {} whole.evtx \;
    sed 's/a: evil1/EventID|exists: true/' "$home/evil1.yml" >any.yml
    all() { run "$canh" detect --rules any.yml --routing off --stats "$@"; }
    all whole.evtx
    expect_code 0
    records=$(figure events)
    [ "$records" -gt 0 ] || fail "no record in the whole file"
    expect_lines "$records"
    cat whole.evtx | "$canh" detect --rules any.yml --routing off - >out 2>errors
    expect_lines "$records"
    echo '{"EventID":1}' >good.ndjson
    size=$(wc -c <whole.evtx)
    for part in 1 8 100 4095 4096 4200 10000 $((size / 2)) $((size - 1)); do
        head -c $part whole.evtx >cut.evtx
        all cut.evtx good.ndjson
        grep -q '"file":"good.ndjson"' out || fail "what follows a file cut at $part is not read"
        case $code in 0 | 3) ;; *) fail "exit with a file cut at $part" ;; esac
        [ $part -lt 8 ] || [ $part -gt 4200 ] || [ "$code" = 3 ] || fail "a file cut at $part is taken as whole"
        expect_memory
    done
    # damaged bytes in the header, a chunk's header and a record
    for at in 16 40 4100 4112 4200 4700 5000 6000; do
        cp whole.evtx bad.evtx
        printf '\377\377\377\177\377\377\377\177\377\377\377\377' | dd of=bad.evtx bs=1 seek=$at conv=notrunc 2>/dev/null
        all bad.evtx good.ndjson
        grep -q '"file":"good.ndjson"' out || fail "what follows a file damaged at $at is not read"
        case $code in 0 | 3) ;; *) fail "exit with a file damaged at $at" ;; esac
        expect_memory
    done
}

cases whole cut_off nested names bombs encodings evtx
finish
