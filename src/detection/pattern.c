#include "detection/pattern.h"

#include "base/text.h"

/* Collects parts on the stack of the caller; literals are cut out of one copy of the text. */
struct collector {
    struct pattern_part parts[PATTERN_PARTS_MAX];
    uint32_t count;
    char *start; /* of the literal that is being read */
    char *end;
};

static int collect_part(struct collector *c, enum pattern_part_kind kind, struct err *err)
{
    bool run_again = kind == PATTERN_ANY_RUN && c->count > 0 && c->start == c->end &&
                     c->parts[c->count - 1].kind == PATTERN_ANY_RUN;
    if (run_again)
        return ERR_OK;
    if (c->start < c->end) {
        if (c->count == PATTERN_PARTS_MAX)
            return err_set(err, ERR_LIMIT, "more than %d wildcards and texts between them",
                           PATTERN_PARTS_MAX);
        c->parts[c->count++] = (struct pattern_part){
            .kind = PATTERN_LITERAL, .literal = {c->start, (size_t)(c->end - c->start)}};
        c->start = c->end;
    }
    if (kind == PATTERN_LITERAL)
        return ERR_OK;
    if (c->count == PATTERN_PARTS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d wildcards and texts between them",
                       PATTERN_PARTS_MAX);
    c->parts[c->count++] = (struct pattern_part){.kind = kind};
    return ERR_OK;
}

static bool is_escapable(char c)
{
    return c == '*' || c == '?' || c == '\\';
}

int pattern_parse(struct pattern *out, struct slice text, struct arena *arena, struct err *err)
{
    struct collector c;
    c.count = 0;
    c.start = c.end = arena_bytes(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        char at = text.data[i];
        if (at == '*' || at == '?') {
            int rc = collect_part(&c, at == '*' ? PATTERN_ANY_RUN : PATTERN_ANY_ONE, err);
            if (rc)
                return rc;
            continue;
        }
        if (at == '\\' && i + 1 < text.len && is_escapable(text.data[i + 1]))
            at = text.data[++i];
        *c.end++ = at;
    }
    int rc = collect_part(&c, PATTERN_LITERAL, err);
    if (rc)
        return rc;
    *out = (struct pattern){.count = c.count};
    if (c.count > 0) {
        out->parts = arena_alloc(arena, c.count * sizeof(*out->parts));
        memcpy(out->parts, c.parts, c.count * sizeof(*out->parts));
    }
    return ERR_OK;
}

void pattern_literal(struct pattern *out, struct slice text, struct arena *arena)
{
    *out = (struct pattern){0};
    if (text.len == 0)
        return;
    out->parts = arena_alloc(arena, sizeof(*out->parts));
    out->parts[0] =
        (struct pattern_part){.kind = PATTERN_LITERAL, .literal = arena_copy(arena, text)};
    out->count = 1;
}

void pattern_open(struct pattern *p, bool head, bool tail, struct arena *arena)
{
    head = head && !(p->count > 0 && p->parts[0].kind == PATTERN_ANY_RUN);
    tail = tail && !(p->count > 0 && p->parts[p->count - 1].kind == PATTERN_ANY_RUN);
    if (p->count == 0 && head && tail)
        tail = false;
    if (!head && !tail)
        return;
    struct pattern_part *parts = arena_alloc(arena, (p->count + 2) * sizeof(*parts));
    uint32_t count = 0;
    if (head)
        parts[count++] = (struct pattern_part){.kind = PATTERN_ANY_RUN};
    for (uint32_t i = 0; i < p->count; i++)
        parts[count++] = p->parts[i];
    if (tail)
        parts[count++] = (struct pattern_part){.kind = PATTERN_ANY_RUN};
    *p = (struct pattern){.parts = parts, .count = count};
}

bool pattern_has_wildcard(const struct pattern *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (p->parts[i].kind != PATTERN_LITERAL)
            return true;
    return false;
}

void pattern_fold(struct pattern *p, struct arena *arena)
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct pattern_part *part = &p->parts[i];
        if (part->kind != PATTERN_LITERAL)
            continue;
        char *folded = arena_bytes(arena, text_fold_room(part->literal.len));
        part->literal = slice_make(folded, text_fold(folded, part->literal));
    }
}

/* Matches parts first .. end-1, none of which is ANY_RUN, at text[at]. Gives the end in *stop. */
static bool match_block(const struct pattern *p, uint32_t first, uint32_t end, struct slice text,
                        size_t at, size_t *stop)
{
    for (uint32_t i = first; i < end; i++) {
        if (p->parts[i].kind == PATTERN_ANY_ONE) {
            if (at >= text.len)
                return false;
            (void)text_next_char(text, &at);
            continue;
        }
        struct slice literal = p->parts[i].literal;
        if (!slice_starts(slice_part(text, at, literal.len), literal))
            return false;
        at += literal.len;
    }
    *stop = at;
    return true;
}

/* First place from `from` on where the block may begin: jumps to its first literal. */
static size_t next_start(const struct pattern *p, uint32_t first, struct slice text, size_t from)
{
    if (p->parts[first].kind != PATTERN_LITERAL)
        return from;
    size_t hit = slice_find(slice_part(text, from, SIZE_MAX), p->parts[first].literal);
    return hit == SLICE_NONE ? SLICE_NONE : from + hit;
}

/* The last block must end where the text ends: tries each start from `from` on. */
static bool match_last(const struct pattern *p, uint32_t first, struct slice text, size_t from)
{
    for (size_t at = from; at <= text.len;) {
        at = next_start(p, first, text, at);
        if (at == SLICE_NONE)
            return false;
        size_t stop;
        if (match_block(p, first, p->count, text, at, &stop) && stop == text.len)
            return true;
        if (at == text.len)
            return false;
        (void)text_next_char(text, &at);
    }
    return false;
}

/* Between two ANY_RUNs the leftmost match of a block is always as good as a later one, so nothing
 * is tried twice. */
bool pattern_match(const struct pattern *p, struct slice text)
{
    uint32_t first = 0;
    size_t at = 0;
    bool open = false; /* an ANY_RUN was just read */
    for (;;) {
        uint32_t end = first;
        while (end < p->count && p->parts[end].kind != PATTERN_ANY_RUN)
            end++;
        if (end == p->count && end == first)
            return open || at == text.len;
        if (end == p->count)
            return open ? match_last(p, first, text, at)
                        : match_block(p, first, end, text, at, &at) && at == text.len;
        while (end > first) {
            size_t stop = 0;
            if (open)
                at = next_start(p, first, text, at);
            if (at == SLICE_NONE)
                return false;
            if (match_block(p, first, end, text, at, &stop)) {
                at = stop;
                break;
            }
            if (!open || at >= text.len)
                return false;
            (void)text_next_char(text, &at);
        }
        first = end + 1;
        open = true;
    }
}
