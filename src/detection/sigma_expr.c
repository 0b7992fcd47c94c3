#include "base/mem.h"
#include "detection/sigma_inside.h"

struct expr *sigma_expr_predicate(struct sigma_reader *r, const struct predicate *p, uint32_t line)
{
    struct predicate *kept = arena_alloc_aligned(r->arena, sizeof(*kept), 16);
    struct expr *e = arena_alloc(r->arena, sizeof(*e));
    *kept = *p;
    *e = (struct expr){.kind = EXPR_PREDICATE, .predicate = kept, .line = line};
    r->predicate_count++;
    return e;
}

struct expr *sigma_expr_not(struct sigma_reader *r, struct expr *child, uint32_t line)
{
    struct expr *e = arena_alloc(r->arena, sizeof(*e));
    *e = (struct expr){.kind = EXPR_NOT, .child_count = 1, .line = line};
    e->children = arena_alloc(r->arena, sizeof(struct expr *));
    e->children[0] = child;
    return e;
}

void sigma_push(struct sigma_reader *r, struct expr *e)
{
    struct expr_stack *s = &r->stack;
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 256;
        s->items = mem_resize(s->items, s->capacity, sizeof(struct expr *));
    }
    s->items[s->count++] = e;
}

struct expr *sigma_pop_group(struct sigma_reader *r, uint32_t base, enum expr_kind kind,
                             uint32_t line)
{
    uint32_t count = r->stack.count - base;
    r->stack.count = base;
    if (count == 0)
        return NULL;
    if (count == 1)
        return r->stack.items[base];
    struct expr *e = arena_alloc(r->arena, sizeof(*e));
    *e = (struct expr){.kind = kind, .child_count = count, .line = line};
    e->children = arena_alloc(r->arena, count * sizeof(struct expr *));
    memcpy(e->children, r->stack.items + base, count * sizeof(struct expr *));
    return e;
}

uint32_t sigma_expr_size(const struct expr *e, uint32_t limit)
{
    if (e->kind == EXPR_PREDICATE)
        return 1;
    uint32_t size = 0;
    for (uint32_t i = 0; i < e->child_count && size <= limit; i++)
        size += sigma_expr_size(e->children[i], limit - size);
    return size;
}
