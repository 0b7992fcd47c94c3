#include "base/ip.h"
#include "state/db_commands.h"
#include "state/db_register.h"

int host_add_address(struct command_call *call, struct host_row *row, struct slice text,
                     struct err *err)
{
    struct ip_address address;
    char canonical[IP_TEXT_BYTES];
    if (!ip_parse(&address, text))
        return call_refuse(call, err, ERR_USAGE,
                           "\"%.*s\" is not an IP address: write it as 10.0.0.1 or 2001:db8::1",
                           "\"%.*s\" không phải địa chỉ IP: hãy ghi dạng 10.0.0.1 hoặc 2001:db8::1",
                           text.len < 60 ? (int)text.len : 60, text.data);
    struct slice found = slice_make(canonical, ip_text(canonical, &address));
    uint32_t place = row->address_count;
    while (place > 0 && slice_compare(row->addresses[place - 1], found) > 0)
        place--;
    if (place > 0 && slice_equal(row->addresses[place - 1], found))
        return ERR_OK;
    if (row->address_count == HOST_ADDRESSES_MAX)
        return call_refuse(call, err, ERR_LIMIT, "a host has at most %d addresses",
                           "một máy có tối đa %d địa chỉ", HOST_ADDRESSES_MAX);
    memmove(row->addresses + place + 1, row->addresses + place,
            (row->address_count - place) * sizeof row->addresses[0]);
    row->addresses[place] = arena_copy(&call->arena, found);
    row->address_count++;
    return ERR_OK;
}

struct slice host_addresses_text(struct arena *arena, const struct host_row *row)
{
    struct buf text = {0};
    for (uint32_t i = 0; i < row->address_count; i++) {
        buf_string(&text, i ? ", " : "");
        buf_slice(&text, row->addresses[i]);
    }
    struct slice copy = arena_copy(arena, buf_as_slice(&text));
    buf_free(&text);
    return copy;
}

int host_read(struct command_call *call, uint64_t id, struct host_row *out, struct err *err)
{
    struct statement *s = statement_get(
        call->db, "SELECT unit_id, system_id, name, title, os, kind FROM host WHERE id = ?1");
    statement_u64(s, 1, id);
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc == ERR_END ? err_set(err, ERR_NOT_FOUND, "there is no such host") : rc;
    out->id = id;
    out->unit_id = statement_column_u64(s, 0);
    out->system_id = statement_column_u64(s, 1);
    out->name = db_column_copy(call, s, 2);
    out->title = db_column_copy(call, s, 3);
    out->os = db_column_copy(call, s, 4);
    out->kind = db_column_copy(call, s, 5);
    out->address_count = 0;
    statement_reset(s);
    s = statement_get(call->db,
                      "SELECT address FROM host_address WHERE host_id = ?1 ORDER BY address");
    statement_u64(s, 1, id);
    while ((rc = statement_step(s, err)) == ERR_OK && out->address_count < HOST_ADDRESSES_MAX)
        out->addresses[out->address_count++] = db_column_copy(call, s, 0);
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

static int address_put(struct command_call *call, const struct host_row *row, struct slice address,
                       struct err *err)
{
    struct statement *s = statement_get(
        call->db, "INSERT INTO host_address(unit_id, address, host_id) VALUES(?1, ?2, ?3)"
                  " ON CONFLICT DO NOTHING RETURNING host_id");
    statement_u64(s, 1, row->unit_id);
    statement_text(s, 2, address);
    statement_u64(s, 3, row->id);
    int rc = statement_step(s, err);
    if (rc == ERR_OK)
        rc = statement_run(s, err);
    else if (rc == ERR_END) {
        s = statement_get(call->db, "SELECT h.name FROM host_address a JOIN host h"
                                    " ON h.id = a.host_id WHERE a.unit_id = ?1 AND a.address = ?2");
        statement_u64(s, 1, row->unit_id);
        statement_text(s, 2, address);
        rc = statement_step(s, err);
        struct slice other = rc == ERR_OK ? statement_column_text(s, 0) : SLICE("");
        rc = call_refuse(call, err, ERR_USAGE,
                         "%.*s is the address of the host %.*s in this unit: change that one first",
                         "%.*s là địa chỉ của máy %.*s trong đơn vị này: hãy sửa máy đó trước",
                         (int)address.len, address.data, (int)other.len, other.data);
        statement_reset(s);
    }
    return rc;
}

int host_write(struct command_call *call, struct host_row *row, bool addresses_changed,
               struct err *err)
{
    struct buf search = {0};
    const struct slice texts[] = {row->name, row->title, row->os, row->kind};
    bool is_new = row->id == 0;
    struct statement *s = statement_get(
        call->db, is_new ? "INSERT INTO host(name, title, os, kind, system_id, unit_id, search,"
                           " made_ns) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                         : "UPDATE host SET name = ?1, title = ?2, os = ?3, kind = ?4,"
                           " system_id = ?5, unit_id = ?6, search = ?7 WHERE id = ?8");
    for (int i = 0; i < 4; i++) {
        statement_text(s, i + 1, texts[i]);
        if (i < 3)
            db_search(&search, texts[i]);
    }
    for (uint32_t i = 0; i < row->address_count; i++)
        db_search(&search, row->addresses[i]);
    if (row->system_id)
        statement_u64(s, 5, row->system_id);
    statement_u64(s, 6, row->unit_id);
    statement_text(s, 7, buf_as_slice(&search));
    statement_u64(s, 8, is_new ? (uint64_t)call->now_ns : row->id);
    int rc = statement_run(s, err);
    buf_free(&search);
    if (rc == ERR_OK && is_new)
        rc = db_last_id(call->db, &row->id, err);
    if (rc == ERR_OK && !is_new && addresses_changed)
        rc = db_change(call->db, "DELETE FROM host_address WHERE host_id = ?1", row->id, 0, err);
    for (uint32_t i = 0; rc == ERR_OK && addresses_changed && i < row->address_count; i++)
        rc = address_put(call, row, row->addresses[i], err);
    return rc;
}

int host_delete(struct command_call *call, uint64_t id, struct err *err)
{
    return db_change(call->db, "DELETE FROM host WHERE id = ?1", id, 0, err);
}

/* Where the host belongs: its system's unit, or the one that was given. */
static int host_place(struct command_call *call, struct host_row *row, struct err *err)
{
    uint64_t unit = call_ref(call, "unit"), system_unit = 0;
    if (call_given(call, "system"))
        row->system_id = call_ref(call, "system");
    int rc = db_number(call->db, "SELECT unit_id FROM system WHERE id = ?1", row->system_id, 0,
                       &system_unit, err);
    if (rc != ERR_OK)
        return rc;
    if (system_unit && unit && unit != system_unit)
        return call_refuse(call, err, ERR_USAGE,
                           "the system belongs to another unit: leave out unit",
                           "hệ thống thuộc đơn vị khác: hãy bỏ unit");
    row->unit_id = system_unit ? system_unit : unit ? unit : row->unit_id;
    if (row->unit_id == 0)
        return call_refuse(call, err, ERR_USAGE, "say where the host belongs: system or unit",
                           "hãy nêu máy thuộc hệ thống (system) hoặc đơn vị (unit) nào");
    return ERR_OK;
}

static int name_taken(struct command_call *call, const struct host_row *row, struct err *err)
{
    struct statement *s = statement_get(
        call->db, "SELECT id FROM host WHERE unit_id = ?1 AND name = ?2 AND id <> ?3");
    statement_u64(s, 1, row->unit_id);
    statement_text(s, 2, row->name);
    statement_u64(s, 3, row->id);
    int rc = statement_step(s, err);
    statement_reset(s);
    if (rc == ERR_OK)
        return call_refuse(call, err, ERR_USAGE, "the unit has a host %.*s already",
                           "đơn vị đã có máy %.*s", (int)row->name.len, row->name.data);
    return rc == ERR_END ? ERR_OK : rc;
}

static int host_put(struct command_call *call, struct host_row *row, struct err *err)
{
    struct slice text;
    uint64_t unit_before = row->unit_id;
    row->name = db_text_or(call, "name", row->name);
    row->title = db_text_or(call, "title", row->title);
    row->os = db_text_or(call, "os", row->os);
    row->kind = db_text_or(call, "kind", row->kind);
    int rc = host_place(call, row, err);
    if (rc == ERR_OK)
        rc = name_taken(call, row, err);
    bool addresses_changed = call_given(call, "address") || row->unit_id != unit_before;
    if (call_given(call, "address"))
        row->address_count = 0;
    for (uint32_t at = 0; rc == ERR_OK && call_next(call, "address", &at, &text);)
        if (text.len)
            rc = host_add_address(call, row, text, err);
    if (rc == ERR_OK)
        rc = host_write(call, row, addresses_changed, err);
    if (rc == ERR_OK)
        db_done(call, "host", row->id, row->name);
    return rc;
}

static int host_add(struct command_call *call, struct err *err)
{
    struct host_row row = {.title = SLICE(""), .os = SLICE(""), .kind = SLICE("other")};
    uint64_t count = 0;
    int rc = db_number(call->db, "SELECT count(*) FROM host WHERE id > ?1", 0, 0, &count, err);
    if (rc == ERR_OK && count >= HOSTS_MAX)
        return call_refuse(call, err, ERR_LIMIT, "there are %d hosts, which is the limit",
                           "đã có %d máy, đạt giới hạn", HOSTS_MAX);
    return rc == ERR_OK ? host_put(call, &row, err) : rc;
}

static int host_change(struct command_call *call, struct err *err)
{
    struct host_row row;
    int rc = host_read(call, call_ref(call, "host"), &row, err);
    return rc == ERR_OK ? host_put(call, &row, err) : rc;
}

static int host_remove(struct command_call *call, struct err *err)
{
    uint64_t id = call_ref(call, "host");
    call_object(call, "host", id);
    return host_delete(call, id, err);
}

#define HOST_PARAMS                                                                                \
    {.name = "title",                                                                              \
     .kind = PARAM_TEXT,                                                                           \
     .max = REGISTER_TITLE_BYTES_MAX,                                                              \
     .help_en = "what it is for",                                                                  \
     .help_vi = "mô tả, mục đích sử dụng"},                                                        \
        {.name = "system",                                                                         \
         .kind = PARAM_REF,                                                                        \
         .ref = "system",                                                                          \
         .help_en = "information system that it is part of",                                       \
         .help_vi = "hệ thống thông tin mà máy thuộc về"},                                         \
        {.name = "unit",                                                                           \
         .kind = PARAM_REF,                                                                        \
         .ref = "unit",                                                                            \
         .help_en = "unit that it belongs to, where it is part of no system",                      \
         .help_vi = "đơn vị quản lý, nếu máy không thuộc hệ thống nào"},                           \
        {.name = "address",                                                                        \
         .kind = PARAM_TEXT,                                                                       \
         .many = true,                                                                             \
         .max = 64,                                                                                \
         .help_en = "IP address, IPv4 or IPv6",                                                    \
         .help_vi = "địa chỉ IP, IPv4 hoặc IPv6"},                                                 \
        {.name = "os",                                                                             \
         .kind = PARAM_TEXT,                                                                       \
         .max = 100,                                                                               \
         .help_en = "operating system",                                                            \
         .help_vi = "hệ điều hành"},                                                               \
    {                                                                                              \
        .name = "kind", .kind = PARAM_CHOICE, .choices = HOST_KINDS,                               \
        .help_en = "kind of host; else other", .help_vi = "loại máy; nếu bỏ trống: other" \
    }

static const struct param add_params[] = {
    {.name = "name",
     .kind = PARAM_NAME,
     .required = true,
     .operand = true,
     .help_en = "its name in logs, in lower case",
     .help_vi = "tên máy như trong nhật ký, chữ thường"},
    HOST_PARAMS,
};
const struct command command_host_add = {.name = "host.add",
                                         .right = RIGHT_REGISTER,
                                         DB_PARAMS(add_params),
                                         .run = host_add,
                                         .title_en = "add a host",
                                         .title_vi = "thêm máy"};

static const struct param change_params[] = {
    {.name = "host",
     .kind = PARAM_REF,
     .ref = "host",
     .required = true,
     .operand = true,
     .help_en = "the host",
     .help_vi = "máy cần sửa"},
    {.name = "name", .kind = PARAM_NAME, .help_en = "new name", .help_vi = "tên mới"},
    HOST_PARAMS,
};
const struct command command_host_change = {
    .name = "host.change",
    .right = RIGHT_REGISTER,
    DB_PARAMS(change_params),
    .run = host_change,
    .title_en = "change a host; addresses that are given replace those before",
    .title_vi = "sửa thông tin máy; địa chỉ đã nêu thay cho các địa chỉ trước"};

static const struct param remove_params[] = {
    {.name = "host",
     .kind = PARAM_REF,
     .ref = "host",
     .required = true,
     .operand = true,
     .help_en = "the host",
     .help_vi = "máy cần xóa"},
};
const struct command command_host_remove = {.name = "host.remove",
                                            .right = RIGHT_REGISTER,
                                            DB_PARAMS(remove_params),
                                            .run = host_remove,
                                            .title_en = "remove a host",
                                            .title_vi = "xóa máy"};
