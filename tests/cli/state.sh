#!/bin/sh
# state.sh CANH SOURCE: the verbs of the command table, with and without a daemon.
. "$(dirname "$0")/node.sh"

register() {
    run "$canh" unit add it --title "Phòng CNTT"
    expect_code 0
    expect_out '{"id":1,"name":"it"}'
    run "$canh" unit list
    expect_code 0
    expect_lines 1
    expect_out '"title":"Phòng CNTT"'
    run "$canh" unit change it --title "Trung tâm" -o table --lang vi
    expect_code 0
    expect_out 'Xong: '
    expect_out ' it (mã 1)'
    run "$canh" unit list -o table
    expect_out 'Trung tâm'
    run "$canh" unit list --text "trung tam"
    expect_lines 1
    run "$canh" unit list --name nobody
    expect_lines 0
    run "$canh" unit list -o csv
    expect_lines 2
    run "$canh" unit add it --title Again
    expect_code 2
    run "$canh" unit remove nowhere
    expect_code 2
    run "$canh" unit remove it
    expect_code 0
    run "$canh" unit list
    expect_lines 0
}

what_is_typed_wrongly_is_said() {
    node_config
    run "$canh" unit ad it
    expect_code 2
    expect_error 'did you mean canh unit add?'
    run "$canh" unit
    expect_code 2
    run "$canh" unit add
    expect_code 2
    expect_error 'name is missing'
    run "$canh" unit add it
    expect_code 2
    expect_error '--title is missing'
    run "$canh" unit add it --title A --title B
    expect_code 2
    run "$canh" unit add it more --title A
    expect_code 2
    expect_error '"more" is too much'
    run "$canh" unit add it --titel A
    expect_code 2
    expect_error 'did you mean --title?'
    run "$canh" unit add it --title A --token-file phrase
    expect_code 2
    expect_error '--server'
    run "$canh" unit add IT --title A
    expect_code 2
    run "$canh" unit list more
    expect_code 2
    run "$canh" node note
    expect_code 2
    run "$canh" unit list --data nowhere
    expect_code 2
    expect_error 'there is no data folder nowhere'
    [ ! -e nowhere ] || fail "a list made a data folder"
}

without_a_daemon() {
    node_config
    register
    run "$canh" unit add it -v --title A
    expect_error 'alone'
}

with_a_daemon() {
    node_config
    node_start || return
    register
    run "$canh" unit add it -v --title A
    expect_error 'socket'
    node_stop
    run "$canh" unit list
    expect_lines 1
}

secrets_are_not_typed() {
    node_config
    printf 'first pass word\n' >password
    chmod 644 password
    run "$canh" user add an --admin --password-file password
    expect_code 2
    expect_error 'chmod 600 password'
    chmod 600 password
    run "$canh" user add an --admin --password-file password
    expect_code 0
    "$canh" user add binh --admin --password-stdin -q <password >out 2>errors || fail "user add"
    run "$canh" user add chi --admin --password first
    expect_code 2
    run "$canh" user add chi --admin --role lead
    expect_code 2
    run "$canh" user password --user an
    expect_code 2
    printf 'short\n' >password
    run "$canh" user add chi --admin --password-file password
    expect_code 2
    printf 'two\nlines of words\n' >password
    run "$canh" user add chi --admin --password-file password
    expect_code 2
    run "$canh" user list
    expect_lines 2
    expect_out '"role":"administrator"'
    run "$canh" audit list
    expect_no_out 'first pass word'
    ! grep -r -q 'first pass word' data || fail "a password stands in the data folder"
}

a_token_is_shown_once() {
    node_config
    printf 'first pass word\n' >password
    chmod 600 password
    run "$canh" user add an --admin --password-file password
    run "$canh" token add reader --right read --expires 1d --user an -o table
    expect_code 0
    expect_out 'canh_'
    expect_out 'only this once'
    run "$canh" token list
    expect_no_out 'canh_'
}

tables_come_with_a_dry_run() {
    node_config
    "$canh" unit add it --title A -q >/dev/null || fail "unit add"
    printf 'Mã hệ thống;Tên hệ thống;Đơn vị;Cấp độ\nportal;Cổng dịch vụ công;it;3\n' >a.csv
    run "$canh" system import a.csv --dry-run -o table --lang vi
    expect_code 0
    expect_out 'chưa thay đổi gì'
    expect_out 'portal'
    run "$canh" system list
    expect_lines 0
    run "$canh" system import a.csv
    expect_code 0
    run "$canh" system list
    expect_lines 1
    sed 's/;3$/;4/' a.csv >b.csv
    run "$canh" system import b.csv --dry-run -o table
    expect_out 'level: 3 -> 4'
    sed 's/;3$/;9/' a.csv >b.csv
    run "$canh" system import b.csv -o table
    expect_code 1
    expect_out 'line: 2'
    sed 's/Cấp/Cap doo/' a.csv >b.csv
    run "$canh" system import b.csv
    expect_code 1
    expect_error 'b.csv'
    run "$canh" system import none.csv
    expect_code 3
}

every_row_has_a_verb() {
    node_config
    run "$canh" completion bash
    expect_code 0
    sed -n "/^_canh_table=/,/^'\$/p" out | sed '1d;$d;s/ --.*//' >verbs
    [ "$(wc -l <verbs)" -gt 50 ] || fail "the completion has too few commands"
    for noun in unit user token session system host outbox; do
        grep -q "^$noun list" verbs || fail "$noun has no list"
    done
    while read -r verb; do
        for lang in en vi; do
            # shellcheck disable=SC2086
            LANG=$lang run "$canh" $verb --help
            expect_code 0
            mv out "help.$lang"
        done
        ! cmp -s help.en help.vi || fail "canh $verb --help is the same in both languages"
    done <verbs
    run "$canh" help --man
    expect_code 0
    expect_out '.Ss unit add'
    if command -v groff >/dev/null; then
        groff -mandoc -Kutf8 -Tutf8 -ww out >page 2>said || fail "groff"
        ! grep -v "can't break line" said || fail "groff has something to say"
    fi
}

a_server_is_asked() {
    node_config
    printf 'first pass word\n' >password
    chmod 600 password
    run "$canh" user add an --admin --password-file password
    run "$canh" token add all --right read --right register --right search --expires 1d --user an
    expect_code 0
    (umask 077 && value token >token)
    node_start || return
    port=$(port_of web)
    url=http://127.0.0.1:$port
    run "$canh" unit add it --title A --server "$url" --token-file token -v
    expect_code 0
    expect_error 'server'
    expect_out '"name":"it"'
    run "$canh" unit list --server "$url" --token-file token -o table
    expect_code 0
    expect_out 'it'
    printf 'name,title,unit,level\nportal,Cổng,it,3\n' >a.csv
    run "$canh" system import a.csv --server "$url" --token-file token
    expect_code 0
    run "$canh" system list --text cong --server "$url" --token-file token
    expect_lines 1
    run "$canh" unit add it --title A --server "$url" --token-file token
    expect_code 2
    run "$canh" user add chi --title C --role lead --server "$url" --token-file token --lang vi
    expect_code 1
    run "$canh" search '*' --server "$url" --token-file token
    expect_code 0
    run "$canh" search '*' --memory 100000000 --server "$url" --token-file token
    expect_code 3
    expect_error '--memory'
    echo canh_wrong >wrong
    chmod 600 wrong
    run "$canh" unit list --server "$url" --token-file wrong
    expect_code 1
    run "$canh" unit list --server "$url"
    expect_code 2
    run "$canh" unit list --server http://node.example --token-file token
    expect_code 2
    node_stop
    run "$canh" unit list --server "$url" --token-file token
    expect_code 3
}

who_has_no_session_begins_one() {
    node_config
    printf 'tre lang xanh ngat 7\n' >password
    printf 'sai mat khau 77\n' >wrong
    chmod 600 password wrong
    run "$canh" user add binh --title B --role officer
    expect_code 0
    run "$canh" user invite binh -o ndjson
    expect_code 0
    sed 's/.*"token":"\([^"]*\)".*/\1/' out >token
    chmod 600 token
    run "$canh" invite accept --token-file token --password-file password
    expect_code 0
    run "$canh" invite accept --token-file token --password-file password # once
    expect_code 2
    run "$canh" session open binh --password-file wrong
    expect_code 2
    expect_error 'name, password or code is wrong'
    run "$canh" session open binh --password-file password
    expect_code 0
    expect_out '"user":"binh"'
    run "$canh" session open binh --password x
    expect_code 2
    expect_error '--password'
}

cases who_has_no_session_begins_one what_is_typed_wrongly_is_said without_a_daemon with_a_daemon secrets_are_not_typed \
    a_token_is_shown_once tables_come_with_a_dry_run every_row_has_a_verb a_server_is_asked
finish
