/* The notary by itself: numbers without holes, heads that follow from roots, signed digests that
 * follow from heads, keys that are what their names say. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"
#include "store/verify_inside.h"

enum { ROOT_WORDS = 9, HEADS_WORDS = 7, GONE_WORDS = 10, KEY_WORDS = 4, PEM_BYTES_MAX = 4096 };

static void line_problem(struct verify *v, const struct notary_line *line, const char *what)
{
    verify_problem(v, "%s line %llu: %s: compare the file with a snapshot", line->file,
                   (unsigned long long)line->number, what);
}

static bool digest_parse(struct slice hex, struct digest *out)
{
    struct buf bytes = {0};
    bool ok = text_hex_decode(&bytes, hex) && bytes.len == DIGEST_BYTES;
    if (ok)
        memcpy(out->bytes, bytes.data, DIGEST_BYTES);
    buf_free(&bytes);
    return ok;
}

static void digest_text(struct buf *out, const struct digest *d)
{
    text_hex(out, slice_make((const char *)d->bytes, DIGEST_BYTES));
}

const struct verify_note *verify_note_find(const struct verify_partition *p, uint64_t number)
{
    uint32_t low = 0, high = p->note_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (p->notes[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->note_count && p->notes[low].number == number ? &p->notes[low] : NULL;
}

static void note_add(struct verify_partition *p, const struct chain_interval *i)
{
    if (p->note_count == p->note_capacity) {
        p->note_capacity = p->note_capacity ? p->note_capacity * 2 : 64;
        p->notes = mem_resize(p->notes, p->note_capacity, sizeof(*p->notes));
    }
    p->notes[p->note_count++] = (struct verify_note){.number = i->number,
                                                     .first = i->first_sequence,
                                                     .last = i->last_sequence,
                                                     .rows = i->row_count,
                                                     .head = i->head};
    p->noted_head = i->head;
}

static bool root_parse(const struct notary_line *line, struct chain_interval *i)
{
    const struct slice *w = line->words;
    *i = (struct chain_interval){.partition = w[1]};
    i->minute_ns =
        line->word_count == ROOT_WORDS ? clock_parse(w[3], NULL, CLOCK_NONE) : CLOCK_NONE;
    return line->word_count == ROOT_WORDS && row_partition_name_ok(w[1]) &&
           slice_to_u64(w[2], &i->number) && i->minute_ns != CLOCK_NONE &&
           slice_to_u64(w[4], &i->first_sequence) && slice_to_u64(w[5], &i->last_sequence) &&
           slice_to_u64(w[6], &i->row_count) && digest_parse(w[7], &i->root) &&
           digest_parse(w[8], &i->head) && i->first_sequence <= i->last_sequence;
}

static void root_line(struct verify *v, const struct notary_line *line)
{
    struct chain_interval i;
    struct verify_partition *p = root_parse(line, &i) ? verify_partition_of(v, i.partition) : NULL;
    if (!p) {
        line_problem(v, line, "this root line is not whole");
        return;
    }
    uint64_t last = p->note_count ? p->notes[p->note_count - 1].number : 0;
    buf_clear(&v->text);
    chain_root_text(&i, &v->text);
    struct digest head = chain_head(&p->noted_head, buf_as_slice(&v->text), v->digester);
    buf_char(&v->text, ' ');
    digest_text(&v->text, &i.head);
    if (!slice_equal(buf_as_slice(&v->text), line->text))
        line_problem(v, line, "this root line is not spelled as Canh spells it");
    if (i.number <= last) {
        line_problem(v, line, "this interval was recorded before");
        return;
    }
    if (i.number != last + 1)
        line_problem(v, line, "root lines are missing before this one");
    else if (memcmp(head.bytes, i.head.bytes, DIGEST_BYTES) != 0)
        line_problem(v, line, "this head does not follow from the head before and the root");
    note_add(p, &i);
}

static int by_name(const void *a, const void *b)
{
    const struct verify_partition *const *x = a, *const *y = b;
    return slice_compare((*x)->name, (*y)->name);
}

/* As chain_heads_text, of what the root lines so far say. */
static void heads_digest(struct verify *v, char out[2 * DIGEST_BYTES + 1])
{
    const struct verify_partition *sorted[CHAIN_PARTITIONS_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < v->partition_count; i++)
        if (v->partitions[i].note_count)
            sorted[count++] = &v->partitions[i];
    if (count > 1)
        qsort(sorted, count, sizeof(sorted[0]), by_name);
    buf_clear(&v->text);
    for (uint32_t i = 0; i < count; i++) {
        const struct verify_note *last = &sorted[i]->notes[sorted[i]->note_count - 1];
        buf_printf(&v->text, "%.*s %llu ", (int)sorted[i]->name.len, sorted[i]->name.data,
                   (unsigned long long)last->number);
        digest_text(&v->text, &last->head);
        buf_char(&v->text, '\n');
    }
    struct digest digest = digest_of(v->digester, buf_as_slice(&v->text));
    buf_clear(&v->text);
    digest_text(&v->text, &digest);
    memcpy(out, buf_text(&v->text), 2 * DIGEST_BYTES + 1);
}

static const struct verify_key *key_find(const struct verify *v, struct slice name)
{
    for (uint32_t i = 0; i < v->key_count; i++)
        if (slice_equal(slice_from(v->keys[i].name), name))
            return &v->keys[i];
    return NULL;
}

/* The line's last two words: key and signature of all up to the key. */
static void signature_check(struct verify *v, const struct notary_line *line, struct slice time)
{
    struct slice key_name = line->words[line->word_count - 2];
    struct slice spelled = line->words[line->word_count - 1];
    const struct verify_key *key = key_find(v, key_name);
    struct buf bytes = {0}, again = {0};
    if (v->key_time.len && !slice_equal(v->key_time, time))
        line_problem(v, line, "the key line before it is of another time");
    v->key_time = (struct slice){0};
    if (slice_equal(key_name, SLICE("-")) && slice_equal(spelled, SLICE("-"))) {
        if (v->key_count)
            line_problem(v, line, "this line is not signed, but there is a key");
        return;
    }
    bool ok = text_base64_decode(&bytes, spelled) && bytes.len == SIGN_BYTES;
    text_base64(&again, buf_as_slice(&bytes));
    if (!key) {
        line_problem(v, line, "there is no key line of the key that signed this line");
    } else if (!ok || !slice_equal(buf_as_slice(&again), spelled) ||
               !sign_check(key->public_key,
                           slice_part(line->text, 0,
                                      (size_t)(key_name.data + key_name.len - line->text.data)),
                           (const uint8_t *)bytes.data)) {
        line_problem(v, line, "the signature of this line does not hold");
    } else {
        memcpy(v->last_key, key->name, sizeof v->last_key);
    }
    buf_free(&bytes);
    buf_free(&again);
}

static void heads_line(struct verify *v, const struct notary_line *line)
{
    char digest[2 * DIGEST_BYTES + 1];
    uint64_t epoch, sequence;
    struct slice place = line->word_count == HEADS_WORDS ? line->words[2] : SLICE("");
    struct slice epoch_text = slice_cut(&place, ':');
    if (!slice_to_u64(epoch_text, &epoch) || !slice_to_u64(place, &sequence)) {
        line_problem(v, line, "this heads line is not whole");
        return;
    }
    heads_digest(v, digest);
    if (!slice_equal(line->words[3], slice_from(v->digest)))
        line_problem(v, line, "PREVIOUS is not the DIGEST of the heads line before");
    if (!slice_equal(line->words[4], slice_from(digest)))
        line_problem(v, line, "DIGEST is not that of the heads that the root lines give");
    memcpy(v->digest, digest, sizeof digest);
    signature_check(v, line, line->words[1]);
    v->out->heads++;
    if (sequence > v->signed_sequence)
        v->signed_sequence = sequence;
    for (uint32_t i = 0; i < v->partition_count; i++) {
        struct verify_partition *p = &v->partitions[i];
        for (; p->signed_count < p->note_count; p->signed_count++)
            p->notes[p->signed_count].is_signed = true;
    }
    if (v->anchor.len && slice_equal_nocase(v->anchor, line->words[4]) && v->out->problems == 0)
        v->out->anchored = true;
}

static void key_line(struct verify *v, const struct notary_line *line)
{
    struct verify_key key;
    struct buf pem = {0}, again = {0}, spelled = {0};
    bool ok = line->word_count == KEY_WORDS && text_base64_decode(&pem, line->words[3]) &&
              pem.len <= PEM_BYTES_MAX &&
              sign_public_read(key.public_key, buf_as_slice(&pem), NULL) == ERR_OK;
    if (ok) {
        notary_key_name(key.public_key, v->digester, key.name);
        sign_public_pem(key.public_key, &again);
        text_base64(&spelled, buf_as_slice(&again));
        ok = slice_equal(line->words[1], slice_from(key.name)) &&
             slice_equal(line->words[3], buf_as_slice(&spelled)) &&
             slice_equal(line->words[0], SLICE("key"));
    }
    if (!ok)
        line_problem(v, line, "the name of this key is not that of its text");
    else if (v->key_count == VERIFY_KEYS_MAX)
        line_problem(v, line, "there are too many keys");
    else
        v->keys[v->key_count++] = key;
    if (ok)
        v->key_time = arena_copy(&v->arena, line->words[2]);
    buf_free(&pem);
    buf_free(&again);
    buf_free(&spelled);
}

static void gone_line(struct verify *v, const struct notary_line *line)
{
    const struct slice *w = line->words;
    struct verify_gone g = {.partition = w[1]};
    if (line->word_count != GONE_WORDS || !slice_to_u64(w[2], &g.first) ||
        !slice_to_u64(w[3], &g.last) || !slice_to_u64(w[4], &g.rows) || g.first > g.last) {
        line_problem(v, line, "this tombstone is not whole");
        return;
    }
    signature_check(v, line, w[7]);
    v->out->tombstones++;
    if (map_find(&v->gone_paths, w[5]))
        return; /* a crash came between the line and the catalog: it was written again */
    if (v->gone_count == v->gone_capacity) {
        v->gone_capacity = v->gone_capacity ? v->gone_capacity * 2 : 64;
        v->gone = mem_resize(v->gone, v->gone_capacity, sizeof(*v->gone));
    }
    g.partition = arena_copy(&v->arena, w[1]);
    g.path = arena_copy(&v->arena, w[5]);
    v->gone[v->gone_count++] = g;
    (void)map_put(&v->gone_paths, g.path, 1, NULL);
}

static int line_read(void *context, const struct notary_line *line)
{
    struct verify *v = context;
    struct slice kind = line->word_count ? line->words[0] : SLICE("");
    if (line->torn) {
        verify_problem(v,
                       "%s ends within line %llu: a crash tore it and the next start of the writer "
                       "cuts it off, or its end was damaged: compare it with a snapshot",
                       line->file, (unsigned long long)line->number);
        return ERR_OK;
    }
    v->lines++;
    if (slice_equal(kind, SLICE("root")))
        root_line(v, line);
    else if (slice_equal(kind, SLICE("heads")))
        heads_line(v, line);
    else if (slice_equal(kind, SLICE("gone")))
        gone_line(v, line);
    else if (slice_equal(kind, SLICE("key")))
        key_line(v, line);
    else
        line_problem(v, line, "this is no line that this program knows");
    return ERR_OK;
}

static int line_read_again(void *context, const struct notary_line *line)
{
    struct verify *v = context;
    if (line->torn || v->lines++ < v->lines_before || line->word_count == 0)
        return ERR_OK;
    if (slice_equal(line->words[0], SLICE("gone")))
        gone_line(v, line);
    else if (slice_equal(line->words[0], SLICE("key")))
        key_line(v, line);
    v->key_time = (struct slice){0};
    return ERR_OK;
}

static void public_key_check(struct verify *v)
{
    struct buf pem = {0};
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    char name[17];
    static const char path[] = "keys/notary.pub";
    if (!disk_exists(v->e->disk, path) || v->out->heads == 0)
        return;
    if (disk_read_file(v->e->disk, path, PEM_BYTES_MAX, &pem, NULL) != ERR_OK ||
        sign_public_read(public_key, buf_as_slice(&pem), NULL) != ERR_OK) {
        verify_problem(v, "%s is no public key: take it from the notary's key line", path);
    } else {
        notary_key_name(public_key, v->digester, name);
        if (!key_find(v, slice_from(name)))
            verify_problem(v, "%s is none of the keys that the notary's lines were signed with",
                           path);
    }
    buf_free(&pem);
}

int verify_notary(struct verify *v)
{
    memset(v->digest, '0', sizeof v->digest - 1);
    int rc = notary_read(v->e->disk, line_read, v, v->err);
    if (rc)
        return rc;
    v->lines_before = v->lines;
    public_key_check(v);
    if (v->anchor.len && !v->out->anchored)
        verify_problem(v,
                       "the head %.*s is not in the chain, or behind what does not hold: lines "
                       "were changed or taken away since it was written down",
                       (int)v->anchor.len, v->anchor.data);
    return ERR_OK;
}

int verify_notary_again(struct verify *v)
{
    v->lines = 0;
    return notary_read(v->e->disk, line_read_again, v, v->err);
}

void verify_notary_end(struct verify *v)
{
    for (uint32_t i = 0; i < v->partition_count; i++)
        mem_free(v->partitions[i].notes);
    mem_free(v->gone);
    map_free(&v->gone_paths);
}

bool verify_is_gone(const struct verify *v, struct slice partition, uint64_t first, uint64_t last,
                    uint64_t rows)
{
    bool has_first = false, has_last = false;
    uint64_t gone_rows = 0;
    for (uint32_t i = 0; i < v->gone_count; i++) {
        const struct verify_gone *g = &v->gone[i];
        if (!slice_equal(g->partition, partition) || g->last < first || g->first > last)
            continue;
        has_first |= g->first <= first;
        has_last |= g->last >= last;
        gone_rows += g->rows;
    }
    return has_first && has_last && gone_rows >= rows;
}
