/* What other processes say of themselves, checked and written for Prometheus: one wrong line would
 * make it refuse all. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metric_inside.h"
#include "base/text.h"

struct series {
    struct slice name, labels, help, role;
    enum metric_kind kind;
    uint32_t order; /* as they were given */
    uint64_t value; /* of a histogram: its sum */
    uint64_t buckets[METRIC_BUCKETS];
};

struct metric_text {
    struct arena arena;
    struct series *series;
    uint32_t count, source_count;
    struct map families; /* name: index of the first series of that name */
    struct map keys;     /* name, role and labels: they must differ */
};

struct metric_text *metric_text_open(void)
{
    return mem_zeroed(1, sizeof(struct metric_text));
}

static bool char_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_word(struct slice s)
{
    if (s.len == 0 || !char_is_letter(s.data[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!char_is_letter(s.data[i]) && (s.data[i] < '0' || s.data[i] > '9'))
            return false;
    return true;
}

/* Text that can stand in a line as it is. */
static bool is_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] < 0x20 || s.data[i] == 0x7f || s.data[i] == '"' ||
            s.data[i] == '\\')
            return false;
    return text_utf8_valid(s) == s.len;
}

/* name="value",... with names that differ and are not our own. */
static bool labels_fine(struct slice labels)
{
    struct slice seen = labels, rest = labels;
    while (rest.len) {
        struct slice name = slice_cut(&rest, '=');
        if (!is_word(name) || slice_equal(name, SLICE("role")) || slice_equal(name, SLICE("le")) ||
            !slice_starts(rest, SLICE("\"")))
            return false;
        for (struct slice before = slice_part(seen, 0, (size_t)(name.data - seen.data));
             before.len;) {
            struct slice other = slice_cut(&before, '=');
            if (slice_equal(other, name))
                return false;
            (void)slice_cut(&before, ',');
        }
        rest = slice_part(rest, 1, rest.len);
        size_t end = slice_find_char(rest, '"');
        if (end == SLICE_NONE || !is_plain(slice_part(rest, 0, end)) ||
            slice_find_char(slice_part(rest, 0, end), ',') != SLICE_NONE)
            return false;
        rest = slice_part(rest, end + 1, rest.len);
        if (rest.len && (rest.data[0] != ',' || rest.len == 1))
            return false;
        rest = slice_part(rest, 1, rest.len);
    }
    return true;
}

static bool name_fine(struct slice name, enum metric_kind kind)
{
    static const char *const of_histograms[] = {"_bucket", "_count", "_sum"};
    if (!is_word(name) || !slice_starts(name, SLICE("canh_")) || name.len > METRIC_NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (slice_ends(name, slice_from(of_histograms[i])))
            return false;
    return slice_ends(name, SLICE("_total")) == (kind == METRIC_COUNTER);
}

static bool series_read(struct bytes_in *in, struct series *s)
{
    uint16_t kind = bytes_take_u16(in);
    s->kind = (enum metric_kind)kind;
    s->name = bytes_take_text(in, METRIC_NAME_BYTES_MAX);
    s->labels = bytes_take_text(in, METRIC_TEXT_BYTES_MAX);
    s->help = bytes_take_text(in, METRIC_TEXT_BYTES_MAX);
    if (kind == METRIC_HISTOGRAM)
        for (int i = 0; i < METRIC_BUCKETS; i++)
            s->buckets[i] = bytes_take_u64(in);
    s->value = bytes_take_u64(in);
    return !in->bad && kind <= METRIC_HISTOGRAM && name_fine(s->name, s->kind) &&
           labels_fine(s->labels) && s->help.len > 0 && is_plain(s->help);
}

static struct slice series_key(struct arena *arena, const struct series *s)
{
    return arena_printf(arena, "%.*s %.*s {%.*s}", (int)s->name.len, s->name.data, (int)s->role.len,
                        s->role.data, (int)s->labels.len, s->labels.data);
}

/* Puts it behind the others; false: it is there, or its family is of another kind. */
static bool series_put(struct metric_text *t, const struct series *s)
{
    struct series *mine = &t->series[t->count];
    *mine = *s;
    mine->order = t->count;
    mine->name = arena_copy(&t->arena, s->name);
    mine->labels = arena_copy(&t->arena, s->labels);
    mine->help = arena_copy(&t->arena, s->help);
    bool made;
    const struct map_entry *family = map_put(&t->families, mine->name, t->count, &made);
    if (!made && t->series[family->value].kind != s->kind)
        return false;
    (void)map_put(&t->keys, series_key(&t->arena, mine), t->count, &made);
    if (!made)
        return false;
    t->count++;
    return true;
}

/* Takes back what a source put there before it showed that it was wrong. */
static void series_drop(struct metric_text *t, uint32_t from)
{
    struct arena scratch = {0};
    for (uint32_t i = from; i < t->count; i++)
        (void)map_remove(&t->keys, series_key(&scratch, &t->series[i]));
    for (uint32_t i = from; i <= t->count; i++) { /* the last one was begun */
        const struct map_entry *family = map_find(&t->families, t->series[i].name);
        if (family && family->value >= from)
            (void)map_remove(&t->families, t->series[i].name);
    }
    t->count = from;
    arena_free(&scratch);
}

static int source_refuse(const char *role, struct err *err)
{
    return err_set(err, ERR_DAMAGED, "what role %s gave as its metrics are none", role);
}

int metric_text_add(struct metric_text *t, const char *role, struct slice packed, struct err *err)
{
    struct slice role_text = slice_from(role);
    check(is_plain(role_text) && role_text.len <= METRIC_TEXT_BYTES_MAX);
    struct bytes_in in = bytes_in(packed);
    uint32_t magic = bytes_take_u32(&in), count = bytes_take_u32(&in);
    if (in.bad || magic != METRIC_MAGIC || count > METRIC_TABLE_MAX)
        return source_refuse(role, err);
    if (t->source_count == METRIC_SOURCES_MAX)
        return err_set(err, ERR_LIMIT, "metrics of more than %d roles", (int)METRIC_SOURCES_MAX);
    uint32_t from = t->count;
    t->series = mem_resize(t->series, from + count + 1, sizeof(*t->series));
    t->series[from] = (struct series){0};
    struct slice role_copy = arena_copy(&t->arena, role_text);
    for (uint32_t i = 0; i < count; i++) {
        struct series s = {.role = role_copy};
        t->series[t->count] = (struct series){0};
        if (!series_read(&in, &s) || !series_put(t, &s)) {
            series_drop(t, from);
            return source_refuse(role, err);
        }
    }
    if (bytes_left(&in) > 0) {
        t->series[t->count] = (struct series){0};
        series_drop(t, from);
        return source_refuse(role, err);
    }
    t->source_count++;
    return ERR_OK;
}

static int series_order(const void *a, const void *b)
{
    const struct series *x = a, *y = b;
    int order = slice_compare(x->name, y->name);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static uint64_t add_up_to_max(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Nanoseconds as seconds, without zeros at the end. */
static void seconds_write(struct buf *out, uint64_t ns)
{
    uint64_t rest = ns % 1000000000u;
    buf_printf(out, "%llu", (unsigned long long)(ns / 1000000000u));
    if (rest == 0)
        return;
    buf_printf(out, ".%09llu", (unsigned long long)rest);
    while (out->data[out->len - 1] == '0')
        out->len--;
}

static void value_write(struct buf *out, const struct series *s)
{
    bool seconds =
        slice_ends(s->name, SLICE("_seconds")) || slice_ends(s->name, SLICE("_seconds_total"));
    uint64_t size = s->value;
    if (s->kind == METRIC_GAUGE && (int64_t)s->value < 0) {
        buf_char(out, '-');
        size = 0 - size;
    }
    if (seconds)
        seconds_write(out, size);
    else
        buf_printf(out, "%llu", (unsigned long long)size);
    buf_char(out, '\n');
}

static void head_write(struct buf *out, const struct series *s, const char *suffix)
{
    buf_slice(out, s->name);
    buf_string(out, suffix);
    buf_string(out, "{role=\"");
    buf_slice(out, s->role);
    buf_char(out, '"');
    if (s->labels.len)
        buf_char(out, ',');
    buf_slice(out, s->labels);
}

static void histogram_write(struct buf *out, const struct series *s)
{
    uint64_t total = 0;
    for (int i = 0; i < METRIC_BUCKETS; i++) {
        total = add_up_to_max(total, s->buckets[i]);
        head_write(out, s, "_bucket");
        buf_string(out, ",le=\"");
        if (i < METRIC_BUCKETS - 1)
            seconds_write(out, (uint64_t)METRIC_BUCKET_NS << i);
        else
            buf_string(out, "+Inf");
        buf_printf(out, "\"} %llu\n", (unsigned long long)total);
    }
    head_write(out, s, "_sum");
    buf_string(out, "} ");
    seconds_write(out, s->value);
    buf_char(out, '\n');
    head_write(out, s, "_count");
    buf_printf(out, "} %llu\n", (unsigned long long)total);
}

void metric_text_end(struct metric_text **t, struct buf *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    struct metric_text *all = *t;
    if (all->count)
        qsort(all->series, all->count, sizeof(*all->series), series_order);
    for (uint32_t i = 0; i < all->count; i++) {
        const struct series *s = &all->series[i];
        if (i == 0 || !slice_equal(s->name, s[-1].name)) {
            buf_string(out, "# HELP ");
            buf_slice(out, s->name);
            buf_char(out, ' ');
            buf_slice(out, s->help);
            buf_string(out, "\n# TYPE ");
            buf_slice(out, s->name);
            buf_printf(out, " %s\n", kinds[s->kind]);
        }
        if (s->kind == METRIC_HISTOGRAM) {
            histogram_write(out, s);
            continue;
        }
        head_write(out, s, "");
        buf_string(out, "} ");
        value_write(out, s);
    }
    map_free(&all->families);
    map_free(&all->keys);
    arena_free(&all->arena);
    mem_free(all->series);
    mem_free(all);
    *t = NULL;
}
