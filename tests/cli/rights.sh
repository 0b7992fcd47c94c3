#!/bin/sh
# rights.sh CANH SOURCE: wider rights than a node may have refuse its start, and the mend that is
# printed makes it start.
. "$(dirname "$0")/expect.sh"
. "$(dirname "$0")/node_life.sh"
unset CANH_CONFIG

settings() {
    echo 'web: {listen: none}' >canh.yaml
    chmod 0644 canh.yaml
}

# refused MODE PATH: then what is printed is run, and the node starts
refused() {
    had=$(stat -c %a "$2")
    chmod "$1" "$2"
    node_fails
    expect_code 3
    mend=$(grep -o 'chmod [0-9a-z-]* [^ ,`:]*' errors | head -n 1)
    case $mend in
    "chmod "*"$2") ;;
    *) fail "$2 with mode $1: no mend in the message" ;;
    esac
    ${mend:-false}
    [ -e data/control.sock ] && fail "$2 with mode $1: the refused start left a socket"
    node_start
    node_stop
    expect_code 0
    after=$(stat -c %a "$2")
    [ $((0$after & ~0$had)) = 0 ] || fail "$2: the mend gives mode $after, it was $had"
}

wider_rights_are_refused() {
    settings
    node_start
    node_stop
    for wrong in 0777:data 0755:data/private 0750:data/keys 0777:data/state 0644:data/keys/node.key \
        0640:data/keys/ca.key 0604:data/keys/notary.key 0644:data/private/credentials.db \
        0666:data/state/state.db 0666:canh.yaml 0664:canh.yaml; do
        refused "${wrong%:*}" "${wrong#*:}"
    done
}

# Also for one command without a daemon.
commands_refuse_them_too() {
    settings
    node_own .
    # shellcheck disable=SC2086
    run $node_user "$canh" unit add alpha --title A --config canh.yaml --data data
    expect_code 0
    chmod 0644 data/private/credentials.db
    # shellcheck disable=SC2086
    run $node_user "$canh" unit add beta --title B --config canh.yaml --data data
    [ "$code" = 2 ] || [ "$code" = 3 ] || fail 'credentials that all may read are not refused'
    expect_error "chmod 0600 "
}

# Others' settings and links are no better than wide rights.
what_belongs_to_others_is_refused() {
    settings
    node_own .
    if [ "$(id -u)" = 0 ]; then
        chown 12345 canh.yaml
        # shellcheck disable=SC2086
        run timeout 60 $node_user "$canh" serve --config canh.yaml --data data
        expect_code 3
        expect_error 'chown root canh.yaml'
    fi
    rm canh.yaml
    settings
    node_own .
    mkdir elsewhere
    node_own elsewhere
    ln -s elsewhere data
    node_fails
    expect_code 3
    expect_error 'is no folder: move it away'
    [ -z "$(ls elsewhere)" ] || fail 'a link was followed'
}

a_new_folder_gets_its_mode() {
    settings
    mkdir data
    chmod 0755 data
    node_start
    [ "$(($(stat -c %a data) % 1000))" = 751 ] || fail "mode $(stat -c %a data)"
    node_stop
    expect_code 0
    # not one that holds something
    rm -rf data
    mkdir data
    chmod 0755 data
    echo >data/mine
    node_fails
    expect_code 3
    expect_error 'chmod 0751 '
    # nor one that others may write to
    rm data/mine
    chmod 0777 data
    node_fails
    expect_code 3
    expect_error 'chmod 0751 '
}

# The socket is the engine's alone, and in a folder that others only pass.
the_socket_is_not_for_all() {
    settings
    node_start
    [ "$(stat -c %a data/control.sock)" = 660 ] || fail "mode $(stat -c %a data/control.sock)"
    node_stop
    # what stands in its place is not followed
    ln -s "$PWD/canh.yaml" data/control.sock
    node_fails
    expect_code 3
    expect_error 'is no socket: move it away'
    grep -q 'listen: none' canh.yaml || fail 'the link was followed'
}

cases wider_rights_are_refused commands_refuse_them_too what_belongs_to_others_is_refused \
    a_new_folder_gets_its_mode the_socket_is_not_for_all
finish
