#include "detection/window_rank.h"

#include "base/hash.h"
#include "base/mem.h"

static uint32_t node_make(struct window_rank *r, double key)
{
    uint32_t n = r->free_list;
    if (n)
        r->free_list = r->nodes[n].left;
    else {
        if (r->used + 1 >= r->capacity) {
            r->capacity = r->capacity ? r->capacity * 2 : 16;
            r->nodes = mem_resize(r->nodes, r->capacity, sizeof(*r->nodes));
            r->nodes[0] = (struct window_rank_node){0};
        }
        n = ++r->used;
    }
    if (r->random == 0)
        r->random = hash_seed() | 1;
    r->random ^= r->random << 13;
    r->random ^= r->random >> 7;
    r->random ^= r->random << 17;
    r->nodes[n] =
        (struct window_rank_node){.key = key, .size = 1, .priority = (uint32_t)(r->random >> 32)};
    return n;
}

static void node_count(struct window_rank_node *nodes, uint32_t n)
{
    nodes[n].size = 1 + nodes[nodes[n].left].size + nodes[nodes[n].right].size;
}

/* Cuts the tree n into keys below key and the others. Depth is logarithmic, as the tree's. */
static void tree_split(struct window_rank_node *nodes, uint32_t n, double key, uint32_t halves[2])
{
    uint32_t parts[2];
    if (n == 0) {
        halves[0] = halves[1] = 0;
        return;
    }
    if (nodes[n].key < key) {
        tree_split(nodes, nodes[n].right, key, parts);
        nodes[n].right = parts[0];
        node_count(nodes, n);
        halves[0] = n;
        halves[1] = parts[1];
    } else {
        tree_split(nodes, nodes[n].left, key, parts);
        nodes[n].left = parts[1];
        node_count(nodes, n);
        halves[0] = parts[0];
        halves[1] = n;
    }
}

static uint32_t tree_merge(struct window_rank_node *nodes, uint32_t a, uint32_t b)
{
    if (a == 0 || b == 0)
        return a ? a : b;
    if (nodes[a].priority > nodes[b].priority) {
        nodes[a].right = tree_merge(nodes, nodes[a].right, b);
        node_count(nodes, a);
        return a;
    }
    nodes[b].left = tree_merge(nodes, a, nodes[b].left);
    node_count(nodes, b);
    return b;
}

void window_rank_insert(struct window_rank *r, double key)
{
    uint32_t n = node_make(r, key), *link = &r->root;
    struct window_rank_node *nodes = r->nodes;
    while (*link && nodes[*link].priority >= nodes[n].priority) {
        nodes[*link].size++;
        link = nodes[*link].key < key ? &nodes[*link].right : &nodes[*link].left;
    }
    uint32_t halves[2];
    tree_split(nodes, *link, key, halves);
    nodes[n].left = halves[0];
    nodes[n].right = halves[1];
    node_count(nodes, n);
    *link = n;
}

bool window_rank_remove(struct window_rank *r, double key)
{
    struct window_rank_node *nodes = r->nodes;
    uint32_t n = r->root;
    while (n && (nodes[n].key < key || nodes[n].key > key))
        n = nodes[n].key < key ? nodes[n].right : nodes[n].left;
    if (n == 0)
        return false;
    uint32_t *link = &r->root;
    while (*link != n) {
        nodes[*link].size--;
        link = nodes[*link].key < key ? &nodes[*link].right : &nodes[*link].left;
    }
    *link = tree_merge(nodes, nodes[n].left, nodes[n].right);
    nodes[n].left = r->free_list;
    r->free_list = n;
    return true;
}

uint32_t window_rank_count(const struct window_rank *r)
{
    return r->root ? r->nodes[r->root].size : 0;
}

double window_rank_nth(const struct window_rank *r, uint32_t n)
{
    uint32_t at = r->root;
    while (at) {
        uint32_t below = r->nodes[r->nodes[at].left].size;
        if (n == below)
            return r->nodes[at].key;
        if (n < below)
            at = r->nodes[at].left;
        else {
            n -= below + 1;
            at = r->nodes[at].right;
        }
    }
    return 0;
}

double window_rank_percentile(const struct window_rank *r, double percentile)
{
    uint32_t count = window_rank_count(r);
    if (count == 0)
        return 0;
    double place = percentile / 100 * (count - 1);
    uint32_t below = (uint32_t)place;
    double low = window_rank_nth(r, below);
    if (below + 1 >= count)
        return low;
    return low + (window_rank_nth(r, below + 1) - low) * (place - below);
}

void window_rank_clear(struct window_rank *r)
{
    r->root = r->used = r->free_list = 0;
}

void window_rank_free(struct window_rank *r)
{
    mem_free(r->nodes);
    *r = (struct window_rank){0};
}
