#include "base/map.h"
#include "base/mem.h"
#include "store/batch.h"
#include "store/journal_format.h"

struct batch_taker {
    struct digester *digester;
    struct packer *packer;
    struct buf scratch;
};

struct batch_taker *batch_taker_open(void)
{
    struct batch_taker *t = mem_zeroed(1, sizeof(*t));
    t->digester = digester_open();
    t->packer = packer_open();
    return t;
}

void batch_taker_close(struct batch_taker **taker)
{
    struct batch_taker *t = *taker;
    if (!t)
        return;
    digester_close(&t->digester);
    packer_close(&t->packer);
    buf_free(&t->scratch);
    mem_free(t);
    *taker = NULL;
}

/* The number of each context's partition among the distinct ones. */
static uint16_t *partitions_put(const struct batch_reader *r, struct batch *out)
{
    uint16_t *of_context = arena_alloc_aligned(&out->arena, r->context_count * sizeof(uint16_t), 2);
    struct map numbers = {0};
    out->partitions = arena_zeroed(&out->arena, r->context_count, sizeof(struct slice));
    out->partition_count = 0;
    for (uint32_t i = 0; i < r->context_count; i++) {
        bool made;
        struct slice name = arena_copy(&out->arena, r->contexts[i].partition);
        struct map_entry *e = map_put(&numbers, name, out->partition_count, &made);
        if (made)
            out->partitions[out->partition_count++] = name;
        of_context[i] = (uint16_t)e->value;
    }
    map_free(&numbers);
    return of_context;
}

void batch_take(struct batch_taker *t, struct batch_reader *r, struct batch *out)
{
    struct row row;
    arena_reset(&out->arena);
    buf_clear(&out->section);
    const uint16_t *of_context = partitions_put(r, out);
    out->digests = arena_alloc(&out->arena, r->row_count * sizeof(*out->digests));
    out->partition = arena_alloc_aligned(&out->arena, r->row_count * sizeof(uint16_t), 2);
    for (uint32_t i = 0; batch_next(r, &row); i++) {
        out->digests[i] = row_digest(&row, t->digester, &t->scratch);
        out->partition[i] = of_context[row.context_number];
    }
    out->row_count = r->row_count;
    out->raw_bytes = r->bytes.len;
    packer_section(t->packer, &out->section, JOURNAL_BATCH, r->bytes);
}
