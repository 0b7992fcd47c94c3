#!/bin/sh
# syslog.sh CANH SOURCE SEND: messages from real senders over UDP, TCP and TLS, syslog and GELF: each
# is found with who sent it; what is no message, too long or not allowed is counted, never silent.
. "$(dirname "$0")/expect.sh"
export CANH_STORE_RESERVE_BYTES=0
send=$3
. "$(dirname "$0")/node_life.sh"
command -v logger >/dev/null && command -v openssl >/dev/null || {
    echo 'skipped: logger and openssl are needed'
    exit 77
}

settings() { # settings [LISTENER LINES]
    rule_seen '[hitword]'
    cat >canh.yaml <<END
web: {listen: "127.0.0.1:0"}
rules: {paths: ["$PWD/rules"]}
sources:
  - {name: net, category: test}
listeners:
$1
END
    chmod 0644 canh.yaml
}
listener() { # listener NAME KIND [MORE]
    echo "  - {name: $1, listen: \"127.0.0.1:0\", kind: $2, source: net, token: false${3:+, $3}}"
}

logger_is_heard() {
    settings "$(listener u syslog-udp; listener t syslog-tcp)"
    node_start
    for i in 1 2 3; do
        logger --udp -n 127.0.0.1 -P "$(port_of u)" --rfc3164 -t app "udp3164 word$i hitword"
        logger --udp -n 127.0.0.1 -P "$(port_of u)" --rfc5424 -t app "udp5424 word$i"
        logger --tcp -n 127.0.0.1 -P "$(port_of t)" --rfc3164 -t app "tcp3164 word$i"
        logger --tcp -n 127.0.0.1 -P "$(port_of t)" --rfc5424 --octet-count -t app "tcp5424 word$i"
    done
    for kind in udp3164 udp5424 tcp3164 tcp5424; do
        expect_count 3 "$kind" _sender:127.0.0.1
    done
    expect_count 12 'word1 OR word2 OR word3'
    expect_count 3 -p _findings 'rule.title:Seen'
    run events udp5424 word2
    expect_out '"sender":"127.0.0.1"'
    node_stop
    expect_code 0
}

# Counted and lines on one connection; a message that is cut off by the connection's end.
framings_are_mixed() {
    settings "$(listener t syslog-tcp 'message_bytes: 1KiB')"
    node_start
    {
        printf '<13>Nov 22 10:00:00 host app: first line\n'
        printf '36 <13>Nov 22 10:00:00 h app: counted 1'
        printf '36 <13>Nov 22 10:00:00 h app: two\nlines'
        printf '\0\n\n123 no count at all\n'
        printf '<13>Nov 22 10:00:00 host app: long '
        head -c 2500 /dev/zero | tr '\0' y
        printf '\n400 <13>Nov 22 10:00:00 h app: unfinishedword'
    } >bytes
    "$send" tcp "$(port_of t)" bytes
    expect_count 1 'message:"first line"'
    expect_count 1 'message:"counted 1"'
    expect_count 1 'message:"*two*lines*"'
    expect_count 1 '"no count at all"'
    expect_count 1 'canh.part:first'
    expect_count 2 'canh.part:later'
    expect_count 1 'canh.part:unfinished' unfinishedword
    node_stop
}

garbage_is_refused() { [ "$(count -p _refused 'reason:*')" -ge 3 ]; }
garbage_hurts_nobody() {
    settings "$(listener u syslog-udp; listener t syslog-tcp; listener gu gelf-udp; listener gt gelf-tcp)"
    node_start
    head -c 300000 /dev/urandom >garbage
    for i in 1 2 3; do
        head -c $((i * 1000)) garbage >datagram
        "$send" udp "$(port_of u)" datagram
        "$send" udp "$(port_of gu)" datagram
    done
    "$send" tcp "$(port_of t)" garbage
    "$send" tcp "$(port_of gt)" garbage
    logger --tcp -n 127.0.0.1 -P "$(port_of t)" -t app stillhere
    expect_count 1 stillhere
    until_true garbage_is_refused || fail 'no garbage was refused'
    node_stop
    expect_code 0
}

# Megabytes that no message comes of: empty lines, and one GELF message that is much too long.
nothing_much_is_borne() {
    settings "$(listener t syslog-tcp; listener gt gelf-tcp)"
    node_start
    intake=$(role_pid intake)
    head -c 5000000 /dev/zero | tr '\0' '\n' >lines
    head -c 5000000 /dev/zero | tr '\0' 'y' >long
    "$send" tcp "$(port_of t)" lines
    "$send" tcp "$(port_of gt)" long
    logger --tcp -n 127.0.0.1 -P "$(port_of t)" -t app stillhere
    expect_count 1 stillhere
    expect_count 1 -p _refused 'reason:*message_bytes*'
    [ "$(role_pid intake)" = "$intake" ] || fail 'intake was started again'
    node_stop
    expect_code 0
}

gelf_is_heard() {
    settings "$(listener u gelf-udp; listener t gelf-tcp 'message_bytes: 1KiB')"
    node_start
    echo '{"version":"1.1","host":"h1","short_message":"plaingelf","_user":"an"}' >plain
    echo '{"version":"1.1","host":"h1","short_message":"packedgelf"}' | gzip >packed
    printf '{"version":"1.1","host":"h1","short_message":"chunkedgelf %s"}' \
        "$(head -c 3000 /dev/zero | tr '\0' z)" >whole
    for i in 0 1 2; do
        { printf '\036\017ABCDEFGH%b\003' "\\0$i"; tail -c +$((i * 1100 + 1)) whole | head -c 1100; } \
            >"chunk$i"
    done
    { printf '\036\017IJKLMNOP\000\002'; head -c 100 whole; } >alone
    "$send" udp "$(port_of u)" plain packed chunk2 chunk0 chunk1 alone
    { tr -d '\n' <plain; printf '\0'; sed 's/plain/second/' plain; printf '\0'; } >stream
    { printf '{"short_message":"'; head -c 3000 /dev/zero | tr '\0' z; printf '"}\0'; } >>stream
    { sed 's/plain/third/' plain; printf '\0'; } >>stream
    "$send" tcp "$(port_of t)" stream
    expect_count 2 message:plaingelf user:an _sender:127.0.0.1
    expect_count 1 message:packedgelf
    expect_count 1 'message:chunkedgelf*'
    expect_count 1 message:secondgelf
    expect_count 1 message:thirdgelf
    expect_count 1 -p _refused 'reason:*message_bytes*'
    expect_count 1 -p _refused 'reason:*never*'
    node_stop
}

# Who is not on the list is not heard, and that is seen.
only_the_allowed_are_heard() {
    settings "$(listener u syslog-udp 'allow: [127.0.0.1/32]'; listener t syslog-tcp 'allow: [127.0.0.1]')"
    node_start
    echo '<13>Nov 22 10:00:00 host app: goodone' >good
    echo '<13>Nov 22 10:00:00 host app: badone' >bad
    CANH_SEND_FROM=127.0.0.9 "$send" udp "$(port_of u)" bad
    CANH_SEND_FROM=127.0.0.9 "$send" tcp "$(port_of t)" bad
    "$send" udp "$(port_of u)" good
    "$send" tcp "$(port_of t)" good
    expect_count 2 goodone
    expect_count 0 badone
    expect_log '127.0.0.9 may not send here'
    node_stop
}

certificates() { # authority, a client of it, another's client, one that is no client's
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority \
        -keyout ca.key -out ca.crt 2>/dev/null
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=stranger \
        -keyout stranger.key -out stranger.crt 2>/dev/null
    for name in client server; do
        printf 'subjectAltName=DNS:fw1.so-a.example\nextendedKeyUsage=%sAuth\n' "$name" >extensions
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
            -keyout "$name.key" -out "$name.csr" 2>/dev/null
        openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
            -extfile extensions -out "$name.crt" 2>/dev/null
    done
    chmod 0644 ./*.crt
}
# tls TEXT UNTIL [S_CLIENT OPTIONS]: a message over TLS; the sender goes when UNTIL holds
tls() {
    text=$1
    tls_until=$2
    shift 2
    { printf '<13>Nov 22 10:00:00 host app: %s\n' "$text"; until_true "$tls_until"; } |
        openssl s_client -quiet -no_ign_eof -connect "127.0.0.1:$(port_of t)" "$@" >tls.out 2>&1
}
is_heard() { [ "$(count "$text")" = 1 ]; }
none_is_told() { [ "$(grep -c -F 'it shows no client certificate' log)" -ge 1 ]; }
one_is_refused() { [ "$(grep -c -F 'its client certificate is refused' log)" -ge 1 ]; }
two_are_refused() { [ "$(grep -c -F 'its client certificate is refused' log)" -ge 2 ]; }

tls_has_clients_with_certificates() {
    certificates
    settings "$(listener t syslog-tcp "tls: true, client_ca_file: \"$PWD/ca.crt\"")"
    node_start
    tls goodclient13 is_heard -tls1_3 -cert client.crt -key client.key -CAfile data/keys/ca.crt
    tls goodclient12 is_heard -tls1_2 -cert client.crt -key client.key
    tls nocertificate none_is_told
    tls stranger one_is_refused -cert stranger.crt -key stranger.key
    tls wrongpurpose two_are_refused -cert server.crt -key server.key
    echo '<13>Nov 22 10:00:00 host app: withouttls' >plain
    "$send" tcp "$(port_of t)" plain
    expect_count 1 goodclient13 _sender:fw1.so-a.example
    expect_count 1 goodclient12 _sender:fw1.so-a.example
    expect_count 0 'nocertificate OR stranger OR wrongpurpose OR withouttls'
    wait_for 'it shows no client certificate' || fail 'a missing certificate is not told'
    wait_for 'its client certificate is refused' 2 || fail 'a wrong certificate is not told'
    wait_for 'it speaks no TLS' || fail 'a sender without TLS is not told'
    node_stop
    expect_code 0
}

tls_without_certificates_of_clients() {
    settings "$(listener t syslog-tcp 'tls: true')"
    node_start
    tls anyclient is_heard
    expect_count 1 anyclient _sender:127.0.0.1
    node_stop
}

one_more_is_refused() {
    logger --tcp -n 127.0.0.1 -P "$(port_of t)" -t app onemore 2>/dev/null
    grep -q '127.0.0.1 is refused' log
}
connections_have_limits() {
    settings "$(listener t syslog-tcp 'connections_per_address: 1, timeout: 10s')"
    node_start
    mkfifo slow
    "$send" tcp "$(port_of t)" slow 2>/dev/null &
    sleeper=$!
    exec 9>slow
    printf '100 <13>Nov 22 10:00:00 host app: begunword' >&9
    until_true one_more_is_refused || expect_log '127.0.0.1 is refused'
    expect_count 1 begunword canh.part:unfinished # closed by the listener: its sender is still there
    kill -0 $sleeper || fail 'the slow sender has ended by itself'
    kill $sleeper
    wait $sleeper
    exec 9>&-
    logger --tcp -n 127.0.0.1 -P "$(port_of t)" -t app roomagain
    expect_count 1 roomagain
    node_stop
}

some_are_stored() { [ "$(count -p main 'number=*')" -gt 0 ]; }
# Nothing that was read is lost when the engine or the node starts again.
restarts_lose_nothing_that_was_read() {
    settings "$(listener u syslog-udp; listener t syslog-tcp)"
    node_start
    "$send" tcp-flood "$(port_of t)" 4000 200 4000 >sent &
    sender=$!
    until_true some_are_stored || fail 'nothing comes'
    role_kill engine
    wait $sender
    expect_count 4000 -p main 'number=*' _sender:127.0.0.1
    for part in 1 2 3 4 5 6 7 8 9 10; do # as many as the kernel holds everywhere
        "$send" udp-flood "$(port_of u)" 100 200 20000 >sent
        until_true udp_taken "$(port_of u)" || fail 'intake does not read'
    done
    node_stop
    node_start
    expect_count 5000 -p main _sender:127.0.0.1
    node_stop
}

cases logger_is_heard framings_are_mixed garbage_hurts_nobody nothing_much_is_borne gelf_is_heard \
    only_the_allowed_are_heard tls_has_clients_with_certificates \
    tls_without_certificates_of_clients connections_have_limits restarts_lose_nothing_that_was_read
finish
