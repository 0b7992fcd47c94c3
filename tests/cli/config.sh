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
        grep -v -E '^ +(match|format|timezone|product|category|service|system|unit):$' >plain.yaml
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

cases check_says_where_it_is_wrong files_are_found defaults_are_a_file_to_begin_with \
    the_documented_example_is_good
finish
