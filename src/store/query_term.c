/* One term of a filter: `field|modifier:value`, its lists and ranges, and free text. */
#include "store/query_inside.h"

struct expr *query_group(struct query_reader *r, enum expr_kind kind, struct expr *const *children,
                         uint32_t count)
{
    if (count == 1 && kind != EXPR_NOT)
        return children[0];
    struct expr *e = arena_alloc(&r->query->arena, sizeof(*e));
    *e = (struct expr){.kind = kind, .child_count = count, .line = 1};
    e->children = arena_alloc(&r->query->arena, count * sizeof(struct expr *));
    memcpy(e->children, children, count * sizeof(struct expr *));
    return e;
}

/* A field with its modifiers, as it stands before the colon. */
struct term_key {
    struct slice name, modifiers; /* modifiers: from the first '|' on, or empty */
    size_t at;
    uint32_t column;
    bool any; /* _any: free text */
};

struct value_list {
    struct item_value *items;
    uint32_t count, capacity;
};

static bool ask(struct query_reader *r, const struct term_key *key, const char *more,
                const struct item_value *values, uint32_t count, struct query_node *out)
{
    const char *mods = key->any && key->modifiers.len == 0 && !*more ? "|contains" : more;
    struct slice text =
        arena_printf(&r->query->arena, "%.*s%.*s%s", (int)key->name.len, key->name.data,
                     (int)key->modifiers.len, key->modifiers.data, mods);
    *out = (struct query_node){.truth = QUERY_DEPENDS};
    int rc = item_read(r->items, text, key->column, values, count, &out->expr, r->err);
    return rc == ERR_OK;
}

static void value_add(struct query_reader *r, struct value_list *list,
                      const struct query_word *word, bool as_text)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 8;
        struct item_value *more = arena_alloc(&r->query->arena, list->capacity * sizeof(*more));
        if (list->count)
            memcpy(more, list->items, list->count * sizeof(*more));
        list->items = more;
    }
    list->items[list->count++] = (struct item_value){
        .text = word->text, .quoted = word->quoted || as_text, .column = query_column(r, word->at)};
}

/* One value of a field; words that are operators must be in quotes. */
static bool read_value(struct query_reader *r, const char *stops, struct query_word *out)
{
    static const char *const reserved[] = {"AND", "OR", "NOT", "TO"};
    query_skip_blanks(r);
    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
        if (query_word_next(r, reserved[i]))
            return query_fail(r, r->at, ERR_SYNTAX,
                              "a value is expected, not the operator %s (put it in quotes to "
                              "search the word)",
                              reserved[i]);
    if (!query_read_word(r, stops, out))
        return false;
    if (out->text.len > 0 || out->quoted)
        return true;
    return query_fail(r, r->at, ERR_SYNTAX,
                      "a value is expected, not %s (values with blanks, brackets, commas or "
                      "pipes go in quotes)",
                      query_found(r, r->at));
}

/* --- ranges --- */

static bool compare(struct query_reader *r, const struct term_key *key, const char *modifier,
                    const struct query_word *word, struct query_node *out)
{
    struct item_value value = {.text = word->text, .column = query_column(r, word->at)};
    double number;
    if (!predicate_number_of(word->text, &number))
        return query_fail(r, word->at, ERR_SYNTAX,
                          "'%.*s' is no number: only numbers and times are compared (networks: "
                          "field|cidr:10.0.0.0/8)",
                          query_width(word->text), word->text.data);
    return ask(r, key, modifier, &value, 1, out);
}

/* >5, >=5, <5, <=5 */
static bool read_comparison(struct query_reader *r, const struct term_key *key,
                            struct query_node *out)
{
    struct query_word word;
    bool less = query_peek(r) == '<';
    r->at++;
    bool equal = query_take_char(r, '=');
    if (!read_value(r, "", &word))
        return false;
    return compare(r, key, less ? (equal ? "|lte" : "|lt") : equal ? "|gte" : "|gt", &word, out);
}

static bool is_star(const struct query_word *word)
{
    return !word->quoted && slice_equal(word->text, SLICE("*"));
}

static bool read_exists(struct query_reader *r, const struct term_key *key, struct query_node *out)
{
    struct item_value yes = {.text = SLICE("true")};
    return ask(r, key, "|exists", &yes, 1, out);
}

/* The rest of [1 TO 5], (1 TO 5], {1 TO 5} behind its first value. */
static bool read_range(struct query_reader *r, const struct term_key *key, size_t open,
                       const struct query_word *low, struct query_node *out)
{
    struct query_word high;
    struct query_node parts[2];
    double from = 0, until = 0;
    bool low_open = is_star(low);
    if (!query_take_word(r, "TO"))
        return query_fail(r, r->at, ERR_SYNTAX, "TO is expected, as in [1 TO 5], not %s",
                          query_found(r, r->at));
    if (!read_value(r, "]}", &high))
        return false;
    query_skip_blanks(r);
    char close = query_peek(r);
    if (close != ']' && close != ')' && close != '}')
        return query_fail(r, r->at, ERR_SYNTAX, "']' or ')' is expected to end the range");
    r->at++;
    bool high_open = is_star(&high);
    if (low_open && high_open)
        return read_exists(r, key, out);
    if (!low_open && !compare(r, key, r->text.data[open] == '[' ? "|gte" : "|gt", low, &parts[0]))
        return false;
    if (!high_open && !compare(r, key, close == ']' ? "|lte" : "|lt", &high, &parts[1]))
        return false;
    if (low_open || high_open) {
        *out = parts[low_open ? 1 : 0];
        return true;
    }
    (void)predicate_number_of(low->text, &from);
    (void)predicate_number_of(high.text, &until);
    if (from > until)
        return query_fail(r, open, ERR_SYNTAX, "the range is empty: its end is below its begin");
    struct expr *both[] = {parts[0].expr, parts[1].expr};
    *out = (struct query_node){QUERY_DEPENDS, query_group(r, EXPR_AND, both, 2)};
    return true;
}

/* --- lists --- */

static bool has_all(const struct term_key *key)
{
    struct slice rest = key->modifiers;
    while (rest.len > 0)
        if (slice_equal(slice_cut(&rest, '|'), SLICE("all")))
            return true;
    return false;
}

static bool list_separator(struct query_reader *r, char *kind)
{
    size_t at = r->at;
    char found = query_take_char(r, ',')     ? ','
                 : query_take_word(r, "OR")  ? 'o'
                 : query_take_word(r, "AND") ? 'a'
                                             : 0;
    if (found == 0)
        return query_fail(r, r->at, ERR_SYNTAX,
                          "a comma, OR, AND or ')' is expected in the list, not %s",
                          query_found(r, r->at));
    if (found == ',')
        found = 'o';
    if (*kind && *kind != found)
        return query_fail(r, at, ERR_SYNTAX, "a list has OR or AND between its values, not both");
    *kind = found;
    return true;
}

/* The rest of (a OR b), (a, b), (a AND b) behind its first value. */
static bool read_list(struct query_reader *r, const struct term_key *key, bool as_text,
                      const struct query_word *first, struct query_node *out)
{
    struct value_list list = {0};
    struct query_word word = *first;
    char kind = 0;
    value_add(r, &list, &word, as_text);
    while (!query_take_char(r, ')')) {
        if (query_at_end(r) || query_peek(r) == '|')
            return query_fail(r, r->at, ERR_SYNTAX, "')' is missing at the end of the list");
        if (!list_separator(r, &kind))
            return false;
        if (query_word_next(r, "NOT"))
            return query_fail(r, r->at, ERR_SYNTAX, "NOT goes before the field, not into a list");
        if (!read_value(r, ",", &word))
            return false;
        if (list.count == QUERY_VALUES_MAX)
            return query_fail(r, word.at, ERR_LIMIT, "more than %d values in one list",
                              QUERY_VALUES_MAX);
        value_add(r, &list, &word, as_text);
    }
    return ask(r, key, kind == 'a' && !has_all(key) ? "|all" : "", list.items, list.count, out);
}

static bool read_bracketed(struct query_reader *r, const struct term_key *key,
                           struct query_node *out)
{
    size_t open = r->at;
    char bracket = r->text.data[r->at++];
    struct query_word first;
    query_skip_blanks(r);
    if (bracket == '(' && query_peek(r) == ')')
        return query_fail(r, r->at, ERR_SYNTAX, "the list is empty: put values in it");
    if (!read_value(r, bracket == '(' ? "," : "]}", &first))
        return false;
    query_skip_blanks(r);
    if (bracket != '(' || query_word_next(r, "TO"))
        return read_range(r, key, open, &first, out);
    return read_list(r, key, key->any, &first, out);
}

/* --- terms --- */

static bool is_time(const struct term_key *key)
{
    return key->modifiers.len == 0 &&
           (slice_equal(key->name, SLICE("_time")) || slice_equal(key->name, SLICE("_received")));
}

static bool read_time(struct query_reader *r, const struct term_key *key, struct query_node *out)
{
    struct query *q = r->query;
    bool received = slice_equal(key->name, SLICE("_received"));
    r->time_terms++;
    r->time_at = key->at;
    *out = (struct query_node){.truth = QUERY_ALWAYS};
    return received ? query_time(r, &q->received_from_ns, &q->received_until_ns)
                    : query_time(r, &q->from_ns, &q->until_ns);
}

static bool read_field_value(struct query_reader *r, const struct term_key *key,
                             struct query_node *out)
{
    struct query_word word;
    char c = query_peek(r);
    if (is_time(key))
        return read_time(r, key, out);
    if (c == '<' || c == '>')
        return read_comparison(r, key, out);
    if (c == '(' || c == '[' || c == '{')
        return read_bracketed(r, key, out);
    if (!read_value(r, "", &word))
        return false;
    if (is_star(&word) && key->modifiers.len == 0) {
        *out = (struct query_node){.truth = QUERY_ALWAYS};
        return key->any || read_exists(r, key, out);
    }
    struct item_value value = {
        .text = word.text, .quoted = word.quoted || key->any, .column = query_column(r, word.at)};
    return ask(r, key, "", &value, 1, out);
}

static bool in_name(char c)
{
    return c != ' ' && c != '\t' && c != '\n' && c != '\r' && !strchr("()|\"',:=<>{}", c);
}

static bool in_modifier(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Whether a key is next: a name, modifiers behind pipes, a colon, all without blanks between. If
 * so moves behind the colon. *failed: it is one, but wrong. */
static bool take_key(struct query_reader *r, struct term_key *key, bool *failed)
{
    size_t start = r->at, at = start;
    struct slice t = r->text;
    struct query_word quoted = {0};
    if (query_peek(r) == '"' || query_peek(r) == '\'') {
        *failed = !query_read_word(r, "|:", &quoted);
        at = r->at;
        r->at = start;
        if (*failed)
            return false;
    } else {
        while (at < t.len && in_name(t.data[at]))
            at++;
    }
    size_t end = at;
    while (at < t.len && t.data[at] == '|')
        for (at++; at < t.len && in_modifier(t.data[at]);)
            at++;
    if (at == t.len || t.data[at] != ':' || end == start)
        return false;
    struct slice name = quoted.quoted ? quoted.text : slice_part(t, start, end - start);
    char *kept = arena_bytes(&r->query->arena, name.len + 1);
    size_t length = 0;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] != ' ' && name.data[i] != '\t')
            kept[length++] = name.data[i];
    *key = (struct term_key){.name = slice_make(kept, length),
                             .modifiers = slice_part(t, end, at - end),
                             .at = start,
                             .column = query_column(r, start)};
    r->at = at + 1;
    query_skip_blanks(r);
    if (length == 0 || slice_find_char(key->name, '|') != SLICE_NONE)
        *failed = !query_fail(r, start, ERR_SYNTAX,
                              length ? "a field's name cannot hold '|'"
                                     : "the name of a field is missing before the colon");
    key->any = slice_equal(key->name, SLICE("_any"));
    if (key->any)
        key->name = (struct slice){"", 0};
    else if (!*failed)
        *failed = !query_field_known(r, key->name, start, " (in quotes it is searched as text)");
    return true;
}

/* bytes>10, a!=b: written without the colon they would be searched as text, in silence. */
static bool refuse_bare_operator(struct query_reader *r, const struct query_word *word)
{
    for (size_t i = 1; i < word->text.len; i++) {
        char c = word->text.data[i], next = i + 1 < word->text.len ? word->text.data[i + 1] : 0;
        struct slice name = slice_part(word->text, 0, i);
        struct slice rest = slice_part(word->text, i, SIZE_MAX);
        if ((c == '<' || c == '>') && (next == '=' || (next >= '0' && next <= '9')))
            return query_fail(r, word->at + i, ERR_SYNTAX,
                              "a comparison has a colon before it: write %.*s:%.*s (or put the "
                              "word in quotes)",
                              query_width(name), name.data, query_width(rest), rest.data);
        if (c == '!' && next == '=')
            return query_fail(r, word->at + i, ERR_SYNTAX,
                              "'!=' is written NOT %.*s:value (or put the word in quotes)",
                              query_width(name), name.data);
        if (!in_modifier(c) && c != '.')
            break;
    }
    return true;
}

static bool refuse_foreign_operator(struct query_reader *r, const struct query_word *word)
{
    if (slice_starts(word->text, SLICE("&&")))
        return query_fail(r, word->at, ERR_SYNTAX, "'&&' is written AND");
    if (word->text.len > 1 && word->text.data[0] == '!')
        return query_fail(r, word->at, ERR_SYNTAX,
                          "'!' is written NOT (in quotes it is searched as text)");
    return refuse_bare_operator(r, word);
}

/* name(...): a function of the filter. */
static bool read_function(struct query_reader *r, const struct query_word *word,
                          struct query_node *out)
{
    static const struct slice name = {"unaccented", 10};
    struct term_key key = {.name = {"", 0},
                           .modifiers = SLICE("|contains|unaccented"),
                           .at = word->at,
                           .column = query_column(r, word->at),
                           .any = true};
    if (slice_equal_nocase(word->text, name))
        return read_bracketed(r, &key, out);
    if (query_nearest(word->text, &name, 1).len)
        return query_fail(r, word->at, ERR_NOT_FOUND,
                          "there is no function '%.*s': did you mean 'unaccented'?",
                          query_width(word->text), word->text.data);
    return query_fail(r, word->at, ERR_NOT_FOUND,
                      "there is no function '%.*s': text with brackets goes in quotes",
                      query_width(word->text), word->text.data);
}

static bool read_free_text(struct query_reader *r, struct query_node *out)
{
    struct query_word word;
    struct term_key key = {.name = {"", 0},
                           .modifiers = {"", 0},
                           .at = r->at,
                           .column = query_column(r, r->at),
                           .any = true};
    if (!query_read_word(r, "", &word))
        return false;
    if (is_star(&word)) {
        *out = (struct query_node){.truth = QUERY_ALWAYS};
        return true;
    }
    if (word.text.len == 0)
        return query_fail(r, word.at, ERR_SYNTAX,
                          word.quoted ? "an empty text is in every event: remove it"
                                      : "a field, a word or a text in quotes is expected");
    if (!word.quoted && query_peek(r) == '(')
        return read_function(r, &word, out);
    if (!word.quoted && !refuse_foreign_operator(r, &word))
        return false;
    struct item_value value = {
        .text = word.text, .quoted = true, .column = query_column(r, word.at)};
    return ask(r, &key, "", &value, 1, out);
}

bool query_term(struct query_reader *r, struct query_node *out)
{
    struct term_key key;
    bool failed = false;
    if (++r->terms > QUERY_TERMS_MAX)
        return query_fail(r, r->at, ERR_LIMIT, "more than %d terms: put values into a list",
                          QUERY_TERMS_MAX);
    if (query_peek(r) == ':')
        return query_fail(r, r->at, ERR_SYNTAX, "the name of a field is missing before the colon");
    if (take_key(r, &key, &failed))
        return !failed && read_field_value(r, &key, out);
    return !failed && read_free_text(r, out);
}
