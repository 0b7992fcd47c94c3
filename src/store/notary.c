#include "store/notary.h"

#include <stdio.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/text.h"

enum {
    NOTARY_FILE_BYTES_MAX = 1 << 30,
    NOTARY_NAME_BYTES = 32,
    NOTARY_WORDS_MAX = 12,
    NOTARY_SECTOR_BYTES = 512 /* what a disk writes at once, at least */
};
static const char notary_folder[] = "notary";

struct notary {
    struct disk *disk;
    const struct sign_key *key;
    struct digester *digester;
    char key_name[17];
    bool key_known;   /* a key line names it */
    struct map noted; /* partition: number of the last root line */
    struct arena arena;
    struct digest digest;         /* of the last heads line */
    int64_t time_ns;              /* of that line */
    char file[NOTARY_NAME_BYTES]; /* path of the newest */
    uint64_t file_bytes;          /* of it, that count */
    bool file_there;              /* its name is durable */
    bool torn;                    /* a write failed: more may stand in it than counts */
};

void notary_key_name(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct digester *d, char out[17])
{
    struct digest digest = digest_of(d, slice_make((const char *)public_key, SIGN_PUBLIC_BYTES));
    struct buf hex = {0};
    text_hex(&hex, slice_make((const char *)digest.bytes, 8));
    memcpy(out, hex.data, 16);
    out[16] = '\0';
    buf_free(&hex);
}

static uint32_t words_cut(struct slice line, struct slice words[NOTARY_WORDS_MAX])
{
    uint32_t count = 0;
    while (line.len && count < NOTARY_WORDS_MAX)
        words[count++] = slice_cut(&line, ' ');
    return count;
}

struct reading {
    struct disk *disk;
    notary_visit *visit;
    void *context;
    struct notary *notary; /* to know the newest file, or NULL */
    struct err *err;
};

/* What a crash left of lines behind text goes, for it never counted. The last lines of text are
 * written again: their writer may have been killed before the sync, or it failed, and then another
 * sync alone would say that all is well. */
static int lines_settle(struct disk *disk, const char *path, size_t last, struct slice text,
                        struct err *err)
{
    struct disk_file *file = NULL;
    uint64_t size = 0;
    int rc = disk_open(disk, &file, path, DISK_WRITE, err);
    if (rc == ERR_OK)
        rc = disk_size(file, &size, err);
    if (rc == ERR_OK && size > text.len)
        rc = disk_resize(file, text.len, err);
    if (rc == ERR_OK && text.len > last)
        rc = disk_write(file, last, text.data + last, text.len - last, err);
    if (rc == ERR_OK)
        rc = disk_sync(file, err);
    disk_close(&file);
    return rc;
}

/* Whether there are zeros as a power cut leaves them: up to the end of a sector, or of the file. */
static bool has_torn_zeros(struct slice text, size_t from, size_t until)
{
    while (from < until) {
        if (text.data[from] != '\0') {
            from++;
            continue;
        }
        while (from < text.len && text.data[from] == '\0')
            from++;
        if (from == text.len || from % NOTARY_SECTOR_BYTES == 0)
            return true;
    }
    return false;
}

struct whole {
    size_t bytes; /* that count */
    size_t last;  /* where the lines that were written last begin */
};

/* How much of a file counts. Lines are written some at a time, the last of them heads or gone, and
 * all are durable before the next ones are written: so what a crash left of the last ones is behind
 * the heads or gone line before. Everything else that does not hold is damage, and stays. */
static struct whole text_whole(struct slice text)
{
    struct whole whole = {0, 0};
    size_t at = 0;
    bool torn = false, strange = false;
    while (at < text.len) {
        struct slice rest = slice_part(text, at, text.len);
        size_t end = slice_find_char(rest, '\n');
        bool ends = slice_starts(rest, SLICE("heads ")) || slice_starts(rest, SLICE("gone "));
        if (end == SLICE_NONE)
            break;
        torn |= has_torn_zeros(text, at, at + end);
        strange |=
            !ends && !slice_starts(rest, SLICE("root ")) && !slice_starts(rest, SLICE("key "));
        at += end + 1;
        if (ends && !(torn && at == text.len)) {
            whole = (struct whole){at, whole.bytes};
            torn = strange = false;
        }
    }
    if (strange && !torn)
        whole = (struct whole){at, whole.bytes};
    return whole;
}

static int file_read(void *context, const struct disk_entry *entry)
{
    struct reading *r = context;
    struct buf text = {0};
    char path[NOTARY_NAME_BYTES];
    if (entry->is_folder || !slice_ends(slice_from(entry->name), SLICE(".log")) ||
        strlen(entry->name) > 12)
        return ERR_OK;
    (void)snprintf(path, sizeof path, "%s/%s", notary_folder, entry->name);
    int rc = disk_read_file(r->disk, path, NOTARY_FILE_BYTES_MAX, &text, r->err);
    if (rc == ERR_OK && r->notary) {
        struct whole whole = text_whole(buf_as_slice(&text));
        memcpy(r->notary->file, path, sizeof path);
        r->notary->file_bytes = text.len = whole.bytes;
        r->notary->file_there = true;
        rc = lines_settle(r->disk, path, whole.last, buf_as_slice(&text), r->err);
    }
    struct slice rest = buf_as_slice(&text);
    struct notary_line line = {.file = path};
    while (rc == ERR_OK && rest.len) {
        size_t end = slice_find_char(rest, '\n');
        if (end == SLICE_NONE)
            break;
        line.number++;
        line.text = slice_part(rest, 0, end);
        line.word_count = words_cut(line.text, line.words);
        rest = slice_part(rest, end + 1, rest.len);
        rc = r->visit(r->context, &line);
    }
    if (rc == ERR_OK && rest.len) {
        line = (struct notary_line){
            .file = path, .number = line.number + 1, .text = rest, .torn = true};
        rc = r->visit(r->context, &line);
    }
    buf_free(&text);
    return rc;
}

int notary_read(struct disk *disk, notary_visit *visit, void *context, struct err *err)
{
    struct reading r = {disk, visit, context, NULL, err};
    return disk_list(disk, notary_folder, file_read, &r, err);
}

static int line_learn(void *context, const struct notary_line *line)
{
    struct notary *n = context;
    uint64_t number;
    if (line->word_count == 9 && slice_equal(line->words[0], SLICE("root")) &&
        slice_to_u64(line->words[2], &number)) {
        struct map_entry *e = map_find(&n->noted, line->words[1]);
        if (!e)
            e = map_put(&n->noted, arena_copy(&n->arena, line->words[1]), 0, NULL);
        e->value = number;
    } else if (line->word_count == 7 && slice_equal(line->words[0], SLICE("heads"))) {
        struct buf digest = {0};
        if (text_hex_decode(&digest, line->words[4]) && digest.len == DIGEST_BYTES)
            memcpy(n->digest.bytes, digest.data, DIGEST_BYTES);
        buf_free(&digest);
        n->time_ns = clock_parse(line->words[1], NULL, CLOCK_NONE);
    } else if (line->word_count == 4 && slice_equal(line->words[0], SLICE("key")) &&
               slice_equal(line->words[1], slice_from(n->key_name))) {
        n->key_known = true;
    }
    return ERR_OK;
}

int notary_open(struct notary **out, struct disk *disk, const struct sign_key *key,
                struct digester *d, struct err *err)
{
    struct notary *n = mem_zeroed(1, sizeof(*n));
    *out = NULL;
    n->disk = disk;
    n->key = key;
    n->digester = d;
    n->time_ns = CLOCK_NONE;
    if (key) {
        uint8_t public_key[SIGN_PUBLIC_BYTES];
        sign_key_public(key, public_key);
        notary_key_name(public_key, d, n->key_name);
    }
    struct reading r = {disk, line_learn, n, n, err};
    int rc = disk_make_folder(disk, notary_folder, err);
    if (rc == ERR_OK)
        rc = disk_list(disk, notary_folder, file_read, &r, err);
    if (rc == ERR_OK && n->file[0]) /* who made it may have been cut off before this */
        rc = disk_sync_folder(disk, notary_folder, err);
    if (rc) {
        notary_close(&n);
        return rc;
    }
    *out = n;
    return ERR_OK;
}

int64_t notary_time(const struct notary *n)
{
    return n->time_ns;
}

void notary_close(struct notary **out)
{
    struct notary *n = *out;
    if (!n)
        return;
    map_free(&n->noted);
    arena_free(&n->arena);
    mem_free(n);
    *out = NULL;
}

/* The file of the month; never an earlier one than there is, so that lines stay in order. */
static void file_choose(struct notary *n, int64_t now_ns)
{
    struct clock_date date;
    char path[NOTARY_NAME_BYTES];
    clock_to_date(now_ns, 0, &date);
    (void)snprintf(path, sizeof path, "%s/%04u%02u.log", notary_folder, (unsigned)date.year % 10000,
                   (unsigned)date.month % 100);
    if (n->file[0] && (n->torn || strcmp(path, n->file) <= 0))
        return;
    memcpy(n->file, path, sizeof path);
    n->file_bytes = 0;
    n->file_there = false;
}

/* Appends whole lines, durable when ERR_OK. What an error before left behind the lines that count
 * is cut off. */
static int lines_append(struct notary *n, struct slice lines, int64_t now_ns, struct err *err)
{
    struct disk_file *file = NULL;
    uint64_t size = 0;
    file_choose(n, now_ns);
    int rc = disk_open(n->disk, &file, n->file,
                       disk_exists(n->disk, n->file) ? DISK_WRITE : DISK_CREATE, err);
    if (rc)
        return rc;
    rc = disk_size(file, &size, err);
    if (rc == ERR_OK && size > n->file_bytes)
        rc = disk_resize(file, n->file_bytes, err);
    if (rc == ERR_OK)
        rc = disk_write(file, n->file_bytes, lines.data, lines.len, err);
    if (rc == ERR_OK)
        rc = disk_sync(file, err);
    disk_close(&file);
    if (rc == ERR_OK && !n->file_there)
        rc = disk_sync_folder(n->disk, notary_folder, err);
    n->torn = rc != ERR_OK;
    if (rc)
        return rc;
    n->file_there = true;
    n->file_bytes += lines.len;
    return ERR_OK;
}

static void time_append(struct buf *out, int64_t time_ns)
{
    char text[CLOCK_TEXT_BYTES];
    buf_append(out, text, clock_text(text, time_ns));
}

static void digest_append(struct buf *out, const struct digest *d)
{
    text_hex(out, slice_make((const char *)d->bytes, sizeof d->bytes));
}

/* Ends the line that began at start with the key's name and the signature of all before that. */
static void line_sign(const struct notary *n, struct buf *out, size_t start)
{
    buf_char(out, ' ');
    if (!n->key) {
        buf_string(out, "- -\n");
        return;
    }
    uint8_t signature[SIGN_BYTES];
    buf_string(out, n->key_name);
    sign_text(n->key, slice_make(out->data + start, out->len - start), signature);
    buf_char(out, ' ');
    text_base64(out, slice_make((const char *)signature, sizeof signature));
    buf_char(out, '\n');
}

static void key_append(const struct notary *n, struct buf *out, int64_t now_ns)
{
    uint8_t public_key[SIGN_PUBLIC_BYTES];
    struct buf pem = {0};
    if (!n->key || n->key_known)
        return;
    sign_key_public(n->key, public_key);
    sign_public_pem(public_key, &pem);
    buf_printf(out, "key %s ", n->key_name);
    time_append(out, now_ns);
    buf_char(out, ' ');
    text_base64(out, buf_as_slice(&pem));
    buf_char(out, '\n');
    buf_free(&pem);
}

static bool is_noted(const struct notary *n, const struct chain_interval *i)
{
    const struct map_entry *e = map_find(&n->noted, i->partition);
    return e && e->value >= i->number;
}

int notary_sign(struct notary *n, const struct chain *chain, uint32_t epoch, uint64_t sequence,
                int64_t now_ns, struct err *err)
{
    struct buf out = {0}, heads = {0};
    uint32_t count, fresh = 0;
    const struct chain_interval *closed = chain_closed(chain, &count);
    key_append(n, &out, now_ns);
    for (uint32_t i = 0; i < count; i++) {
        if (is_noted(n, &closed[i]))
            continue;
        chain_root_text(&closed[i], &out);
        buf_char(&out, ' ');
        digest_append(&out, &closed[i].head);
        buf_char(&out, '\n');
        fresh++;
    }
    chain_heads_text(chain, &heads);
    struct digest digest = digest_of(n->digester, buf_as_slice(&heads));
    bool changed = memcmp(digest.bytes, n->digest.bytes, DIGEST_BYTES) != 0;
    int rc = ERR_OK;
    bool introduces = n->key && !n->key_known;
    if (fresh || ((changed || introduces) && heads.len)) {
        size_t start = out.len;
        buf_string(&out, "heads ");
        time_append(&out, now_ns);
        buf_printf(&out, " %u:%llu ", epoch, (unsigned long long)sequence);
        digest_append(&out, &n->digest);
        buf_char(&out, ' ');
        digest_append(&out, &digest);
        line_sign(n, &out, start);
        rc = lines_append(n, buf_as_slice(&out), now_ns, err);
        if (rc == ERR_OK) {
            n->digest = digest;
            n->time_ns = now_ns;
            n->key_known = true;
            for (uint32_t i = 0; i < count; i++) {
                struct map_entry *e = map_find(&n->noted, closed[i].partition);
                if (!e)
                    e = map_put(&n->noted, arena_copy(&n->arena, closed[i].partition), 0, NULL);
                e->value = closed[i].number > e->value ? closed[i].number : e->value;
            }
        }
    }
    buf_free(&out);
    buf_free(&heads);
    return rc;
}

int notary_bury(struct notary *n, const struct notary_tombstone *stone, int64_t now_ns,
                struct err *err)
{
    struct buf out = {0};
    key_append(n, &out, now_ns);
    size_t start = out.len;
    buf_printf(&out, "gone %.*s %llu %llu %llu %.*s %s ", (int)stone->partition.len,
               stone->partition.data, (unsigned long long)stone->first_sequence,
               (unsigned long long)stone->last_sequence, (unsigned long long)stone->row_count,
               (int)stone->path.len, stone->path.data, stone->reason);
    time_append(&out, now_ns);
    line_sign(n, &out, start);
    int rc = lines_append(n, buf_as_slice(&out), now_ns, err);
    if (rc == ERR_OK && n->key)
        n->key_known = true;
    buf_free(&out);
    return rc;
}
