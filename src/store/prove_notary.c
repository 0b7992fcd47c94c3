/* What the notary says of one event: its interval's root line, the root lines of its partition
 * behind it, the heads line that signs them, and the key. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/embedded_prove.h"

enum { ROOT_WORDS = 9, HEADS_WORDS = 7, KEY_WORDS = 4 };

static void entry_set(struct prove *p, const struct notary_line *line)
{
    uint64_t number;
    uint32_t i = 0;
    if (!slice_to_u64(line->words[2], &number) || line->words[8].len != 2 * DIGEST_BYTES)
        return;
    while (i < p->entry_count && !slice_equal(p->entries[i].partition, line->words[1]))
        i++;
    if (i == CHAIN_PARTITIONS_MAX)
        return;
    if (i == p->entry_count)
        p->entries[p->entry_count++].partition = arena_copy(&p->arena, line->words[1]);
    p->entries[i].number = number;
    memcpy(p->entries[i].head, line->words[8].data, 2 * DIGEST_BYTES);
}

static const char *head_of(const struct prove *p, struct slice partition)
{
    for (uint32_t i = 0; i < p->entry_count; i++)
        if (slice_equal(p->entries[i].partition, partition))
            return p->entries[i].head;
    return "0000000000000000000000000000000000000000000000000000000000000000";
}

static void root_line(struct prove *p, const struct notary_line *line)
{
    struct chain_interval *i = &p->interval;
    struct buf root = {0};
    uint64_t first, last;
    if (slice_equal(line->words[1], p->partition)) {
        if (p->has_root) {
            buf_slice(&p->chain, line->text);
            buf_char(&p->chain, '\n');
        } else if (slice_to_u64(line->words[4], &first) && slice_to_u64(line->words[5], &last) &&
                   first <= p->sequence && last >= p->sequence &&
                   slice_to_u64(line->words[6], &i->row_count) &&
                   text_hex_decode(&root, line->words[7]) && root.len == DIGEST_BYTES) {
            i->first_sequence = first;
            i->last_sequence = last;
            memcpy(i->root.bytes, root.data, DIGEST_BYTES);
            p->has_root = true;
            p->root_line = arena_copy(&p->arena, line->text);
            buf_printf(&p->chain, "before %s\n", head_of(p, p->partition));
        }
    }
    entry_set(p, line);
    buf_free(&root);
}

static void key_line(struct prove *p, const struct notary_line *line)
{
    if (p->key_count == p->key_capacity) {
        p->key_capacity = p->key_capacity ? p->key_capacity * 2 : 4;
        p->key_list = mem_resize(p->key_list, p->key_capacity, sizeof(*p->key_list));
    }
    p->key_list[p->key_count++] = (struct prove_key){arena_copy(&p->arena, line->words[1]),
                                                     arena_copy(&p->arena, line->words[3])};
}

static int by_name(const void *a, const void *b)
{
    const struct heads_entry *x = a, *y = b;
    return slice_compare(x->partition, y->partition);
}

static void heads_line(struct prove *p, const struct notary_line *line)
{
    struct slice key = line->words[5];
    if (slice_equal(key, SLICE("-")))
        return;
    p->has_heads = true;
    p->signed_text = arena_copy(
        &p->arena, slice_part(line->text, 0, (size_t)(key.data + key.len - line->text.data)));
    p->signature = arena_copy(&p->arena, line->words[6]);
    for (uint32_t i = 0; i < p->key_count; i++)
        if (slice_equal(p->key_list[i].name, key))
            p->pem = p->key_list[i].pem_base64;
    qsort(p->entries, p->entry_count, sizeof(p->entries[0]), by_name);
    for (uint32_t i = 0; i < p->entry_count; i++)
        buf_printf(&p->heads, "%.*s %llu %s\n", (int)p->entries[i].partition.len,
                   p->entries[i].partition.data, (unsigned long long)p->entries[i].number,
                   p->entries[i].head);
}

static int line_read(void *context, const struct notary_line *line)
{
    struct prove *p = context;
    if (line->torn || line->word_count == 0)
        return ERR_OK;
    if (slice_equal(line->words[0], SLICE("root")) && line->word_count == ROOT_WORDS)
        root_line(p, line);
    else if (slice_equal(line->words[0], SLICE("key")) && line->word_count == KEY_WORDS)
        key_line(p, line);
    else if (slice_equal(line->words[0], SLICE("heads")) && line->word_count == HEADS_WORDS &&
             p->has_root)
        heads_line(p, line);
    return p->has_heads ? ERR_END : ERR_OK;
}

int prove_notary(struct prove *p)
{
    int rc = notary_read(p->e->disk, line_read, p, p->err);
    if (rc && rc != ERR_END)
        return rc;
    if (p->has_heads && p->pem.len)
        return ERR_OK;
    return err_set(
        p->err, ERR_BUSY,
        "event %llu is not under a signed head yet: heads are signed once a minute while "
        "Canh runs, and when it ends; try again then",
        (unsigned long long)p->sequence);
}
