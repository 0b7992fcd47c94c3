/* One event with everything that shows that it is what was received, in a folder of its own. */
#include <errno.h>
#include <sys/stat.h>

#include "base/embed.h"
#include "base/mem.h"
#include "base/text.h"
#include "formats/json.h"
#include "store/embedded_prove.h"

static void json_text(struct json_writer *w, const char *key, struct slice text)
{
    if (text.len == 0)
        return;
    json_key(w, key);
    json_string(w, text);
}

static void json_time(struct json_writer *w, const char *key, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    if (time_ns != CLOCK_NONE)
        json_text(w, key, slice_make(text, clock_text(text, time_ns)));
}

static void event_json(struct prove *p, const struct row *row)
{
    struct json_writer w = {.out = &p->json};
    const struct row_context *c = row->context;
    json_open_object(&w);
    json_key(&w, "epoch");
    json_u64(&w, p->e->identity.epoch);
    json_key(&w, "sequence");
    json_u64(&w, row->sequence);
    json_time(&w, "time", row->time_ns);
    json_time(&w, "received", row->received_ns);
    json_text(&w, "partition", c->partition);
    json_text(&w, "source", c->source);
    json_text(&w, "system", c->system);
    json_text(&w, "unit", c->unit);
    json_text(&w, "file", c->file);
    json_key(&w, "line");
    json_u64(&w, row->line);
    json_key(&w, "fields");
    json_open_array(&w);
    for (uint32_t i = 0; i < row->record->count; i++) {
        json_open_object(&w);
        json_key(&w, "name");
        json_string(&w, row->record->fields[i].name);
        json_key(&w, "value");
        json_string(&w, row->record->fields[i].value);
        json_close_object(&w);
    }
    json_close_array(&w);
    json_close_object(&w);
    buf_char(&p->json, '\n');
}

static int event_take(void *context, const struct row *row)
{
    struct prove *p = context;
    p->found = true;
    p->partition = arena_copy(&p->arena, row->context->partition);
    row_canonical(row, &p->canonical);
    event_json(p, row);
    return ERR_END;
}

static int leaf_take(void *context, const struct row *row)
{
    struct prove *p = context;
    if (p->leaf_count == p->interval.row_count)
        return err_set(p->err, ERR_DAMAGED,
                       "the interval of event %llu has more events than its root line says: see "
                       "`canh store verify`",
                       (unsigned long long)p->sequence);
    struct digest digest = row_digest(row, p->digester, &p->scratch);
    if (row->sequence == p->sequence)
        p->leaf_index = p->leaf_count;
    p->leaves[p->leaf_count++] = row_leaf(row->sequence, &digest, p->digester);
    return ERR_OK;
}

static int rows_find(struct prove *p, const struct embedded_range *range, embedded_row_visit *visit)
{
    int rc = view_open(&p->view, p->e->disk, embedded_is_live(p->e), p->err);
    if (rc == ERR_OK)
        rc = embedded_rows(&p->view, range, visit, p, p->err);
    view_close(&p->view);
    return rc;
}

static int leaves_find(struct prove *p)
{
    const struct chain_interval *i = &p->interval;
    struct embedded_range range = {p->partition, i->first_sequence, i->last_sequence};
    struct merkle tree = {.leaves = 0};
    if (i->row_count == 0 || i->row_count > i->last_sequence - i->first_sequence + 1 ||
        i->row_count > UINT32_MAX)
        return err_set(p->err, ERR_DAMAGED, "the root line of event %llu is not one",
                       (unsigned long long)p->sequence);
    p->leaves = mem_zeroed(i->row_count, sizeof(*p->leaves));
    int rc = rows_find(p, &range, leaf_take);
    if (rc)
        return rc;
    for (uint64_t k = 0; k < p->leaf_count; k++)
        merkle_add(&tree, &p->leaves[k], p->digester);
    struct digest root = merkle_root(&tree, p->digester);
    if (p->leaf_count == i->row_count && memcmp(root.bytes, i->root.bytes, DIGEST_BYTES) == 0)
        return ERR_OK;
    return err_set(p->err, ERR_DAMAGED,
                   "the events around event %llu do not give the root that the notary recorded: "
                   "nothing can be proved with them; see `canh store verify`",
                   (unsigned long long)p->sequence);
}

static void step_print(struct buf *out, const char *word, const struct digest *digest)
{
    buf_printf(out, "%s ", word);
    text_hex(out, slice_make((const char *)digest->bytes, DIGEST_BYTES));
    buf_char(out, '\n');
}

static int path_write(struct prove *p, struct disk *disk)
{
    struct merkle_step steps[CHAIN_DEPTH_MAX];
    struct buf out = {0};
    uint32_t count = merkle_path(p->leaves, p->leaf_count, p->leaf_index, steps, p->digester);
    buf_printf(&out, "sequence %llu\n", (unsigned long long)p->sequence);
    step_print(&out, "leaf", &p->leaves[p->leaf_index]);
    for (uint32_t i = 0; i < count; i++)
        step_print(&out, steps[i].left ? "left" : "right", &steps[i].digest);
    int rc = disk_write_file(disk, "path.txt", buf_as_slice(&out), p->err);
    buf_free(&out);
    return rc;
}

static int bundle_write(struct prove *p, struct disk *disk)
{
    struct buf root = {0}, signature = {0}, pem = {0};
    buf_slice(&root, p->root_line);
    buf_char(&root, '\n');
    bool whole = text_base64_decode(&signature, p->signature) && text_base64_decode(&pem, p->pem);
    const struct {
        const char *name;
        struct slice text;
    } files[] = {
        {"event.txt", buf_as_slice(&p->canonical)},  {"event.json", buf_as_slice(&p->json)},
        {"root.txt", buf_as_slice(&root)},           {"chain.txt", buf_as_slice(&p->chain)},
        {"heads.txt", buf_as_slice(&p->heads)},      {"heads-line.txt", p->signed_text},
        {"signature.bin", buf_as_slice(&signature)}, {"key.pem", buf_as_slice(&pem)}};
    int rc = whole ? path_write(p, disk)
                   : err_set(p->err, ERR_DAMAGED,
                             "the notary's signature over event %llu is not whole: see `canh store "
                             "verify`",
                             (unsigned long long)p->sequence);
    for (size_t i = 0; i < sizeof files / sizeof files[0] && rc == ERR_OK; i++)
        rc = disk_write_file(disk, files[i].name, files[i].text, p->err);
    for (const struct embedded_file *f = embedded_evidence; f->name && rc == ERR_OK; f++)
        rc = disk_write_file(disk, f->name, slice_make(f->data, f->size_bytes), p->err);
    buf_free(&root);
    buf_free(&signature);
    buf_free(&pem);
    return rc;
}

static int folder_write(struct prove *p, const char *folder)
{
    struct disk *disk = NULL;
    if (mkdir(folder, 0750) != 0 && errno != EEXIST)
        return err_set_errno(p->err, errno, "cannot make the folder %s", folder);
    int rc = disk_open_folder(&disk, folder, p->err);
    if (rc)
        return rc;
    rc = disk_exists(disk, "event.txt")
             ? err_set(p->err, ERR_BUSY,
                       "%s holds the evidence of an event already: name another folder", folder)
             : bundle_write(p, disk);
    disk_close_folder(&disk);
    return rc;
}

static int event_prove(struct prove *p, const char *folder)
{
    struct embedded_range range = {.first = p->sequence, .last = p->sequence};
    int rc = rows_find(p, &range, event_take);
    if (rc && rc != ERR_END)
        return rc;
    if (!p->found)
        return err_set(p->err, ERR_NOT_FOUND,
                       "there is no event %u:%llu in the store: it was never stored, or retention "
                       "removed it",
                       p->e->identity.epoch, (unsigned long long)p->sequence);
    rc = prove_notary(p);
    if (rc == ERR_OK)
        rc = leaves_find(p);
    return rc ? rc : folder_write(p, folder);
}

int embedded_prove(void *self, uint64_t sequence, const char *folder, struct err *err)
{
    struct prove *p = mem_zeroed(1, sizeof(*p));
    p->e = self;
    p->sequence = sequence;
    p->err = err;
    p->digester = digester_open();
    int rc = event_prove(p, folder);
    digester_close(&p->digester);
    buf_free(&p->canonical);
    buf_free(&p->json);
    buf_free(&p->chain);
    buf_free(&p->heads);
    buf_free(&p->scratch);
    mem_free(p->key_list);
    mem_free(p->leaves);
    arena_free(&p->arena);
    mem_free(p);
    return rc;
}
