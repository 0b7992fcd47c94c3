/* What a regular expression cannot match without: read off its text by a small parser that gives up
 * on everything it does not know. Sequences keep the best of their parts, alternatives need one of
 * each. */
#include "base/text.h"
#include "detection/regex.h"

enum { GROUP_DEPTH_MAX = 60 };

struct choice { /* one of these literals is needed; none: nothing is */
    struct slice *items;
    uint32_t count;
};

struct reader {
    struct slice text;
    size_t at;
    uint32_t max;
    uint32_t depth;
    bool unsure;
    char *put; /* room for the literals of the whole pattern */
    struct arena *arena;
};

/* The part of a sequence that is being read: a run of characters that follow one another. */
struct run {
    char *start; /* it ends at the reader's put */
    struct choice best;
};

struct repeat {
    bool any;      /* a quantifier is there */
    bool optional; /* it allows none */
};

static struct choice read_alternatives(struct reader *r);

static char peek(const struct reader *r)
{
    return r->at < r->text.len ? r->text.data[r->at] : '\0';
}

static bool ended(const struct reader *r)
{
    return r->unsure || r->at >= r->text.len;
}

static bool take(struct reader *r, const char *word)
{
    struct slice w = slice_from(word);
    if (!slice_starts(slice_part(r->text, r->at, w.len), w))
        return false;
    r->at += w.len;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t shortest(const struct choice *c)
{
    size_t least = SIZE_MAX;
    for (uint32_t i = 0; i < c->count; i++)
        if (c->items[i].len < least)
            least = c->items[i].len;
    return c->count > 0 ? least : 0;
}

static struct choice better(struct choice a, struct choice b)
{
    if (a.count == 0 || b.count == 0)
        return a.count > 0 ? a : b;
    size_t least_a = shortest(&a), least_b = shortest(&b);
    if (least_a != least_b)
        return least_a > least_b ? a : b;
    return a.count <= b.count ? a : b;
}

static void run_cut(struct reader *r, struct run *run)
{
    if (r->put > run->start) {
        struct slice *item = arena_alloc(r->arena, sizeof(*item));
        *item = slice_make(run->start, (size_t)(r->put - run->start));
        run->best = better(run->best, (struct choice){item, 1});
    }
    run->start = r->put;
}

/* {n}, {n,} or {n,m}; anything else is a literal brace. */
static bool take_braces(struct reader *r, bool *optional)
{
    size_t at = r->at + 1, digits = at;
    bool zero = true;
    for (; at < r->text.len && is_digit(r->text.data[at]); at++)
        zero = zero && r->text.data[at] == '0';
    if (at == digits)
        return false;
    if (at < r->text.len && r->text.data[at] == ',')
        for (at++; at < r->text.len && is_digit(r->text.data[at]);)
            at++;
    if (at >= r->text.len || r->text.data[at] != '}')
        return false;
    r->at = at + 1;
    *optional = zero;
    return true;
}

static struct repeat read_repeat(struct reader *r)
{
    struct repeat repeat = {0};
    char c = peek(r);
    if (c == '*' || c == '?') {
        repeat = (struct repeat){.any = true, .optional = true};
        r->at++;
    } else if (c == '+') {
        repeat.any = true;
        r->at++;
    } else if (c == '{') {
        repeat.any = take_braces(r, &repeat.optional);
    }
    if (repeat.any && (peek(r) == '?' || peek(r) == '+'))
        r->at++;
    char next = peek(r);
    if (repeat.any && (next == '*' || next == '?' || next == '+' || next == '{'))
        r->unsure = true;
    return repeat;
}

static void add_char(struct reader *r, struct run *run, uint32_t code_point)
{
    struct repeat repeat = read_repeat(r);
    if (repeat.optional) {
        run_cut(r, run);
        return;
    }
    char folded[4];
    size_t length = text_put_char(folded, text_fold_char(code_point));
    memcpy(r->put, folded, length);
    r->put += length;
    if (!repeat.any)
        return;
    /* a+b has "ab" in it, whatever stands before */
    run_cut(r, run);
    memcpy(r->put, folded, length);
    r->put += length;
}

/* A thing of unknown text: class, dot, assertion. */
static void add_unknown(struct reader *r, struct run *run)
{
    (void)read_repeat(r);
    run_cut(r, run);
}

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* After the backslash. Gives true and a code point, or false for a class or assertion. */
static bool read_escape(struct reader *r, uint32_t *code_point)
{
    char c = peek(r);
    if (ended(r) || (c & 0x80) != 0) {
        r->unsure = true;
        return false;
    }
    r->at++;
    *code_point = (uint32_t)c;
    if (!is_ascii_letter(c) && !is_digit(c))
        return true;
    switch (c) {
    case 't':
        *code_point = '\t';
        return true;
    case 'n':
        *code_point = '\n';
        return true;
    case 'r':
        *code_point = '\r';
        return true;
    case 'x': {
        int high = r->at + 1 < r->text.len ? hex_value(r->text.data[r->at]) : -1;
        int low = high >= 0 ? hex_value(r->text.data[r->at + 1]) : -1;
        if (low < 0)
            break;
        r->at += 2;
        *code_point = (uint32_t)(high * 16 + low);
        return true;
    }
    default:
        if (memchr("dDwWsShHvVbBAzZ", c, 15))
            return false;
        break;
    }
    r->unsure = true;
    return false;
}

/* After the bracket. A class whose members all fold to one character is that character. */
static bool read_class(struct reader *r, uint32_t *code_point)
{
    bool single = !take(r, "^"), first = true;
    uint32_t members = 0;
    for (; !ended(r); first = false) {
        char c = peek(r);
        if (c == ']' && !first) {
            r->at++;
            return single && members > 0;
        }
        uint32_t member = 0;
        if (c == '[') {
            char next = r->at + 1 < r->text.len ? r->text.data[r->at + 1] : '\0';
            r->unsure = r->unsure || next == ':' || next == '.' || next == '=';
        }
        if (c == '-' && !first && r->at + 1 < r->text.len && r->text.data[r->at + 1] != ']')
            single = false;
        if (c == '\\') {
            r->at++;
            single = read_escape(r, &member) && single;
        } else {
            member = text_next_char(r->text, &r->at);
        }
        r->unsure = r->unsure || (member & TEXT_BAD_BYTE);
        member = text_fold_char(member & ~TEXT_BAD_BYTE);
        single = single && (members == 0 || member == *code_point);
        *code_point = member;
        members++;
    }
    r->unsure = true;
    return false;
}

/* After "(?": false when the group's text is not part of what matches (look-around) or is unknown.
 */
static bool read_group_head(struct reader *r, bool *flags_only)
{
    *flags_only = false;
    if (take(r, ":") || take(r, ">") || take(r, "|"))
        return true;
    if (take(r, "=") || take(r, "!") || take(r, "<=") || take(r, "<!"))
        return false;
    if (take(r, "P<") || take(r, "<") || take(r, "'")) {
        while (!ended(r) && peek(r) != '>' && peek(r) != '\'')
            r->at++;
        r->at++;
        return true;
    }
    while (!ended(r) && peek(r) != '\0' && memchr("imsU-", peek(r), 5))
        r->at++;
    *flags_only = peek(r) == ')';
    r->unsure = r->unsure || (peek(r) != ')' && peek(r) != ':');
    r->at++;
    return true;
}

static void add_group(struct reader *r, struct run *run)
{
    bool flags_only = false, counts = true;
    if (peek(r) == '*')
        r->unsure = true;
    if (take(r, "?"))
        counts = read_group_head(r, &flags_only);
    if (flags_only || r->unsure) {
        run_cut(r, run);
        return;
    }
    if (++r->depth > GROUP_DEPTH_MAX) {
        r->unsure = true;
        return;
    }
    run_cut(r, run);
    struct choice inner = read_alternatives(r);
    run->start = r->put;
    r->depth--;
    if (!take(r, ")"))
        r->unsure = true;
    struct repeat repeat = read_repeat(r);
    if (counts && !repeat.optional)
        run->best = better(run->best, inner);
}

static void read_item(struct reader *r, struct run *run)
{
    uint32_t code_point = 0;
    char c = peek(r);
    switch (c) {
    case '(':
        r->at++;
        add_group(r, run);
        return;
    case '[':
        r->at++;
        if (read_class(r, &code_point))
            add_char(r, run, code_point);
        else
            add_unknown(r, run);
        return;
    case '\\':
        r->at++;
        if (read_escape(r, &code_point))
            add_char(r, run, code_point);
        else
            add_unknown(r, run);
        return;
    case '.':
    case '^':
    case '$':
        r->at++;
        add_unknown(r, run);
        return;
    case '*':
    case '+':
    case '?':
        r->unsure = true;
        return;
    default:
        code_point = text_next_char(r->text, &r->at);
        if (code_point & TEXT_BAD_BYTE)
            r->unsure = true;
        else
            add_char(r, run, code_point);
        return;
    }
}

static struct choice read_sequence(struct reader *r)
{
    struct run run = {.start = r->put};
    while (!ended(r) && peek(r) != '|' && peek(r) != ')')
        read_item(r, &run);
    run_cut(r, &run);
    return run.best;
}

static struct choice read_alternatives(struct reader *r)
{
    struct choice one = read_sequence(r);
    if (r->unsure || peek(r) != '|')
        return one;
    struct choice all = {.items = arena_alloc(r->arena, r->max * sizeof(struct slice))};
    bool known = one.count > 0 && one.count <= r->max;
    for (uint32_t i = 0; known && i < one.count; i++)
        all.items[all.count++] = one.items[i];
    while (!r->unsure && take(r, "|")) {
        one = read_sequence(r);
        known = known && one.count > 0 && one.count <= r->max - all.count;
        for (uint32_t i = 0; known && i < one.count; i++)
            all.items[all.count++] = one.items[i];
    }
    if (!known)
        all.count = 0;
    return all;
}

uint32_t regex_required(struct slice pattern, unsigned flags, struct slice *out, uint32_t max,
                        struct arena *arena)
{
    (void)flags; /* folded literals hold in both cases, and no flag read here takes text away */
    if (pattern.len == 0 || pattern.len > REGEX_BYTES_MAX || max == 0)
        return 0;
    /* a repeated character is put down twice, and a folded one may be longer than it was */
    struct reader r = {.text = pattern,
                       .max = max,
                       .put = arena_bytes(arena, pattern.len * 4 + 8),
                       .arena = arena};
    struct choice found = read_alternatives(&r);
    if (r.unsure || r.at != pattern.len)
        return 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < found.count; i++) {
        bool seen = false;
        for (uint32_t j = 0; j < count && !seen; j++)
            seen = slice_equal(out[j], found.items[i]);
        if (!seen)
            out[count++] = found.items[i];
    }
    return count;
}
