#!/bin/sh
# config.sh CANH SOURCE: canh config check and print.
. "$(dirname "$0")/expect.sh"
source=$2
unset CANH_CONFIG

check_says_where_it_is_wrong() {
    printf 'store:\n  seal_rows: 5\n' >canh.yaml
    run "$canh" config check canh.yaml
    expect_code 0
    expect_out 'the configuration is good'
    run "$canh" config check --lang vi canh.yaml
    expect_code 0
    expect_out 'cấu hình đúng'
    printf 'store:\n  seal_row: 5\n  seal_age: 15\n' >canh.yaml
    run "$canh" config check canh.yaml
    expect_code 1
    expect_lines 0
    expect_error 'canh.yaml:2:3: there is no key "seal_row" in store: did you mean "seal_rows"?'
    expect_error 'canh.yaml:3:13: store.seal_age: 15 has no unit'
    run "$canh" config print canh.yaml
    expect_code 1
    expect_lines 0
}

files_are_found() {
    run "$canh" config check none.yaml
    expect_code 3
    expect_error 'none.yaml'
    run "$canh" config check a b
    expect_code 2
    run "$canh" config chec
    expect_code 2
    expect_error 'canh config check'
    mkdir conf.d
    printf 'store: {seal_rows: 5}\n' >canh.yaml
    printf 'store: {seal_rows: 6}\n' >conf.d/a.yaml
    CANH_CONFIG=$PWD/canh.yaml run "$canh" config print
    expect_code 0
    expect_out '  seal_rows: 6'
    CANH_CONFIG=$PWD/canh.yaml CANH_STORE_SEAL_ROWS=7 run "$canh" config print
    expect_out '  seal_rows: 7 # environment'
    CANH_STORE_SEAL_ROW=7 run "$canh" config check canh.yaml
    expect_code 1
    expect_error 'did you mean CANH_STORE_SEAL_ROWS?'
}

defaults_are_a_file_to_begin_with() {
    : >canh.yaml
    run "$canh" config print canh.yaml
    expect_code 0
    expect_out '  seal_rows: 1048576 # default'
    run "$canh" config print --defaults --lang vi
    expect_code 0
    expect_out 'kho sự kiện'
    run "$canh" config print --defaults
    expect_code 0
    cp out commented.yaml
    run "$canh" config check commented.yaml
    expect_code 0
    # with the marks of comment taken away, but for keys without a default
    sed -n 's/^#\( *[-a-z][- a-z_]*:\)/\1/p' commented.yaml |
        grep -v -E '^ +(match|format|timezone|product|category|service|system|unit|follow):$' |
        grep -v -E '^ +(certificate_file|key_file|name|paths|mappings|drop|tuning|update_[a-z_]+):$' |
        sed '/^listeners:/,$d' >plain.yaml
    # rows that want more than defaults
    cat >>plain.yaml <<'END'
listeners:
  - {name: in, source: example}
channels:
  - {name: chat, url: "https://chat.example/hook"}
  - {name: siren, kind: command, command: horn}
commands:
  - {name: horn, run: [/usr/bin/logger, -t, canh]}
END
    run "$canh" config check plain.yaml
    expect_code 0
    expect_out '1 sources, 1 named partitions'
}

the_documented_example_is_good() {
    sed -n '/^```yaml/,/^```$/p' "$source/docs/config.md" | grep -v '^```' >example.yaml
    [ -s example.yaml ] || fail "docs/config.md has no example"
    run "$canh" config check example.yaml
    expect_code 0
    expect_out '1 sources, 2 named partitions'
}

rows_are_held_against_each_other() {
    cat >canh.yaml <<'END'
web: {listen: "0.0.0.0:8480", name: "a b"}
serve: {log_level: loud}
sources:
  - {name: portal, follow: [/var/*/x.log]}
listeners:
  - {name: web, kind: smoke, source: nobody}
  - {name: in, listen: "10.0.0.1:99999", source: portal}
  - {name: open, listen: "10.0.0.1:99", source: portal}
channels:
  - {name: chat, url: "http://chat.example/"}
  - {name: siren, kind: command, command: horn}
commands:
  - {name: bell, run: [bell]}
END
    run "$canh" config check canh.yaml
    expect_code 1
    expect_error 'canh.yaml:1:1: web.tls: it listens beyond loopback'
    expect_error 'web.name: this is no host name'
    expect_error 'serve.log_level: there is no such level'
    expect_error 'canh.yaml:4:1: sources.portal.follow: * and ? may stand in the last part only'
    expect_error 'canh.yaml:6:1: listeners.web.kind: there is no such kind of listener'
    expect_error 'listeners.web.source: there is no such row in sources'
    expect_error 'listeners.web.name: web and control are taken'
    expect_error 'listeners.in.listen: "10.0.0.1:99999" is no address with a port'
    expect_error 'listeners.open.tls: it listens beyond loopback'
    expect_error 'channels.chat.url: a webhook wants an address that begins with https://'
    expect_error 'channels.siren.command: there is no such row in commands'
    expect_error 'commands.bell.run: it wants the whole path of a program'
}

propose_names_what_this_machine_has() {
    mkdir -p logs/nginx logs/audit
    : >logs/auth.log >logs/syslog >logs/mail.log >logs/nginx/access.log
    ln -s ../auth.log logs/audit/audit.log
    run "$canh" config propose --data data --logs "$PWD/logs" --drill drill --rules rules
    expect_code 0
    expect_out "data: \"$PWD/data\""
    expect_out "follow: [\"$PWD/logs/auth.log\"]"
    expect_out "follow: [\"$PWD/drill/*\"]"
    expect_out "# $PWD/logs/mail.log: its lines come by system, too"
    expect_no_out audit.log
    cp out canh.yaml
    run "$canh" config check canh.yaml
    expect_code 0
    mkdir journal
    run "$canh" config propose --logs "$PWD/logs" --journal "$PWD/journal"
    expect_out "journal: \"$PWD/journal\""
    expect_out "# $PWD/logs/auth.log: its lines come by journal, too"
    expect_out "follow: [\"$PWD/logs/nginx/access.log\"]"
    run "$canh" config propose --lang vi --logs "$PWD/none"
    expect_code 0
    expect_out "canh.yaml cho máy này"
    run "$canh" config propose canh.yaml
    expect_code 2
    expect_error "canh config propose > canh.yaml"
}

cases propose_names_what_this_machine_has rows_are_held_against_each_other check_says_where_it_is_wrong files_are_found defaults_are_a_file_to_begin_with \
    the_documented_example_is_good
finish
