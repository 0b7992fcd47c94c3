#include "state/right.h"

#include <stdio.h>

#include "base/bytes.h"

const struct right_row right_table[RIGHT_COUNT] = {
    {RIGHT_READ, "read", "look at the register, sources and findings",
     "xem danh mục, nguồn nhật ký và kết quả phát hiện"},
    {RIGHT_WATCH, "watch", "duties of an officer: acknowledge, judge, escalate, hand over",
     "việc của cán bộ trực: tiếp nhận, đánh giá, báo cáo, bàn giao"},
    {RIGHT_SEARCH, "search", "search, hunt and export stored events",
     "tìm kiếm, rà soát và xuất sự kiện đã lưu"},
    {RIGHT_INCIDENT, "incident", "incidents and evidence", "sự cố và chứng cứ"},
    {RIGHT_REGISTER, "register", "change units, systems and hosts",
     "sửa đơn vị, hệ thống thông tin và máy"},
    {RIGHT_USERS, "users", "users, their roles and units, tokens of others",
     "người dùng, vai trò và đơn vị của họ, mã truy cập của người khác"},
    {RIGHT_SETTINGS, "settings", "the node: keys, backups, channels, retention",
     "nút canh: khóa, sao lưu, kênh gửi, thời hạn lưu"},
    {RIGHT_AUDIT, "audit", "read and verify the audit chain", "đọc và kiểm tra chuỗi kiểm toán"},
    {RIGHT_SIGN, "sign", "sign reports", "ký báo cáo"},
    {RIGHT_INGEST, "ingest", "send events", "gửi sự kiện"},
    {RIGHT_SELF, "self", "own password, second factor, tokens and sessions",
     "mật khẩu, xác thực hai bước, mã truy cập và phiên của mình"},
};

unsigned right_find(struct slice name)
{
    for (uint32_t i = 0; i < RIGHT_COUNT; i++)
        if (slice_equal(name, slice_from(right_table[i].name)))
            return right_table[i].right;
    return 0;
}

void right_text(unsigned rights, struct buf *out)
{
    const char *between = "";
    for (uint32_t i = 0; i < RIGHT_COUNT; i++) {
        if (!(rights & right_table[i].right))
            continue;
        buf_string(out, between);
        buf_string(out, right_table[i].name);
        between = ", ";
    }
}

enum {
    OFFICER = RIGHT_READ | RIGHT_WATCH | RIGHT_SEARCH | RIGHT_SELF,
    HANDLER = OFFICER | RIGHT_INCIDENT
};

/* Who runs the node (administrator) neither judges alerts nor signs reports; who audits changes
 * nothing. */
const struct role_row role_table[ROLE_COUNT] = {
    {"officer", OFFICER, false, "officer on duty", "cán bộ trực"},
    {"handler", HANDLER, false, "incident handler", "cán bộ ứng cứu"},
    {"lead", HANDLER | RIGHT_REGISTER, false, "shift lead", "trưởng ca"},
    {"head", HANDLER | RIGHT_AUDIT | RIGHT_SIGN, false, "head of unit", "lãnh đạo đơn vị"},
    {"administrator",
     RIGHT_READ | RIGHT_SEARCH | RIGHT_REGISTER | RIGHT_USERS | RIGHT_SETTINGS | RIGHT_AUDIT |
         RIGHT_SELF,
     false, "administrator", "quản trị"},
    {"auditor", RIGHT_READ | RIGHT_SEARCH | RIGHT_AUDIT | RIGHT_SELF, false, "auditor",
     "kiểm toán"},
    {"machine", RIGHT_READ | RIGHT_INGEST, false, "machine", "máy"},
    {"provider", HANDLER, true, "service provider's staff", "nhân viên nhà cung cấp"},
};

const struct role_row *role_find(struct slice name)
{
    for (uint32_t i = 0; i < ROLE_COUNT; i++)
        if (slice_equal(name, slice_from(role_table[i].name)))
            return &role_table[i];
    return NULL;
}

bool caller_may(const struct caller *caller, unsigned rights)
{
    return (caller->rights & rights) == rights;
}

bool caller_has_unit(const struct caller *caller, uint64_t unit_id)
{
    if (caller->everywhere)
        return true;
    uint32_t low = 0, high = caller->unit_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (caller->units[middle] == unit_id)
            return true;
        if (caller->units[middle] < unit_id)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

struct caller caller_system(void)
{
    return (struct caller){.kind = CALLER_SYSTEM,
                           .name = SLICE("system"),
                           .from = SLICE(""),
                           .rights = RIGHT_ALL,
                           .everywhere = true};
}

int caller_refuse(const struct caller *caller, struct err *err, int code, const char *english,
                  const char *vietnamese, ...)
{
    char text[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, vietnamese);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)vsnprintf(text, sizeof(text), caller->vietnamese ? vietnamese : english, args);
#pragma GCC diagnostic pop
    va_end(args);
    return err_set(err, code, "%s", text);
}

void caller_pack(const struct caller *caller, struct buf *out)
{
    buf_char(out, (char)caller->kind);
    buf_char(out, (char)caller->everywhere);
    buf_char(out, (char)caller->vietnamese);
    bytes_put_u64(out, caller->user_id);
    bytes_put_u64(out, caller->session_id);
    bytes_put_text(out, caller->name);
    bytes_put_text(out, caller->from);
    bytes_put_u32(out, caller->rights);
    bytes_put_u32(out, caller->unit_count);
    for (uint32_t i = 0; i < caller->unit_count; i++)
        bytes_put_u64(out, caller->units[i]);
}

static bool take_bool(struct bytes_in *in)
{
    uint8_t value = bytes_take_u8(in);
    in->bad |= value > 1;
    return value == 1;
}

int caller_unpack(struct bytes_in *in, struct arena *arena, struct caller *out, struct err *err)
{
    struct caller c = {0};
    uint8_t kind = bytes_take_u8(in);
    in->bad |= kind > CALLER_TOKEN;
    c.kind = (enum caller_kind)kind;
    c.everywhere = take_bool(in);
    c.vietnamese = take_bool(in);
    c.user_id = bytes_take_u64(in);
    c.session_id = bytes_take_u64(in);
    c.name = arena_copy(arena, bytes_take_text(in, CALLER_NAME_BYTES_MAX));
    c.from = arena_copy(arena, bytes_take_text(in, CALLER_NAME_BYTES_MAX));
    c.rights = bytes_take_u32(in);
    c.unit_count = bytes_take_u32(in);
    in->bad |= (c.rights & ~(unsigned)RIGHT_ALL) != 0 || c.unit_count > CALLER_UNITS_MAX ||
               bytes_left(in) / sizeof(uint64_t) < c.unit_count;
    if (!in->bad) {
        uint64_t *units = arena_alloc(arena, c.unit_count * sizeof(*units));
        for (uint32_t i = 0; i < c.unit_count; i++) {
            units[i] = bytes_take_u64(in);
            in->bad |= i > 0 && units[i] <= units[i - 1];
        }
        c.units = units;
    }
    *out = in->bad ? (struct caller){0} : c;
    return in->bad ? err_set(err, ERR_DAMAGED, "who is asking is not told as it should be")
                   : ERR_OK;
}
