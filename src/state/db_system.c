#include "state/db_commands.h"
#include "state/db_register.h"

int system_read(struct command_call *call, uint64_t id, struct system_row *out, struct err *err)
{
    struct statement *s = statement_get(
        call->db, "SELECT id, unit_id, name, title, owner, operator, provider, contacts,"
                  " response_plan, level, personal_data, national_platform, internet_exposed"
                  " FROM system WHERE id = ?1");
    statement_u64(s, 1, id);
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc == ERR_END ? err_set(err, ERR_NOT_FOUND, "there is no such system") : rc;
    *out = (struct system_row){.id = id,
                               .unit_id = statement_column_u64(s, 1),
                               .level = statement_column_u64(s, 9),
                               .personal_data = statement_column_u64(s, 10) != 0,
                               .national_platform = statement_column_u64(s, 11) != 0,
                               .internet_exposed = statement_column_u64(s, 12) != 0};
    struct slice *texts[] = {&out->name,     &out->title,
                             &out->owner,    &out->operator, & out->provider,
                             &out->contacts, &out->response_plan};
    for (int i = 0; i < 7; i++)
        *texts[i] = db_column_copy(call, s, i + 2);
    statement_reset(s);
    return ERR_OK;
}

static int system_count_check(struct command_call *call, struct err *err)
{
    uint64_t count = 0;
    int rc = db_number(call->db, "SELECT count(*) FROM system WHERE id > ?1", 0, 0, &count, err);
    if (rc == ERR_OK && count >= SYSTEMS_MAX)
        return call_refuse(call, err, ERR_LIMIT, "there are %d systems, which is the limit",
                           "đã có %d hệ thống thông tin, đạt giới hạn", SYSTEMS_MAX);
    return rc;
}

int system_write(struct command_call *call, struct system_row *row, struct err *err)
{
    struct buf search = {0};
    const struct slice texts[] = {row->name,     row->title,
                                  row->owner,    row->operator, row->provider,
                                  row->contacts, row->response_plan};
    int rc = row->id ? ERR_OK : system_count_check(call, err);
    if (rc != ERR_OK)
        return rc;
    struct statement *s = statement_get(
        call->db,
        row->id ? "UPDATE system SET name = ?1, title = ?2, owner = ?3, operator = ?4,"
                  " provider = ?5, contacts = ?6, response_plan = ?7, unit_id = ?8, level = ?9,"
                  " personal_data = ?10, national_platform = ?11, internet_exposed = ?12,"
                  " search = ?13 WHERE id = ?14"
                : "INSERT INTO system(name, title, owner, operator, provider, contacts,"
                  " response_plan, unit_id, level, personal_data, national_platform,"
                  " internet_exposed, search, made_ns)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)");
    for (int i = 0; i < 7; i++) {
        statement_text(s, i + 1, texts[i]);
        if (i < 6)
            db_search(&search, texts[i]);
    }
    statement_u64(s, 8, row->unit_id);
    statement_u64(s, 9, row->level);
    statement_u64(s, 10, row->personal_data);
    statement_u64(s, 11, row->national_platform);
    statement_u64(s, 12, row->internet_exposed);
    statement_text(s, 13, buf_as_slice(&search));
    statement_u64(s, 14, row->id ? row->id : (uint64_t)call->now_ns);
    rc = statement_run(s, err);
    buf_free(&search);
    if (rc == ERR_OK && row->id == 0)
        return db_last_id(call->db, &row->id, err);
    if (rc == ERR_OK)
        rc = db_change(call->db,
                       "UPDATE host_address SET unit_id = ?2 WHERE unit_id <> ?2 AND host_id IN"
                       " (SELECT id FROM host WHERE system_id = ?1)",
                       row->id, row->unit_id, err);
    if (rc == ERR_OK)
        rc = db_change(call->db,
                       "UPDATE host SET unit_id = ?2 WHERE system_id = ?1 AND unit_id <> ?2",
                       row->id, row->unit_id, err);
    return rc;
}

int system_delete(struct command_call *call, uint64_t id, struct err *err)
{
    uint64_t hosts = 0;
    int rc =
        db_number(call->db, "SELECT count(*) FROM host WHERE system_id = ?1", id, 0, &hosts, err);
    if (rc == ERR_OK && hosts > 0)
        return call_refuse(
            call, err, ERR_USAGE, "%llu hosts belong to the system: move or remove them first",
            "còn %llu máy thuộc hệ thống: hãy chuyển hoặc xóa trước", (unsigned long long)hosts);
    return rc == ERR_OK ? db_change(call->db, "DELETE FROM system WHERE id = ?1", id, 0, err) : rc;
}

static void system_take(const struct command_call *call, struct system_row *row)
{
    row->name = db_text_or(call, "name", row->name);
    row->title = db_text_or(call, "title", row->title);
    row->owner = db_text_or(call, "owner", row->owner);
    row->operator= db_text_or(call, "operator", row->operator);
    row->provider = db_text_or(call, "provider", row->provider);
    row->contacts = db_text_or(call, "contacts", row->contacts);
    row->response_plan = db_text_or(call, "response_plan", row->response_plan);
    row->unit_id = call_ref(call, "unit") ? call_ref(call, "unit") : row->unit_id;
    if (call_given(call, "level"))
        row->level = call_number(call, "level");
    if (call_given(call, "personal_data"))
        row->personal_data = call_bool(call, "personal_data");
    if (call_given(call, "national_platform"))
        row->national_platform = call_bool(call, "national_platform");
    if (call_given(call, "internet_exposed"))
        row->internet_exposed = call_bool(call, "internet_exposed");
}

static int system_put(struct command_call *call, struct system_row *row, struct err *err)
{
    system_take(call, row);
    int rc = ERR_OK;
    if (call_given(call, "name"))
        rc = db_name_free(call, "SELECT id FROM system WHERE name = ?1", row->id, err);
    if (rc == ERR_OK)
        rc = system_write(call, row, err);
    if (rc == ERR_OK)
        db_done(call, "system", row->id, row->name);
    return rc;
}

static int system_add(struct command_call *call, struct err *err)
{
    struct slice none = SLICE("");
    struct system_row row = {
        .owner = none, .operator= none, .provider = none, .contacts = none, .response_plan = none};
    return system_put(call, &row, err);
}

static int system_change(struct command_call *call, struct err *err)
{
    struct system_row row;
    int rc = system_read(call, call_ref(call, "system"), &row, err);
    return rc == ERR_OK ? system_put(call, &row, err) : rc;
}

static int system_remove(struct command_call *call, struct err *err)
{
    uint64_t id = call_ref(call, "system");
    call_object(call, "system", id);
    return system_delete(call, id, err);
}

#define SYSTEM_PARAMS(is_new)                                                                      \
    {.name = "title",                                                                              \
     .kind = PARAM_TEXT,                                                                           \
     .required = (is_new),                                                                         \
     .max = REGISTER_TITLE_BYTES_MAX,                                                              \
     .help_en = "full name",                                                                       \
     .help_vi = "tên đầy đủ của hệ thống thông tin"},                                              \
        {.name = "unit",                                                                           \
         .kind = PARAM_REF,                                                                        \
         .ref = "unit",                                                                            \
         .required = (is_new),                                                                     \
         .help_en = "unit that it belongs to",                                                     \
         .help_vi = "đơn vị quản lý trong Canh"},                                                  \
        {.name = "level",                                                                          \
         .kind = PARAM_NUMBER,                                                                     \
         .min = 1,                                                                                 \
         .max = 5,                                                                                 \
         .help_en = "security level, 1 to 5",                                                      \
         .help_vi = "cấp độ an toàn, 1 đến 5"},                                                    \
        {.name = "personal_data",                                                                  \
         .kind = PARAM_BOOL,                                                                       \
         .help_en = "it processes personal data",                                                  \
         .help_vi = "có xử lý dữ liệu cá nhân"},                                                   \
        {.name = "national_platform",                                                              \
         .kind = PARAM_BOOL,                                                                       \
         .help_en = "it is a national platform",                                                   \
         .help_vi = "là nền tảng số quốc gia"},                                                    \
        {.name = "internet_exposed",                                                               \
         .kind = PARAM_BOOL,                                                                       \
         .help_en = "it can be reached from the Internet",                                         \
         .help_vi = "truy cập được từ Internet"},                                                  \
        {.name = "owner",                                                                          \
         .kind = PARAM_TEXT,                                                                       \
         .max = REGISTER_TITLE_BYTES_MAX,                                                          \
         .help_en = "its owner in law",                                                            \
         .help_vi = "chủ quản hệ thống thông tin"},                                                \
        {.name = "operator",                                                                       \
         .kind = PARAM_TEXT,                                                                       \
         .max = REGISTER_TITLE_BYTES_MAX,                                                          \
         .help_en = "who operates it",                                                             \
         .help_vi = "đơn vị vận hành"},                                                            \
        {.name = "provider",                                                                       \
         .kind = PARAM_TEXT,                                                                       \
         .max = REGISTER_TITLE_BYTES_MAX,                                                          \
         .help_en = "provider of the service",                                                     \
         .help_vi = "nhà cung cấp dịch vụ"},                                                       \
        {.name = "contacts",                                                                       \
         .kind = PARAM_TEXT,                                                                       \
         .max = REGISTER_CONTACTS_BYTES_MAX,                                                       \
         .help_en = "whom to call",                                                                \
         .help_vi = "đầu mối liên hệ"},                                                            \
    {                                                                                              \
        .name = "response_plan", .kind = PARAM_DATE, .help_en = "date of its response plan",       \
        .help_vi = "ngày phê duyệt phương án ứng phó sự cố"                          \
    }

static const struct param add_params[] = {
    {.name = "name",
     .kind = PARAM_NAME,
     .required = true,
     .operand = true,
     .help_en = "short name (a-z 0-9 - _ .)",
     .help_vi = "mã ngắn (a-z 0-9 - _ .)"},
    SYSTEM_PARAMS(true),
};
const struct command command_system_add = {.name = "system.add",
                                           .right = RIGHT_REGISTER,
                                           DB_PARAMS(add_params),
                                           .run = system_add,
                                           .title_en = "add an information system",
                                           .title_vi = "thêm hệ thống thông tin"};

static const struct param change_params[] = {
    {.name = "system",
     .kind = PARAM_REF,
     .ref = "system",
     .required = true,
     .operand = true,
     .help_en = "the system",
     .help_vi = "hệ thống thông tin cần sửa"},
    {.name = "name", .kind = PARAM_NAME, .help_en = "new short name", .help_vi = "mã ngắn mới"},
    SYSTEM_PARAMS(false),
};
const struct command command_system_change = {.name = "system.change",
                                              .right = RIGHT_REGISTER,
                                              DB_PARAMS(change_params),
                                              .run = system_change,
                                              .title_en = "change an information system",
                                              .title_vi = "sửa hệ thống thông tin"};

static const struct param remove_params[] = {
    {.name = "system",
     .kind = PARAM_REF,
     .ref = "system",
     .required = true,
     .operand = true,
     .help_en = "the system, which has no hosts any more",
     .help_vi = "hệ thống thông tin cần xóa, không còn máy nào"},
};
const struct command command_system_remove = {.name = "system.remove",
                                              .right = RIGHT_REGISTER,
                                              DB_PARAMS(remove_params),
                                              .run = system_remove,
                                              .title_en = "remove an information system",
                                              .title_vi = "xóa hệ thống thông tin"};
