#!/bin/sh
# Golden vectors of the Sigma language. tests/golden/vectors holds one file a form (a modifier, a condition,
# a correlation ...), and in tests/<form>/ the events that must and must not make it fire; the expected
# results are worked out from the specification by hand, never taken from the program. What `canh rules
# test` cannot say is checked here: rules that must be refused, placeholders, log source routing.
# usage: vectors.sh CANH SOURCE
set -eu
canh=$1 vectors=$2/tests/golden/vectors
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
: > "$work/passed"
: > "$work/failed"

# Counted in files, since most checks stand at the end of a pipe, in a shell of their own.
pass() { # TEXT
    echo "PASS $1" | tee -a "$work/passed"
}

fail() { # TEXT
    echo . >> "$work/failed"
    echo "FAIL $1"
}

# ---- the vectors themselves, the program's mappings in use

if "$canh" rules test "$vectors" --placeholders "$vectors/placeholders.txt" > "$work/out" 2> "$work/err"; then
    pass "vectors: $(tail -n 1 "$work/out")"
else
    fail 'vectors: canh rules test says:'
    cat "$work/out" "$work/err"
fi

for rule in "$vectors"/*.yml; do
    name=$(basename "$rule" .yml)
    if ! [ -f "$vectors/tests/$name/positive.ndjson" ] || ! [ -f "$vectors/tests/$name/expect.tsv" ]; then
        fail "$name: has no events that must make it fire, or no count of them"
    fi
done

# ---- rules that must be refused, and the code of the reason

codes() { # LEVEL, NDJSON of `rules check` on stdin -> codes, one a line
    sed -n 's/^{"level":"'"$1"'","code":"\([^"]*\)".*/\1/p'
}

refused() { # CODE WHAT [OPTION...], the rule on stdin
    code=$1 what=$2
    shift 2
    cat > "$work/rule.yml"
    status=0
    "$canh" rules check -o ndjson "$@" "$work/rule.yml" > "$work/out" 2> "$work/err" || status=$?
    if [ $status -eq 1 ] && codes error < "$work/out" | grep -qx -- "$code"; then
        pass "$what: refused"
    else
        fail "$what: wanted the error $code and exit code 1, found $status and: $(cat "$work/out")"
    fi
}

accepted() { # WHAT [OPTION...], the rule on stdin; warnings are allowed
    what=$1
    shift
    cat > "$work/rule.yml"
    if "$canh" rules check -o ndjson "$@" "$work/rule.yml" > "$work/out" 2> "$work/err"; then
        pass "$what: accepted"
    else
        fail "$what: must be accepted, but: $(cat "$work/out")"
    fi
}

warned() { # CODE WHAT, the rule on stdin
    accepted "$2"
    if codes warning < "$work/out" | grep -qx -- "$1"; then
        pass "$2: warned"
    else
        fail "$2: wanted the warning $1, found: $(cat "$work/out")"
    fi
}

detection() { # CONDITION ITEM... -> a rule whose selection has these items
    condition=$1
    shift
    printf 'title: t\nlogsource:\n    category: vectors\ndetection:\n    sel_a:\n'
    printf '        %s\n' "$@"
    printf '    sel_b:\n        g: 1\n    condition: %s\n' "$condition"
}

item() { # ITEM... -> a rule that asks for them
    detection 'sel_a or sel_b' "$@"
}

condition() { # CONDITION
    detection "$1" 'f: 1'
}

version_3() { # the rule on stdin
    sed 's/^title: t$/title: t\nsigma-version: 3/'
}

item 'f|contain: x' | refused unknown-modifier 'a modifier that is not there'
item 'f|Contains: x' | refused unknown-modifier 'a modifier in capitals'
item 'f|: x' | refused unknown-modifier 'an empty modifier'
item 'f|contains|startswith: x' | refused modifier-conflict 'contains with startswith'
item 'f|re|contains: x' | refused modifier-conflict 're with contains'
item 'f|i: x' | refused modifier-order 'i without re'
item 'f|i|re: x' | refused modifier-order 'i before re'
item 'f|gt|lt: 1' | refused modifier-conflict 'two comparisons'
item 'f|exists|contains: true' | refused modifier-conflict 'exists with another modifier'
item "f|exists: 'true'" | refused bad-exists 'exists with a text'
item 'f|exists: 1' | refused bad-exists 'exists with a number'
item 'f|gt: ten' | refused needs-number 'gt with a word'
item 'f|gte: true' | refused needs-number 'gte with a bool'
item 't|hour: 24' | refused bad-time-part 'an hour that is none'
item 't|month: 0' | refused bad-time-part 'a month that is none'
item 't|minute|hour: 1' | refused modifier-conflict 'two parts of a time'
item 'f|cidr: 10.0.0.0/33' | refused bad-network 'a network of 33 bits'
item 'f|cidr: example' | refused bad-network 'a network that is a word'
item "f|re: 'a(b'" | refused bad-regex 'a regular expression that does not close'
item "f|base64: 'a*b'" | refused bad-encoding 'base64 of a wildcard'
item "f|base64offset|contains: 'a'" | refused bad-encoding 'base64offset of one byte'
item "f|contains|base64: 'ab'" | refused modifier-order 'base64 behind contains'
item 'f: [a, null]' | refused bad-null 'null in a list'
item 'f|contains: null' | refused bad-null 'contains with null'
item 'f: []' | refused empty-list 'an empty list'
item 'f: {g: 1}' | refused bad-value 'a map as a value'
item 'f|fieldref: 5' | refused bad-fieldref 'fieldref to a number'
item "'|contains|startswith': [x]" | refused modifier-conflict 'keywords with two modifiers'
item "'|cidr': [10.0.0.0/8]" | refused modifier-needs-field 'cidr without a field'
item 'f|contains|all: x' | warned all-single 'all with one value'

condition 'sel_a | count() > 5' | refused old-aggregation 'the old count'
condition 'sel_a | count(f) by g > 5' | refused old-aggregation 'the old count of values'
condition 'sel_a | near sel_b' | refused old-aggregation 'the old near'
condition 'sel_a and' | refused bad-condition 'and without an end'
condition 'sel_a sel_b' | refused bad-condition 'two names side by side'
condition '(sel_a or sel_b' | refused bad-condition 'a parenthesis that does not close'
condition 'sel_a) or sel_b' | refused bad-condition 'a parenthesis that was not opened'
condition 'sel_c' | refused unknown-selection 'a selection that is not there'
condition '1 of filter*' | refused unknown-selection 'a pattern without a match'
condition 'sel_*' | refused bad-condition 'a pattern without of'
condition '3 of sel_*' | refused bad-condition 'three of two'
condition '0 of sel_*' | refused bad-condition 'none of'
condition 'some of sel_*' | refused bad-condition 'a word that is no number before of'
condition 'not' | refused bad-condition 'not alone'
condition '[]' | refused bad-condition 'an empty list of conditions'
condition "''" | refused bad-condition 'an empty condition'
item 'f: 1' | sed '/condition:/d' | refused no-condition 'no condition'
item 'f: 1' | sed 's/^title: t$/action: global/' | refused old-action 'the old action: global'
item 'f: 1' | sed 's/^title: t$/title: t\nsigma-version: 4/' | refused unknown-version 'version 4'
item 'f: 1' | sed 's/^title: t$/title: t\nlevel: urgent/' | refused unknown-level 'a level that is not there'
printf 'title: t\nlogsource:\n    category: x\n' | refused not-a-rule 'a document without a detection'
{ item 'f: 1' | sed 's/^title: t$/title: t\nid: one/'; echo ---; item 'f: 2' | sed 's/^title: t$/title: t\nid: one/'; } |
    refused duplicate-id 'one id for two rules'

# ---- array matching is of version 3

item 'f[any]: x' | refused array-matching 'field[any] in version 2'
item 'f[all]|contains: x' | refused array-matching 'field[all] in version 2'
item 'a[any].b: x' | refused array-matching 'a path with [any] in version 2'
item 'f[any]: x' | version_3 | accepted 'field[any] in version 3'
item 'f[any].g[all]: x' | version_3 | refused array-matching '[any] with [all]'

# ---- correlations

correlation() { # RULES LINE... -> a correlation of these rules, and the rules one and two
    rules=$1
    shift
    printf 'title: t\nname: top\ncorrelation:\n    rules: [%s]\n' "$rules"
    printf '    %s\n' "$@"
    for name in one two; do
        printf -- '---\ntitle: %s\nname: %s\nlogsource:\n    category: vectors\n' $name $name
        printf 'detection:\n    sel:\n        f: %s\n    condition: sel\n' $name
    done
}
count='type: event_count' minute='timespan: 1m' three='condition: {gte: 3}'

correlation one "$count" "$minute" "$three" | accepted 'a correlation that is good'
correlation one 'type: near' "$minute" "$three" | refused unknown-correlation 'a type that is not there'
correlation one "$minute" "$three" | refused unknown-correlation 'no type'
correlation '' "$count" "$minute" "$three" | refused bad-correlation 'no rules'
correlation one "$count" "$three" | refused bad-timespan 'no timespan'
for span in 5 m 5M 1w '5 m' 0m -5m 1h30m; do
    correlation one "$count" "timespan: $span" "$three" | refused bad-timespan "the timespan $span"
done
correlation one "$count" 'timeframe: 5m' "$three" | refused unknown-key 'timeframe for timespan'
correlation one "$count" "$minute" | refused bad-correlation 'event_count without a condition'
correlation one "$count" "$minute" 'condition: {gte: many}' | refused needs-number 'a count that is a word'
correlation one "$count" "$minute" 'condition: {above: 3}' | refused unknown-key 'a comparison that is not there'
correlation one "$count" "$minute" 'condition: {gte: 3, field: f}' | refused bad-correlation 'event_count with a field'
correlation one 'type: value_count' "$minute" "$three" | refused bad-correlation 'value_count without a field'
correlation one 'type: value_sum' "$minute" 'condition: {gte: 3, field: [a, b]}' |
    refused bad-correlation 'value_sum of two fields'
correlation one 'type: value_percentile' "$minute" 'condition: {gte: 3, field: a, percentile: 101}' |
    refused bad-correlation 'percentile 101'
correlation 'one, one' 'type: temporal' "$minute" | refused bad-correlation 'temporal of one rule twice'
correlation three "$count" "$minute" "$three" | refused unknown-rule 'a rule that is not there'
correlation top "$count" "$minute" "$three" | refused correlation-circle 'a correlation of itself'
correlation one "$count" "$minute" "$three" 'aliases: {a: {two: f}}' | refused bad-alias 'an alias of another rule'
correlation 'one, two' 'type: temporal' "$minute" 'condition: one and not two' |
    refused extended-condition 'an extended temporal condition in version 2'
correlation 'one, two' 'type: temporal' "$minute" 'condition: one and not two' | version_3 |
    accepted 'an extended temporal condition in version 3'
correlation 'one, two' 'type: temporal' "$minute" 'condition: one and three' | version_3 |
    refused unknown-selection 'an extended temporal condition over another rule'
correlation one "$count" "$minute" 'condition: one' | version_3 |
    refused extended-condition 'an extended condition of event_count'
chain() { # GROUP-BY of the inner correlation: the outer one groups by f
    correlation 'one, two' "$count" "$minute" "$three" 'group-by: [f]' | sed 's/one, two/inner, two/'
    printf -- '---\ntitle: inner\nname: inner\ncorrelation:\n    rules: [one]\n'
    printf '    %s\n' "$count" "$minute" "$three" "group-by: $1"
}
chain '[f, g]' | accepted 'a chain whose inner correlation groups by more'
chain '[g]' | warned not-grouped 'a chain whose inner correlation lacks the group of the outer one'

# ---- filters

filter() { # RULES
    item 'f: 1' | sed 's/^title: t$/title: t\nname: base/'
    printf -- '---\ntitle: f\nlogsource:\n    category: vectors\nfilter:\n    rules: %s\n' "$1"
    printf '    sel:\n        u: x\n    condition: sel\n'
}
filter '[base]' | accepted 'a filter that is good'
filter '[]' | refused bad-filter 'a filter of no rules'
filter '[other]' | warned unknown-rule 'a filter of a rule that is not there'
filter '[base]' | sed '/^    condition: sel$/d' | refused no-condition 'a filter without a condition'

# ---- placeholders

printf 'known: [a]\nempty: []\n' > "$work/values.txt"
item "f|expand: '%known%'" | refused unresolved-placeholder 'expand without values'
item "f|expand: '%known%'" | accepted 'expand with values' --placeholders "$work/values.txt"
item "f|expand: '%other%'" | refused unresolved-placeholder 'expand of another name' --placeholders "$work/values.txt"
item "f|expand: '%empty%'" | refused unresolved-placeholder 'expand of an empty list' --placeholders "$work/values.txt"
item "f: '%known%'" | accepted 'percent signs without expand'

# ---- a refused document does not take the good ones of its file with it

{ item 'f: x'; echo ---; item 'f|nothing: x'; } > "$work/mixed.yml"
echo '{"f":"x"}' > "$work/event.ndjson"
if [ "$("$canh" detect --rules "$work/mixed.yml" -q -o ndjson "$work/event.ndjson" 2> "$work/err" | wc -l)" -eq 1 ]; then
    pass 'a good rule beside a refused one fires'
else
    fail 'a good rule beside a refused one does not fire'
fi

# ---- routing off: what contradicts by its log source alone fires

findings() { # NAME EVENTS OPTION... -> how many
    name=$1 events=$2
    shift 2
    "$canh" detect --rules "$vectors/$name.yml" -q -o ndjson "$@" "$events" | wc -l
}

for name in route_product route_category route_service route_all; do
    events=$vectors/tests/$name/negative.ndjson
    wanted=$(wc -l < "$events")
    found=$(findings $name "$events" --routing off)
    if [ "$found" -eq "$wanted" ]; then
        pass "$name: all fire with routing off"
    else
        fail "$name: routing off must give $wanted findings, found $found"
    fi
done
given() { # SOURCE WANTED: all events are said to be of this log source
    found=$(findings route_all "$work/event.ndjson" --source "$1")
    if [ "$found" -eq "$2" ]; then
        pass "--source $1"
    else
        fail "--source $1: wanted $2 findings of route_all, found $found"
    fi
}
given windows/ps_script/powershell 1
given windows 1
given windows/ps_module/powershell 0
given linux 0

# ---- without mappings nothing is derived

found=$(findings derived_field "$vectors/tests/derived_field/positive.ndjson" --mappings none)
if [ "$found" -eq 0 ]; then
    pass 'derived_field: nothing without mappings'
else
    fail "derived_field: without mappings there is nothing to find, found $found"
fi

echo "vectors: $(wc -l < "$work/passed") checks passed, $(wc -l < "$work/failed") failed"
[ ! -s "$work/failed" ]
