#!/bin/sh
# rules.sh CANH: canh rules check, list, coverage; canh version.
. "$(dirname "$0")/expect.sh"

mkdir good bad
(cd good && rule rule1 'First, with "quotes"' high attack.t1059.001)
(cd good && rule rule2 'Second' low attack.t1059.001)
(cd good && rule rule3 'Third' critical attack.execution)
sed 's/a: rule1/a|nosuch: rule1/' good/rule1.yml >bad/rule1.yml

run "$canh" rules check good
expect_code 0
expect_lines 0
expect_error '3 rules in 3 files: 0 errors, 0 warnings'

run "$canh" rules check good bad
expect_code 1
expect_out 'bad/rule1.yml:12: '
expect_out 'nosuch'

run "$canh" rules check --sarif bad
expect_code 1
expect_lines 1
expect_out '"version":"2.1.0"'
expect_out '"artifactLocation":{"uri":"bad/rule1.yml"},"region":{"startLine":12'

run "$canh" rules check -o ndjson bad
expect_out '"file":"bad/rule1.yml","line":12,'
run "$canh" rules check -o csv bad
expect_out 'level,code,file,line,column,text'

run "$canh" rules check good nowhere
expect_code 3
expect_out 'nowhere: No such file or directory'

run "$canh" rules check
expect_code 2
run "$canh" rules check --sarfi good
expect_code 2
expect_error 'did you mean --sarif?'
run "$canh" rules chekc good
expect_code 2
expect_error 'did you mean canh rules check?'
run "$canh" rules
expect_code 2
run "$canh" rules check --help
expect_code 0
expect_out '--placeholders FILE'
run "$canh" rules check --help --lang vi
expect_out 'ngôn ngữ'

run "$canh" rules list -o csv good
expect_code 0
expect_lines 4
expect_out '00000000-0000-4000-8000-000000000001,high,test,detection,*/test,"First, with ""quotes""",Somebody Else,good/rule1.yml,1'
run "$canh" rules list good
expect_lines 3
expect_out '"title":"First, with \"quotes\""'
run "$canh" rules list -o table good
expect_lines 4
expect_out '000000000003  critical       test          */test'

run "$canh" rules coverage good
expect_code 0
expect_out '"layer":"4.5"'
expect_out '{"techniqueID":"T1059.001","score":2,'
expect_out '3 rules, 1 of them without a technique'
run "$canh" rules coverage -o csv good
expect_lines 2

run "$canh" version
expect_code 0
expect_out 'canh '
run "$canh" version -o ndjson
expect_out '"commit":"'

finish
