/* Audit records: the lines of one serial joined, with a line end between them.
 *
 * Lines of different serials may be mixed. A serial is whole at its EOE line (which is left out),
 * when another serial comes after its PROCTITLE line or after a user-space record (those have one
 * line), or when a line two seconds younger comes. Whole serials are given out in the order of
 * their first lines; past SPLIT_JOIN_MAX open ones or SPLIT_JOIN_BYTES_MAX the oldest is given out
 * as it is. */
#include "base/hash.h"
#include "base/mem.h"
#include "formats/split_state.h"

enum { JOIN_PADDING_BYTES = 64, JOIN_AGE_S = 2 };

struct group {
    uint64_t key; /* hash of node, time and serial */
    uint64_t line;
    uint64_t time_s;
    struct buf text;
    uint32_t lines; /* in text, and the EOE line */
    bool whole;
    bool closes_next; /* whole when another serial comes */
};

struct split_join {
    struct group ring[SPLIT_JOIN_MAX]; /* oldest first, from first on; texts keep their memory */
    size_t first, count, bytes;
};

struct audit_line {
    struct slice type;
    uint64_t key, time_s;
};

/* Kernel records, which come as several lines: SYSCALL, PATH, CWD ... User-space ones have
 * msg='...'. */
static bool is_single(struct slice text, struct slice type)
{
    static const char *const several[] = {"SYSCALL", "PATH",    "CWD",     "EXECVE", "SOCKADDR",
                                          "AVC",     "SECCOMP", "OBJ_PID", "IPC",    "MMAP"};
    for (size_t i = 0; i < sizeof(several) / sizeof(*several); i++)
        if (slice_equal(type, slice_from(several[i])))
            return false;
    return slice_find(text, SLICE(" msg='")) != SLICE_NONE || slice_equal(type, SLICE("LOGIN"));
}

static bool read_line(struct slice text, struct audit_line *out)
{
    static const struct slice mark = {"msg=audit(", 10};
    size_t at = slice_find(text, mark);
    if (at == SLICE_NONE)
        return false;
    struct slice head = slice_part(text, 0, at);
    struct slice id = slice_part(text, at + mark.len, text.len);
    size_t end = slice_find_char(id, ')');
    if (end == SLICE_NONE || end == 0)
        return false;
    id.len = end;
    struct slice node = {"", 0};
    size_t type_at = slice_find(head, SLICE("type="));
    size_t node_at = slice_find(head, SLICE("node="));
    if (node_at != SLICE_NONE) {
        struct slice rest = slice_part(head, node_at, head.len);
        node = slice_cut(&rest, ' ');
    }
    out->type = SLICE("");
    if (type_at != SLICE_NONE) {
        struct slice rest = slice_part(head, type_at + 5, head.len);
        out->type = slice_cut(&rest, ' ');
    }
    out->key = hash_slice(id, hash_slice(node, 0));
    struct slice rest = id;
    if (!slice_to_u64(slice_cut(&rest, '.'), &out->time_s))
        out->time_s = 0;
    return true;
}

static struct group *group_at(struct split_join *j, size_t index)
{
    return &j->ring[(j->first + index) % SPLIT_JOIN_MAX];
}

static void give_oldest(struct split *s, struct arena *arena, struct span_list *out)
{
    struct split_join *j = s->join;
    struct group *g = group_at(j, 0);
    j->bytes -= g->text.len;
    if (g->text.len > 0) {
        char *copy = arena_bytes(arena, g->text.len + JOIN_PADDING_BYTES);
        memcpy(copy, g->text.data, g->text.len);
        memset(copy + g->text.len, 0, JOIN_PADDING_BYTES);
        span_list_add(
            out,
            (struct span){.text = {copy, g->text.len}, .line = g->line, .joined = g->lines - 1});
        s->open_count -= g->lines;
    }
    if (g->text.capacity > 1 << 16)
        buf_free(&g->text);
    buf_clear(&g->text);
    j->first = (j->first + 1) % SPLIT_JOIN_MAX;
    j->count--;
}

/* The line is a part of what g will be. */
static void count_line(struct split *s, struct group *g)
{
    s->count++;
    s->open_count++;
    g->lines++;
}

/* The open group of the line's serial, made when there is none. */
static struct group *open_group(struct split *s, const struct audit_line *line, struct arena *arena,
                                struct span_list *out)
{
    struct split_join *j = s->join;
    struct group *found = NULL;
    for (size_t i = j->count; i-- > 0;) {
        struct group *g = group_at(j, i);
        if (g->key == line->key && !g->whole)
            found = g;
        else if (g->closes_next || line->time_s >= g->time_s + JOIN_AGE_S)
            g->whole = true;
    }
    if (found)
        return found;
    while (j->count > 0 && (group_at(j, 0)->whole || j->count == SPLIT_JOIN_MAX))
        give_oldest(s, arena, out);
    struct group *g = group_at(j, j->count++);
    *g = (struct group){.key = line->key, .time_s = line->time_s, .text = g->text};
    return g;
}

static void join_line(struct split *s, struct slice text, struct arena *arena,
                      struct span_list *out)
{
    struct split_join *j = s->join;
    struct audit_line line;
    uint64_t number = s->line - 1;
    if (!read_line(text, &line)) {
        split_refuse(s, number, "no msg=audit(TIME:SERIAL) in this line");
        return;
    }
    struct group *g = open_group(s, &line, arena, out);
    if (slice_equal(line.type, SLICE("EOE"))) {
        g->whole = true;
        if (g->text.len > 0)
            count_line(s, g);
    } else if (g->text.len + text.len + 1 > RECORD_BYTES_MAX) {
        split_refuse(s, number, "the lines of this audit serial are too long together (16 MiB)");
    } else {
        if (g->text.len == 0)
            g->line = number;
        else
            buf_char(&g->text, '\n');
        buf_slice(&g->text, text);
        count_line(s, g);
        j->bytes += g->text.len == text.len ? text.len : text.len + 1;
        g->closes_next = slice_equal(line.type, SLICE("PROCTITLE")) || is_single(text, line.type);
    }
    while (j->count > 0 && (group_at(j, 0)->whole || j->bytes > SPLIT_JOIN_BYTES_MAX))
        give_oldest(s, arena, out);
}

size_t split_join_feed(struct split *s, struct slice block, bool last, struct arena *arena,
                       struct span_list *out)
{
    if (!s->join)
        s->join = mem_zeroed(1, sizeof(*s->join));
    size_t at = 0;
    struct slice line;
    while (split_next_line(s, block, last, &at, &line))
        if (slice_trim(line).len > 0)
            join_line(s, line, arena, out);
    while (last && s->join->count > 0)
        give_oldest(s, arena, out);
    return at;
}

void split_join_close(struct split_join **join)
{
    if (!*join)
        return;
    for (size_t i = 0; i < SPLIT_JOIN_MAX; i++)
        buf_free(&(*join)->ring[i].text);
    mem_free(*join);
    *join = NULL;
}
