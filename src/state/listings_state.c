#include "state/commands_state.h"

#define COLUMNS(list) .columns = (list), .column_count = sizeof(list) / sizeof((list)[0])
#define UNIT_NAME     "(SELECT u.name FROM unit u WHERE u.id = t.unit_id)"

static const struct listing_column unit_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, true, "number", "số"},
    {"name", "t.name", LISTING_TEXT, true, false, "name", "tên"},
    {"title", "t.title", LISTING_TEXT, false, false, "full name", "tên đầy đủ"},
    {"title_en", "t.title_en", LISTING_TEXT, false, true, "English name", "tên tiếng Anh"},
    {"parent", "(SELECT p.name FROM unit p WHERE p.id = t.parent_id)", LISTING_TEXT, true, false,
     "under", "trực thuộc"},
    {"kind", "t.kind", LISTING_TEXT, true, false, "kind", "loại"},
    {"made", "t.made_ns", LISTING_TIME, false, true, "added", "thêm lúc"},
};
static const struct listing units = {.name = "units",
                                     .noun = "unit",
                                     .from = "unit t",
                                     .unit = "t.id",
                                     .text = "t.search",
                                     .right = RIGHT_READ,
                                     COLUMNS(unit_columns),
                                     .title_en = "Units",
                                     .title_vi = "Đơn vị"};

static const struct listing_column system_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, true, "number", "số"},
    {"name", "t.name", LISTING_TEXT, true, false, "name", "mã"},
    {"title", "t.title", LISTING_TEXT, false, false, "full name", "tên hệ thống"},
    {"unit", UNIT_NAME, LISTING_TEXT, true, false, "unit", "đơn vị"},
    {"level", "t.level", LISTING_NUMBER, true, false, "level", "cấp độ"},
    {"personal_data", "t.personal_data", LISTING_BOOL, true, false, "personal data",
     "dữ liệu cá nhân"},
    {"national_platform", "t.national_platform", LISTING_BOOL, true, true, "national platform",
     "nền tảng quốc gia"},
    {"internet_exposed", "t.internet_exposed", LISTING_BOOL, true, false, "on the Internet",
     "kết nối Internet"},
    {"owner", "t.owner", LISTING_TEXT, true, false, "owner", "chủ quản"},
    {"operator", "t.operator", LISTING_TEXT, true, false, "operator", "đơn vị vận hành"},
    {"provider", "t.provider", LISTING_TEXT, true, true, "provider", "nhà cung cấp"},
    {"contacts", "t.contacts", LISTING_TEXT, false, true, "contacts", "đầu mối liên hệ"},
    {"response_plan", "t.response_plan", LISTING_DATE, false, true, "response plan",
     "phương án ứng phó"},
    {"hosts", "(SELECT count(*) FROM host h WHERE h.system_id = t.id)", LISTING_NUMBER, false,
     false, "hosts", "số máy"},
    {"made", "t.made_ns", LISTING_TIME, false, true, "added", "thêm lúc"},
};
static const struct listing systems = {.name = "systems",
                                       .noun = "system",
                                       .from = "system t",
                                       .unit = "t.unit_id",
                                       .text = "t.search",
                                       .right = RIGHT_READ,
                                       COLUMNS(system_columns),
                                       .title_en = "Information systems",
                                       .title_vi = "Hệ thống thông tin"};

static const struct listing_column host_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, true, "number", "số"},
    {"name", "t.name", LISTING_TEXT, true, false, "name", "tên máy"},
    {"title", "t.title", LISTING_TEXT, false, false, "description", "mô tả"},
    {"addresses",
     "coalesce((SELECT group_concat(a.address, ', ') FROM host_address a WHERE a.host_id = t.id),"
     " '')",
     LISTING_TEXT, false, false, "addresses", "địa chỉ IP"},
    {"system", "(SELECT s.name FROM system s WHERE s.id = t.system_id)", LISTING_TEXT, true, false,
     "system", "hệ thống"},
    {"unit", UNIT_NAME, LISTING_TEXT, true, false, "unit", "đơn vị"},
    {"os", "t.os", LISTING_TEXT, true, false, "operating system", "hệ điều hành"},
    {"kind", "t.kind", LISTING_TEXT, true, false, "kind", "loại máy"},
    {"made", "t.made_ns", LISTING_TIME, false, true, "added", "thêm lúc"},
};
static const struct listing hosts = {.name = "hosts",
                                     .noun = "host",
                                     .from = "host t",
                                     .unit = "t.unit_id",
                                     .text = "t.search",
                                     .right = RIGHT_READ,
                                     COLUMNS(host_columns),
                                     .title_en = "Hosts",
                                     .title_vi = "Máy"};

static const struct listing_column user_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, true, "number", "số"},
    {"name", "t.name", LISTING_TEXT, true, false, "name", "tên đăng nhập"},
    {"title", "t.title", LISTING_TEXT, false, false, "full name", "họ và tên"},
    {"role", "t.role", LISTING_TEXT, true, false, "role", "vai trò"},
    {"home", UNIT_NAME, LISTING_TEXT, true, false, "works in", "đơn vị công tác"},
    {"units",
     "CASE WHEN t.everywhere THEN '*' ELSE coalesce((SELECT group_concat(u.name, ', ')"
     " FROM user_unit g JOIN unit u ON u.id = g.unit_id WHERE g.user_id = t.id), '') END",
     LISTING_TEXT, false, false, "units", "đơn vị được giao"},
    {"totp", "t.totp_id IS NOT NULL", LISTING_BOOL, true, false, "second factor",
     "xác thực hai bước"},
    {"password", "t.password_id IS NOT NULL", LISTING_BOOL, true, true, "has a password",
     "có mật khẩu"},
    {"unix", "t.unix_name", LISTING_TEXT, true, true, "Unix user", "tài khoản Unix"},
    {"language", "CASE WHEN t.vietnamese THEN 'vi' ELSE 'en' END", LISTING_TEXT, true, true,
     "language", "ngôn ngữ"},
    {"locked", "t.locked", LISTING_BOOL, true, false, "locked", "bị khóa"},
    {"locked_until", "nullif(t.locked_until_ns, 0)", LISTING_TIME, false, true, "no sign-in before",
     "tạm khóa đến"},
    {"removed", "t.removed_ns", LISTING_TIME, false, true, "removed", "xóa lúc"},
    {"made", "t.made_ns", LISTING_TIME, false, true, "added", "thêm lúc"},
};
static const struct listing users = {.name = "users",
                                     .noun = "user",
                                     .from = "user t",
                                     .unit = "t.unit_id",
                                     .text = "t.search",
                                     .right = RIGHT_USERS,
                                     COLUMNS(user_columns),
                                     .title_en = "Users",
                                     .title_vi = "Người dùng"};

#define USER_NAME "(SELECT u.name FROM user u WHERE u.id = t.user_id)"

static const struct listing_column token_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, false, "number", "số"},
    {"name", "t.name", LISTING_TEXT, true, false, "name", "tên"},
    {"user", USER_NAME, LISTING_TEXT, true, false, "user", "chủ của mã"},
    {"rights",
     "(SELECT coalesce(group_concat(v.column2, ', '), '') FROM (VALUES(1, 'read'), (2, 'watch'),"
     " (4, 'search'), (8, 'incident'), (16, 'register'), (32, 'users'), (64, 'settings'),"
     " (128, 'audit'), (256, 'sign'), (512, 'ingest')) v WHERE t.rights & v.column1)",
     LISTING_TEXT, false, false, "rights", "quyền"},
    {"units",
     "CASE WHEN t.everywhere THEN '*' ELSE coalesce((SELECT group_concat(u.name, ', ')"
     " FROM token_unit g JOIN unit u ON u.id = g.unit_id WHERE g.token_id = t.id), '') END",
     LISTING_TEXT, false, false, "units", "đơn vị"},
    {"expires", "t.expires_ns", LISTING_TIME, false, false, "expires", "hết hạn"},
    {"used", "t.used_ns", LISTING_TIME, false, false, "last used", "dùng lần cuối"},
    {"made", "t.made_ns", LISTING_TIME, false, true, "made", "cấp lúc"},
};
static const struct listing tokens = {.name = "tokens",
                                      .noun = "token",
                                      .from = "token t",
                                      .right = RIGHT_SELF,
                                      .own = true,
                                      COLUMNS(token_columns),
                                      .title_en = "Tokens",
                                      .title_vi = "Mã truy cập"};

static const struct listing_column session_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, false, "number", "số"},
    {"user", USER_NAME, LISTING_TEXT, true, false, "user", "người dùng"},
    {"from", "t.sent_from", LISTING_TEXT, true, false, "from", "từ địa chỉ"},
    {"made", "t.made_ns", LISTING_TIME, false, false, "signed in", "đăng nhập lúc"},
    {"used", "t.used_ns", LISTING_TIME, false, false, "last used", "dùng lần cuối"},
    {"expires", "t.expires_ns", LISTING_TIME, false, true, "expires", "hết hạn"},
};
static const struct listing sessions = {.name = "sessions",
                                        .noun = "session",
                                        .from = "session t",
                                        .right = RIGHT_SELF,
                                        .own = true,
                                        COLUMNS(session_columns),
                                        .title_en = "Sessions",
                                        .title_vi = "Phiên đăng nhập"};

static const struct listing_column outbox_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, false, "number", "số"},
    {"channel", "t.channel", LISTING_TEXT, true, false, "channel", "kênh gửi"},
    {"subject", "t.subject", LISTING_TEXT, false, false, "subject", "tiêu đề"},
    {"state",
     "CASE WHEN t.due_ns IS NOT NULL THEN 'waiting' WHEN t.delivered THEN 'delivered'"
     " ELSE 'given up' END",
     LISTING_TEXT, true, false, "state", "trạng thái"},
    {"tries", "t.tries", LISTING_NUMBER, false, false, "tries", "số lần thử"},
    {"made", "t.made_ns", LISTING_TIME, false, false, "made", "tạo lúc"},
    {"due", "t.due_ns", LISTING_TIME, false, true, "next try", "lần thử tới"},
    {"why", "t.why", LISTING_TEXT, false, false, "last outcome", "kết quả gần nhất"},
    {"key", "t.key", LISTING_TEXT, true, true, "Idempotency-Key", "Idempotency-Key"},
};
static const struct listing outbox = {.name = "outbox",
                                      .noun = "outbox",
                                      .from = "outbox t",
                                      .right = RIGHT_SETTINGS,
                                      .newest_first = true,
                                      COLUMNS(outbox_columns),
                                      .title_en = "Outbox",
                                      .title_vi = "Hộp gửi đi"};

static const struct listing_column rules_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, true, "number", "số"},
    {"version", "t.version", LISTING_TEXT, true, false, "version", "phiên bản"},
    {"active", "t.version = (SELECT a.version FROM rules_active a ORDER BY a.id DESC LIMIT 1)",
     LISTING_BOOL, false, false, "active", "đang dùng"},
    {"rules", "t.rules", LISTING_NUMBER, false, false, "rules", "số quy tắc"},
    {"made", "t.made_ns", LISTING_TIME, false, false, "kept", "lưu lúc"},
    {"enabled", "(SELECT max(a.since_ns) FROM rules_active a WHERE a.version = t.version)",
     LISTING_TIME, false, false, "enabled", "bật lúc"},
    {"actor",
     "coalesce((SELECT a.actor FROM rules_active a WHERE a.version = t.version"
     " ORDER BY a.id DESC LIMIT 1), '')",
     LISTING_TEXT, false, false, "by", "người bật"},
    {"origin", "t.origin", LISTING_TEXT, false, false, "from", "nguồn"},
};
static const struct listing rules = {.name = "rules_versions",
                                     .noun = "rules",
                                     .from = "rules_version t",
                                     .right = RIGHT_SETTINGS,
                                     .newest_first = true,
                                     COLUMNS(rules_columns),
                                     .title_en = "Versions of the rules",
                                     .title_vi = "Các phiên bản bộ quy tắc"};

static const struct listing_column audit_columns[] = {
    {"id", "t.id", LISTING_NUMBER, false, false, "number", "số"},
    {"time", "t.time_ns", LISTING_TIME, true, false, "time", "thời điểm"},
    {"actor", "t.actor", LISTING_TEXT, true, false, "who", "ai"},
    {"from", "t.sent_from", LISTING_TEXT, true, false, "from", "từ"},
    {"command", "t.command", LISTING_TEXT, true, false, "command", "lệnh"},
    {"object", "t.object", LISTING_TEXT, true, false, "object", "đối tượng"},
    {"unit", UNIT_NAME, LISTING_TEXT, true, true, "unit", "đơn vị"},
    {"code", "t.code", LISTING_NUMBER, false, false, "outcome", "kết quả"},
    {"detail", "t.detail", LISTING_TEXT, false, false, "detail", "chi tiết"},
    {"hash", "lower(hex(t.hash))", LISTING_TEXT, true, true, "hash", "mã băm"},
};
static const struct listing audit = {.name = "audit",
                                     .noun = "audit",
                                     .from = "audit t",
                                     .unit = "t.unit_id",
                                     .right = RIGHT_AUDIT,
                                     .newest_first = true,
                                     COLUMNS(audit_columns),
                                     .title_en = "Audit chain",
                                     .title_vi = "Chuỗi kiểm toán"};

const struct listing *const state_listings[] = {&audit,    &hosts,   &outbox, &rules, &sessions,
                                                &systems, &tokens, &units,  &users, NULL};
const uint32_t state_listing_count = sizeof state_listings / sizeof state_listings[0] - 1;
