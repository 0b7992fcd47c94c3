/* What one cell holds: names, sums, skew, and its fields in rows and cursors. */
#include "watch/ledger.h"

const struct ledger_name ledger_names[LEDGER_COUNTS] = {
    [LEDGER_RECEIVED] = {"received", "received", "đã nhận", LEDGER_CLASS_RECEIVED},
    [LEDGER_STORED] = {"stored", "stored", "đã lưu", LEDGER_CLASS_KEPT},
    [LEDGER_DUPLICATE] = {"duplicate", "known already (same _id)", "đã có từ trước (cùng _id)",
                          LEDGER_CLASS_KEPT},
    [LEDGER_JOINED] = {"joined", "lines joined to another record", "dòng ghép vào bản ghi khác",
                       LEDGER_CLASS_KEPT},
    [LEDGER_REFUSED_SPLIT] = {"refused_split", "refused: could not be cut into records",
                              "từ chối: không tách được thành bản ghi", LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_PARSE] = {"refused_parse", "refused: not of the format it should be",
                              "từ chối: không đúng định dạng", LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_ENCODING] = {"refused_encoding", "refused: could not be unpacked or decoded",
                                 "từ chối: không giải nén hoặc giải mã được", LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_TOO_LONG] = {"refused_too_long", "refused: too long", "từ chối: quá dài",
                                 LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_TOO_DEEP] = {"refused_too_deep", "refused: too many fields or levels",
                                 "từ chối: quá nhiều trường hoặc tầng", LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_ACTION] = {"refused_action", "refused: an action that is not offered",
                               "từ chối: thao tác không được hỗ trợ", LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_TIME] = {"refused_time", "refused: its time cannot be",
                             "từ chối: thời gian không hợp lệ", LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_NO_ROOM] = {"refused_no_room", "refused: no room for it",
                                "từ chối: không còn chỗ", LEDGER_CLASS_REFUSED},
    [LEDGER_REFUSED_OTHER] = {"refused_other", "refused: other reasons", "từ chối: lý do khác",
                              LEDGER_CLASS_REFUSED},
    [LEDGER_DROPPED_KERNEL] = {"dropped_kernel",
                               "dropped: datagrams that the kernel had no room for",
                               "mất: gói tin nhân hệ điều hành không còn chỗ chứa",
                               LEDGER_CLASS_DROPPED},
    [LEDGER_DROPPED_ENDED] = {"dropped_ended", "dropped: in a process that was ended",
                              "mất: nằm trong tiến trình bị dừng", LEDGER_CLASS_DROPPED},
    [LEDGER_DROPPED_OVERLOAD] = {"dropped_overload", "dropped: overload", "mất: quá tải",
                                 LEDGER_CLASS_DROPPED},
    [LEDGER_BYTES] = {"bytes", "bytes", "byte", LEDGER_CLASS_BESIDE},
    [LEDGER_FINDINGS] = {"findings", "findings", "phát hiện", LEDGER_CLASS_BESIDE},
    [LEDGER_UNATTRIBUTED] = {"unattributed", "events of no registered host",
                             "sự kiện không thuộc máy nào đã đăng ký", LEDGER_CLASS_BESIDE},
    [LEDGER_TIMELESS] = {"timeless", "events that tell no time", "sự kiện không ghi giờ",
                         LEDGER_CLASS_BESIDE},
    [LEDGER_AHEAD] = {"ahead", "events dated after their receipt", "sự kiện ghi giờ sau lúc nhận",
                      LEDGER_CLASS_BESIDE},
    [LEDGER_LATE] = {"late", "events more than an hour late", "sự kiện đến trễ hơn một giờ",
                     LEDGER_CLASS_BESIDE},
    [LEDGER_OLD] = {"old", "events more than a day late", "sự kiện đến trễ hơn một ngày",
                    LEDGER_CLASS_BESIDE},
};

enum ledger_count ledger_refused_by(int err_code)
{
    switch (err_code) {
    case ERR_SYNTAX:
        return LEDGER_REFUSED_PARSE;
    case ERR_LIMIT:
        return LEDGER_REFUSED_TOO_DEEP;
    case ERR_DAMAGED:
        return LEDGER_REFUSED_ENCODING;
    case ERR_UNSUPPORTED:
        return LEDGER_REFUSED_ACTION;
    case ERR_FULL:
    case ERR_BUSY:
        return LEDGER_REFUSED_NO_ROOM;
    default:
        return LEDGER_REFUSED_OTHER;
    }
}

static void max_set(uint64_t *max, uint64_t value)
{
    if (value > *max)
        *max = value;
}

void ledger_figures_time(struct ledger_figures *f, int64_t event_ns, int64_t received_ns)
{
    if (event_ns == CLOCK_NONE) {
        f->counts[LEDGER_TIMELESS]++;
    } else if (event_ns > received_ns) {
        uint64_t ahead_s = ((uint64_t)event_ns - (uint64_t)received_ns) / CLOCK_SECOND_NS;
        max_set(&f->ahead_max_s, ahead_s);
        f->counts[LEDGER_AHEAD] += ahead_s > LEDGER_SKEW_AHEAD_S;
    } else {
        uint64_t behind_s = ((uint64_t)received_ns - (uint64_t)event_ns) / CLOCK_SECOND_NS;
        max_set(&f->behind_max_s, behind_s);
        f->counts[LEDGER_OLD] += behind_s > LEDGER_SKEW_OLD_S;
        f->counts[LEDGER_LATE] += behind_s > LEDGER_SKEW_LATE_S && behind_s <= LEDGER_SKEW_OLD_S;
    }
}

void ledger_figures_add(struct ledger_figures *to, const struct ledger_figures *more)
{
    for (size_t i = 0; i < LEDGER_COUNTS; i++)
        to->counts[i] += more->counts[i];
    max_set(&to->ahead_max_s, more->ahead_max_s);
    max_set(&to->behind_max_s, more->behind_max_s);
}

uint64_t ledger_class_sum(const struct ledger_figures *f, enum ledger_class of)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LEDGER_COUNTS; i++)
        if (ledger_names[i].of == of)
            sum += f->counts[i];
    return sum;
}

int64_t ledger_unaccounted(const struct ledger_figures *f)
{
    uint64_t outcomes = 0;
    for (size_t i = LEDGER_STORED; i < LEDGER_OUTCOMES_END; i++)
        outcomes += f->counts[i];
    return (int64_t)(f->counts[LEDGER_RECEIVED] - outcomes);
}

uint64_t ledger_cell_gaps(const struct ledger_cell *cell)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < LEDGER_GAPS; i++)
        sum += cell->gaps[i];
    return sum;
}

/* ---- fields ---- */

static const char *const gap_names[LEDGER_GAPS] = {
    "gaps_1s",       "gaps_2s",       "gaps_4s",       "gaps_8s",      "gaps_16s",
    "gaps_32s",      "gaps_64s",      "gaps_128s",     "gaps_256s",    "gaps_512s",
    "gaps_1024s",    "gaps_2048s",    "gaps_4096s",    "gaps_8192s",   "gaps_16384s",
    "gaps_32768s",   "gaps_65536s",   "gaps_131072s",  "gaps_262144s", "gaps_524288s",
    "gaps_1048576s", "gaps_2097152s", "gaps_4194304s", "gaps_8388608s"};

static void field_give(ledger_field *field, void *context, const char *name, uint64_t value)
{
    if (value)
        field(context, name, value);
}

void ledger_cell_fields(const struct ledger_cell *cell, ledger_field *field, void *context)
{
    const struct ledger_figures *f = &cell->figures;
    for (size_t i = 0; i < LEDGER_COUNTS; i++)
        if (f->counts[i] || i == LEDGER_RECEIVED || i == LEDGER_STORED)
            field(context, ledger_names[i].name, f->counts[i]);
    field_give(field, context, "ahead_max_s", f->ahead_max_s);
    field_give(field, context, "behind_max_s", f->behind_max_s);
    for (size_t i = 0; i < LEDGER_GAPS; i++)
        field_give(field, context, gap_names[i], cell->gaps[i]);
    field_give(field, context, "longest_s", cell->longest_s);
    if (cell->first_ns > 0)
        field(context, "first_ns", (uint64_t)cell->first_ns);
    if (cell->newest_ns > 0)
        field(context, "newest_ns", (uint64_t)cell->newest_ns);
}

void ledger_cell_begin(struct ledger_cell *cell, int64_t hour, struct slice source)
{
    *cell = (struct ledger_cell){
        .hour = hour, .source = source, .first_ns = CLOCK_NONE, .newest_ns = CLOCK_NONE};
}

static bool is_named(struct slice name, const char *wanted)
{
    return slice_equal(name, slice_from(wanted));
}

void ledger_cell_take(struct ledger_cell *cell, struct slice name, struct slice text)
{
    uint64_t value;
    if (!slice_to_u64(text, &value))
        return;
    for (size_t i = 0; i < LEDGER_COUNTS; i++)
        if (is_named(name, ledger_names[i].name))
            cell->figures.counts[i] = value;
    for (size_t i = 0; i < LEDGER_GAPS; i++)
        if (is_named(name, gap_names[i]))
            cell->gaps[i] = value;
    if (is_named(name, "ahead_max_s"))
        cell->figures.ahead_max_s = value;
    else if (is_named(name, "behind_max_s"))
        cell->figures.behind_max_s = value;
    else if (is_named(name, "longest_s"))
        cell->longest_s = value;
    else if (is_named(name, "first_ns") && value <= INT64_MAX)
        cell->first_ns = (int64_t)value;
    else if (is_named(name, "newest_ns") && value <= INT64_MAX)
        cell->newest_ns = (int64_t)value;
}
