#include "store/chain.h"

#include "base/mem.h"

static struct digest node_of(const struct digest *left, const struct digest *right,
                             struct digester *d)
{
    static const uint8_t mark = 1;
    digester_add(d, &mark, 1);
    digester_add(d, left->bytes, sizeof left->bytes);
    digester_add(d, right->bytes, sizeof right->bytes);
    return digester_end(d);
}

/* The stack holds one full subtree a set bit of the count, the greatest first. */
void merkle_add(struct merkle *m, const struct digest *leaf, struct digester *d)
{
    struct digest subtree = *leaf;
    uint32_t height = (uint32_t)__builtin_popcountll(m->leaves);
    for (uint64_t bit = m->leaves; bit & 1; bit >>= 1)
        subtree = node_of(&m->stack[--height], &subtree, d);
    m->stack[height] = subtree;
    m->leaves++;
}

struct digest merkle_root(const struct merkle *m, struct digester *d)
{
    uint32_t height = (uint32_t)__builtin_popcountll(m->leaves);
    if (height == 0)
        return digester_end(d);
    struct digest root = m->stack[height - 1];
    for (uint32_t i = height - 1; i > 0; i--)
        root = node_of(&m->stack[i - 1], &root, d);
    return root;
}

static struct digest root_of(const struct digest *leaves, uint64_t count, struct digester *d)
{
    struct merkle m = {.leaves = 0};
    for (uint64_t i = 0; i < count; i++)
        merkle_add(&m, &leaves[i], d);
    return merkle_root(&m, d);
}

/* RFC 6962 section 2.1.1, from the top down; the result is turned round. */
uint32_t merkle_path(const struct digest *leaves, uint64_t count, uint64_t index,
                     struct merkle_step out[CHAIN_DEPTH_MAX], struct digester *d)
{
    uint32_t steps = 0;
    while (count > 1) {
        uint64_t half = (uint64_t)1 << (63 - __builtin_clzll(count - 1));
        bool in_left = index < half;
        out[steps].left = !in_left;
        out[steps].digest =
            in_left ? root_of(leaves + half, count - half, d) : root_of(leaves, half, d);
        steps++;
        leaves = in_left ? leaves : leaves + half;
        index = in_left ? index : index - half;
        count = in_left ? half : count - half;
    }
    for (uint32_t i = 0; i < steps / 2; i++) {
        struct merkle_step swap = out[i];
        out[i] = out[steps - 1 - i];
        out[steps - 1 - i] = swap;
    }
    return steps;
}
