#!/bin/sh
# python_elastic.sh CANH SOURCE FOLDER: the bulk helper of python3-elasticsearch, with ids.
. "$(dirname "$0")/peer.sh"
python=/usr/bin/python3 # the one that Debian's packages are for
[ -x $python ] || skip "no python3"
$python -c 'import elasticsearch' 2>/dev/null || skip 'no elasticsearch (package python3-elasticsearch)'

by_bulk() {
    settings http 'token: true'
    node_start
    token_make
    cp "$here/python_elastic.py" .
    peer_start $python python_elastic.py "http://127.0.0.1:$port" "$token" "$EVENTS" 8
    storm term engine intake all
    peer_wait 110
    expect_code 0
    number=$(sed -n 's/^elasticsearch-py \([0-9.]*\) .*/\1/p' peer.log)
    reckon "elasticsearch-py $number bulk" yes
    expect_lost 0
    expect_doubled 0
    node_stop
}

cases by_bulk
finish
