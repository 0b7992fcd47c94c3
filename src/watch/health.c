#include "watch/health.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/mem.h"

const struct health_kind_row health_kinds[HEALTH_KINDS] = {
    [HEALTH_SILENT] = {"silent", "A source is silent", "Một nguồn nhật ký im lặng", "high", true, 0,
                       true},
    [HEALTH_SKEW] = {"skew", "A source's clock is wrong", "Đồng hồ của một nguồn bị sai", "medium",
                     false, 0, true},
    [HEALTH_VOLUME] = {"volume", "A source sends much more or less than usual",
                       "Một nguồn gửi nhiều hoặc ít hơn hẳn thường lệ", "medium", false, 0, true},
    [HEALTH_REFUSED] = {"refused", "Many records of a source cannot be read",
                        "Nhiều bản ghi của một nguồn không đọc được", "medium", false, 0, true},
    [HEALTH_UNACCOUNTED] = {"unaccounted", "Records of a source vanished inside of Canh",
                            "Bản ghi của một nguồn bị thất lạc trong Canh", "critical", true, 0,
                            true},
    [HEALTH_DROPPED] = {"dropped", "Records of a source were lost before they were stored",
                        "Bản ghi của một nguồn bị mất trước khi lưu", "high", false, 0, true},
    [HEALTH_UNREADABLE] = {"unreadable", "Files or a journal of a source cannot be read",
                           "Không đọc được tệp hoặc journal của một nguồn", "high", true, 10, true},
    [HEALTH_RULES_AGE] = {"rules-age", "The rules are old", "Bộ quy tắc đã cũ", "low", false, 0,
                          false},
    [HEALTH_INDICATORS_AGE] = {"indicators-age", "The indicators are old", "Bộ chỉ dấu đã cũ",
                               "low", false, 0, false},
    [HEALTH_DISK] = {"disk", "The disk is nearly full", "Ổ đĩa sắp đầy", "high", false, 60, false},
    [HEALTH_CERTIFICATE] = {"certificate", "A certificate ends soon", "Chứng thư sắp hết hạn",
                            "medium", false, 60, false},
    [HEALTH_ROLE] = {"role", "A part of Canh is not at work",
                     "Một bộ phận của Canh không hoạt động", "high", true, 30, false},
    [HEALTH_SANDBOX] = {"sandbox", "A part of Canh runs with a partial sandbox",
                        "Một bộ phận của Canh chỉ được cách ly một phần", "medium", false, 10,
                        false},
    [HEALTH_OUTPUT] = {"output", "An output is behind", "Một đầu ra bị chậm", "medium", false, 60,
                       false},
    [HEALTH_SUSPENDED] = {"suspended", "A rule is suspended", "Một quy tắc bị tạm dừng", "high",
                          false, 0, false},
    [HEALTH_RULES] = {"rules", "Parts of Canh judge by different rules",
                      "Các bộ phận của Canh dùng quy tắc khác nhau", "high", true, 60, false},
    [HEALTH_STORE] = {"store", "Events cannot be stored", "Không lưu được sự kiện", "critical",
                      true, 0, false},
    [HEALTH_STATE] = {"state", "Commands cannot be kept", "Không lưu được các lệnh", "high", false,
                      0, false},
    [HEALTH_OUTBOX] = {"outbox", "Messages wait to be sent", "Tin nhắn chờ gửi", "medium", false, 0,
                       false},
    [HEALTH_CLOCK] = {"clock", "The clock of this machine jumped", "Đồng hồ của máy này bị nhảy",
                      "medium", false, 0, false},
};

struct entry {
    enum health_kind kind;
    struct buf subject, en, vi;
    int64_t since_ns, told_ns; /* told: when it was first told here */
    bool is_told, is_now;      /* in this look; in the newest whole one */
    bool is_kept, is_on_way;   /* its beginning is durable; a change is on its way */
};

struct health {
    struct entry *entries;
    uint32_t count;
    int64_t now_ns;
    uint64_t left_out, left_out_now;
    bool is_settled;
};

struct health *health_open(void)
{
    struct health *h = mem_zeroed(1, sizeof(*h));
    h->entries = mem_zeroed(HEALTH_MAX, sizeof(*h->entries));
    return h;
}

void health_close(struct health **health)
{
    struct health *h = *health;
    if (!h)
        return;
    for (uint32_t i = 0; i < HEALTH_MAX; i++) {
        buf_free(&h->entries[i].subject);
        buf_free(&h->entries[i].en);
        buf_free(&h->entries[i].vi);
    }
    mem_free(h->entries);
    mem_free(h);
    *health = NULL;
}

static void text_set(struct buf *out, struct slice text, size_t max)
{
    buf_clear(out);
    if (text.len)
        buf_slice(out, slice_part(text, 0, max));
}

static struct entry *entry_find(struct health *h, enum health_kind kind, struct slice subject)
{
    subject = slice_part(subject, 0, HEALTH_SUBJECT_BYTES_MAX);
    for (uint32_t i = 0; i < h->count; i++)
        if (h->entries[i].kind == kind &&
            slice_equal(buf_as_slice(&h->entries[i].subject), subject))
            return &h->entries[i];
    return NULL;
}

static struct entry *entry_make(struct health *h, enum health_kind kind, struct slice subject)
{
    struct entry *e = entry_find(h, kind, subject);
    if (e || h->count == HEALTH_MAX)
        return e;
    e = &h->entries[h->count++];
    e->kind = kind;
    text_set(&e->subject, subject, HEALTH_SUBJECT_BYTES_MAX);
    buf_clear(&e->en);
    buf_clear(&e->vi);
    e->since_ns = e->told_ns = CLOCK_NONE;
    e->is_told = e->is_now = e->is_kept = e->is_on_way = false;
    return e;
}

/* Its memory goes to the end of the list, to be used again. */
static void entry_drop(struct health *h, uint32_t i)
{
    struct entry gone = h->entries[i];
    h->entries[i] = h->entries[--h->count];
    h->entries[h->count] = gone;
}

/* ---- looking ---- */

void health_begin(struct health *h, int64_t now_ns)
{
    h->now_ns = now_ns;
    h->left_out_now = 0;
    for (uint32_t i = 0; i < h->count; i++)
        h->entries[i].is_told = false;
}

void health_add(struct health *h, const struct health_finding *f)
{
    struct entry *e = entry_make(h, f->kind, f->subject);
    if (!e) {
        h->left_out_now++;
        return;
    }
    if (e->is_told)
        return;
    e->is_told = true;
    if (e->told_ns == CLOCK_NONE || e->told_ns > h->now_ns)
        e->told_ns = h->now_ns;
    if (!e->is_kept)
        e->since_ns = f->since_ns == CLOCK_NONE ? e->told_ns : f->since_ns;
    text_set(&e->en, f->sentence_en, HEALTH_SENTENCE_BYTES_MAX);
    text_set(&e->vi, f->sentence_vi, HEALTH_SENTENCE_BYTES_MAX);
}

void health_end(struct health *h)
{
    h->left_out = h->left_out_now;
    for (uint32_t i = h->count; i-- > 0;) {
        struct entry *e = &h->entries[i];
        e->is_now = e->is_told;
        if (!e->is_now)
            e->told_ns = CLOCK_NONE;
        if (!e->is_now && !e->is_kept && !e->is_on_way)
            entry_drop(h, i);
    }
}

static void finding_of(const struct entry *e, struct health_finding *out)
{
    *out = (struct health_finding){e->kind, buf_as_slice(&e->subject), e->since_ns,
                                   buf_as_slice(&e->en), buf_as_slice(&e->vi)};
}

uint32_t health_count(const struct health *h)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        count += h->entries[i].is_now;
    return count;
}

void health_at(const struct health *h, uint32_t number, struct health_finding *out)
{
    for (uint32_t i = 0; i < h->count; i++)
        if (h->entries[i].is_now && number-- == 0) {
            finding_of(&h->entries[i], out);
            return;
        }
    check(false);
}

uint32_t health_count_of(const struct health *h, enum health_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        count += h->entries[i].is_now && h->entries[i].kind == kind;
    return count;
}

uint64_t health_left_out(const struct health *h)
{
    return h->left_out;
}

/* ---- changes ---- */

static bool has_lasted(const struct health *h, const struct entry *e)
{
    return h->now_ns - e->told_ns >= (int64_t)health_kinds[e->kind].hold_s * CLOCK_SECOND_NS;
}

uint32_t health_changes(struct health *h, struct health_change *out, uint32_t max,
                        struct arena *arena)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->count && count < max; i++) {
        struct entry *e = &h->entries[i];
        bool begins = e->is_now && !e->is_kept && has_lasted(h, e);
        bool ends = !e->is_now && e->is_kept && h->is_settled;
        if (e->is_on_way || (!begins && !ends))
            continue;
        struct health_change *c = &out[count++];
        c->ends = ends;
        c->at_ns = ends ? h->now_ns : e->since_ns;
        finding_of(e, &c->finding);
        c->finding.subject = arena_copy(arena, c->finding.subject);
        c->finding.sentence_en = arena_copy(arena, c->finding.sentence_en);
        c->finding.sentence_vi = arena_copy(arena, c->finding.sentence_vi);
        e->is_on_way = true;
    }
    return count;
}

void health_taken(struct health *h, const struct health_change *change, bool durable)
{
    struct entry *e = entry_find(h, change->finding.kind, change->finding.subject);
    if (!e)
        return;
    e->is_on_way = false;
    if (durable)
        e->is_kept = !change->ends;
    if (!e->is_now && !e->is_kept)
        entry_drop(h, (uint32_t)(e - h->entries));
}

void health_cursor(const struct health_finding *f, struct buf *name, struct buf *value)
{
    buf_clear(name);
    buf_clear(value);
    buf_slice(name, HEALTH_CURSOR);
    buf_printf(name, "%s/", health_kinds[f->kind].name);
    if (f->subject.len)
        buf_slice(name, f->subject);
    buf_printf(value, "%" PRId64, f->since_ns);
}

void health_restore(struct health *h, struct slice name, struct slice value)
{
    struct slice subject = slice_part(name, HEALTH_CURSOR.len, SIZE_MAX);
    struct slice kind = slice_cut(&subject, '/');
    uint64_t since_ns;
    for (int i = 0; i < HEALTH_KINDS && slice_to_u64(value, &since_ns); i++) {
        if (!slice_equal(kind, slice_from(health_kinds[i].name)))
            continue;
        struct entry *e = entry_make(h, (enum health_kind)i, subject);
        if (!e)
            return;
        e->is_kept = true;
        e->since_ns = (int64_t)since_ns;
    }
}

void health_settled(struct health *h)
{
    h->is_settled = true;
}
