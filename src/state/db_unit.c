#include "state/db.h"
#include "state/db_commands.h"

enum { UNITS_MAX = 10000, UNIT_DEPTH_MAX = 16 };

#define UNIT_KINDS "ministry|province|commune|department|office|provider|other"

static int unit_depth(struct command_call *call, uint64_t id, uint64_t *depth, struct err *err)
{
    return db_number(call->db,
                     "WITH RECURSIVE up(id, depth) AS (SELECT ?1, 1 UNION ALL"
                     " SELECT u.parent_id, depth + 1 FROM unit u JOIN up ON u.id = up.id"
                     " WHERE u.parent_id IS NOT NULL AND depth < 100) SELECT max(depth) FROM up",
                     id, 0, depth, err);
}

static int refuse_depth(struct command_call *call, struct err *err)
{
    return call_refuse(
        call, err, ERR_LIMIT, "units can stand at most %d deep: choose a higher unit above it",
        "cây đơn vị sâu tối đa %d cấp: hãy chọn đơn vị cấp trên cao hơn", UNIT_DEPTH_MAX);
}

/* Only who has all units makes a top unit: it is under nobody. */
static int deny_top(struct command_call *call, struct err *err)
{
    return db_deny(call, err, "a unit without one above it needs rights for all units: name parent",
                   "đơn vị không có cấp trên cần quyền trên toàn bộ đơn vị: hãy nêu parent");
}

/* Events carry their unit by its name (canh.yaml, and what was stored before a unit was renamed or
 * removed): who could take any free name could read another unit's events. So a name is given by
 * who has all units, or stands under that of the unit above. */
static int name_allowed(struct command_call *call, uint64_t parent, struct err *err)
{
    struct slice name = call_text(call, "name"), above;
    if (call->caller.everywhere)
        return ERR_OK;
    if (parent == 0 || !caller_has_unit(&call->caller, parent))
        return deny_top(call, err);
    struct statement *s = statement_get(call->db, "SELECT name FROM unit WHERE id = ?1");
    statement_u64(s, 1, parent);
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc;
    above = db_column_copy(call, s, 0);
    statement_reset(s);
    if (slice_starts(name, above) && name.len > above.len + 1 && name.data[above.len] == '.')
        return ERR_OK;
    call->denied = true;
    return call_refuse(call, err, ERR_USAGE,
                       "events are found by the unit's name: begin it with \"%.*s.\", or ask who "
                       "has all units",
                       "sự kiện được tra theo tên đơn vị: hãy đặt tên bắt đầu bằng \"%.*s.\", hoặc "
                       "nhờ người phụ trách toàn bộ đơn vị",
                       (int)above.len, above.data);
}

static int unit_write(struct statement *s, struct slice name, struct slice title,
                      struct slice title_en, struct err *err)
{
    struct buf search = {0};
    db_search(&search, name);
    db_search(&search, title);
    db_search(&search, title_en);
    statement_text(s, 1, name);
    statement_text(s, 2, title);
    statement_text(s, 3, title_en);
    statement_text(s, 4, buf_as_slice(&search));
    int rc = statement_run(s, err);
    buf_free(&search);
    return rc;
}

static int unit_add(struct command_call *call, struct err *err)
{
    uint64_t parent = call_ref(call, "parent"), count = 0, depth = 0, id = 0;
    if (parent == 0 && !call->caller.everywhere)
        return deny_top(call, err);
    int rc = name_allowed(call, parent, err);
    if (rc == ERR_OK)
        rc = db_name_free(call, "SELECT id FROM unit WHERE name = ?1", 0, err);
    if (rc == ERR_OK)
        rc = db_number(call->db, "SELECT count(*) FROM unit WHERE id > ?1", 0, 0, &count, err);
    if (rc == ERR_OK && count >= UNITS_MAX)
        return call_refuse(call, err, ERR_LIMIT, "there are %d units already, which is the limit",
                           "đã có %d đơn vị, đạt giới hạn", UNITS_MAX);
    if (rc == ERR_OK && parent)
        rc = unit_depth(call, parent, &depth, err);
    if (rc == ERR_OK && depth >= UNIT_DEPTH_MAX)
        return refuse_depth(call, err);
    if (rc != ERR_OK)
        return rc;
    struct statement *s = statement_get(
        call->db, "INSERT INTO unit(name, title, title_en, search, parent_id, kind, made_ns)"
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    if (parent)
        statement_u64(s, 5, parent);
    statement_text(s, 6, db_text_or(call, "kind", SLICE("other")));
    statement_i64(s, 7, call->now_ns);
    rc = unit_write(s, call_text(call, "name"), call_text(call, "title"),
                    call_text(call, "title_en"), err);
    if (rc == ERR_OK)
        rc = db_last_id(call->db, &id, err);
    if (rc == ERR_OK)
        db_done(call, "unit", id, call_text(call, "name"));
    return rc;
}

/* Whoever moves a unit has both the unit above it and the new one. */
static int unit_move_allowed(struct command_call *call, uint64_t id, uint64_t old, uint64_t parent,
                             struct err *err)
{
    uint64_t inside = 0, depth = 0, height = 0;
    if (!call->caller.everywhere && (old == 0 || !caller_has_unit(&call->caller, old)))
        return db_deny(call, err, "this unit's place is decided by the unit above it",
                       "vị trí của đơn vị này do đơn vị cấp trên quyết định");
    int rc = db_number(call->db,
                       "WITH RECURSIVE up(id, depth) AS (SELECT ?1, 0 UNION ALL"
                       " SELECT u.parent_id, depth + 1 FROM unit u JOIN up ON u.id = up.id"
                       " WHERE u.parent_id IS NOT NULL AND depth < 100)"
                       " SELECT count(*) FROM up WHERE id = ?2",
                       parent, id, &inside, err);
    if (rc == ERR_OK && inside > 0)
        return call_refuse(call, err, ERR_USAGE, "a unit cannot stand under itself: choose another",
                           "đơn vị không thể trực thuộc chính nó: hãy chọn đơn vị khác");
    if (rc == ERR_OK)
        rc = unit_depth(call, parent, &depth, err);
    if (rc == ERR_OK)
        rc = db_number(call->db,
                       "WITH RECURSIVE down(id, depth) AS (SELECT ?1, 1 UNION ALL"
                       " SELECT u.id, depth + 1 FROM unit u JOIN down ON u.parent_id = down.id"
                       " WHERE depth < 100) SELECT max(depth) FROM down",
                       id, 0, &height, err);
    if (rc == ERR_OK && depth + height > UNIT_DEPTH_MAX)
        return refuse_depth(call, err);
    return rc;
}

static int unit_change(struct command_call *call, struct err *err)
{
    uint64_t id = call_ref(call, "unit");
    struct statement *s =
        statement_get(call->db, "SELECT name, title, title_en, kind, parent_id FROM unit"
                                " WHERE id = ?1");
    statement_u64(s, 1, id);
    int rc = statement_step(s, err);
    if (rc != ERR_OK)
        return rc;
    struct slice old[4];
    for (int i = 0; i < 4; i++)
        old[i] = db_column_copy(call, s, i);
    uint64_t old_parent = statement_column_u64(s, 4), parent = call_ref(call, "parent");
    statement_reset(s);
    bool renamed = call_given(call, "name") && !slice_equal(call_text(call, "name"), old[0]);
    rc = renamed ? name_allowed(call, parent ? parent : old_parent, err) : ERR_OK;
    if (rc == ERR_OK && renamed)
        rc = db_name_free(call, "SELECT id FROM unit WHERE name = ?1", id, err);
    if (rc == ERR_OK && parent && parent != old_parent)
        rc = unit_move_allowed(call, id, old_parent, parent, err);
    if (rc != ERR_OK)
        return rc;
    s = statement_get(call->db, "UPDATE unit SET name = ?1, title = ?2, title_en = ?3, search = ?4,"
                                " parent_id = ?5, kind = ?6 WHERE id = ?7");
    if (parent || old_parent)
        statement_u64(s, 5, parent ? parent : old_parent);
    statement_text(s, 6, db_text_or(call, "kind", old[3]));
    statement_u64(s, 7, id);
    rc = unit_write(s, db_text_or(call, "name", old[0]), db_text_or(call, "title", old[1]),
                    db_text_or(call, "title_en", old[2]), err);
    if (rc == ERR_OK)
        db_done(call, "unit", id, db_text_or(call, "name", old[0]));
    return rc;
}

static int unit_remove(struct command_call *call, struct err *err)
{
    static const struct {
        const char *sql, *english, *vietnamese;
    } uses[] = {
        {"SELECT count(*) FROM unit WHERE parent_id = ?1", "units under it", "đơn vị trực thuộc"},
        {"SELECT count(*) FROM system WHERE unit_id = ?1", "systems", "hệ thống thông tin"},
        {"SELECT count(*) FROM host WHERE unit_id = ?1", "hosts", "máy"},
        {"SELECT count(*) FROM user WHERE removed_ns IS NULL AND (unit_id = ?1 OR id IN"
         " (SELECT user_id FROM user_unit WHERE unit_id = ?1))",
         "users", "người dùng"},
        {"SELECT count(*) FROM token_unit WHERE unit_id = ?1", "tokens", "mã truy cập"},
    };
    uint64_t id = call_ref(call, "unit"), parent = 0, count = 0;
    int rc = db_number(call->db, "SELECT parent_id FROM unit WHERE id = ?1", id, 0, &parent, err);
    if (rc == ERR_OK && !call->caller.everywhere &&
        (parent == 0 || !caller_has_unit(&call->caller, parent)))
        return db_deny(call, err, "this unit can be removed only by the unit above it",
                       "chỉ đơn vị cấp trên được xóa đơn vị này");
    for (size_t i = 0; rc == ERR_OK && i < sizeof uses / sizeof uses[0]; i++) {
        rc = db_number(call->db, uses[i].sql, id, 0, &count, err);
        if (rc == ERR_OK && count > 0)
            return call_refuse(call, err, ERR_USAGE,
                               "the unit is in use (%s, %llu): move or remove them first",
                               "đơn vị đang được sử dụng (%s, %llu): hãy chuyển hoặc xóa trước",
                               call->caller.vietnamese ? uses[i].vietnamese : uses[i].english,
                               (unsigned long long)count);
    }
    /* removed users keep their rows, not their units */
    if (rc == ERR_OK)
        rc = db_change(call->db, "UPDATE user SET unit_id = NULL WHERE unit_id = ?1", id, 0, err);
    if (rc == ERR_OK)
        rc = db_change(call->db, "DELETE FROM user_unit WHERE unit_id = ?1", id, 0, err);
    if (rc == ERR_OK)
        rc = db_change(call->db, "DELETE FROM unit WHERE id = ?1", id, 0, err);
    if (rc == ERR_OK)
        call_object(call, "unit", id);
    return rc;
}

static const struct param add_params[] = {
    {.name = "name",
     .kind = PARAM_NAME,
     .required = true,
     .operand = true,
     .help_en = "short name, also used in canh.yaml (a-z 0-9 - _ .)",
     .help_vi = "tên ngắn, cũng dùng trong canh.yaml (a-z 0-9 - _ .)"},
    {.name = "title",
     .kind = PARAM_TEXT,
     .required = true,
     .max = 200,
     .help_en = "full name in Vietnamese",
     .help_vi = "tên đầy đủ của đơn vị"},
    {.name = "title_en",
     .kind = PARAM_TEXT,
     .max = 200,
     .help_en = "full name in English",
     .help_vi = "tên tiếng Anh"},
    {.name = "parent",
     .kind = PARAM_REF,
     .ref = "unit",
     .help_en = "the unit above it",
     .help_vi = "đơn vị cấp trên trực tiếp"},
    {.name = "kind",
     .kind = PARAM_CHOICE,
     .choices = UNIT_KINDS,
     .help_en = "kind of unit; else other",
     .help_vi = "loại đơn vị; nếu bỏ trống: other"},
};
const struct command command_unit_add = {.name = "unit.add",
                                         .right = RIGHT_REGISTER,
                                         DB_PARAMS(add_params),
                                         .run = unit_add,
                                         .title_en = "add a unit",
                                         .title_vi = "thêm đơn vị"};

static const struct param change_params[] = {
    {.name = "unit",
     .kind = PARAM_REF,
     .ref = "unit",
     .required = true,
     .operand = true,
     .help_en = "the unit",
     .help_vi = "đơn vị cần sửa"},
    {.name = "name",
     .kind = PARAM_NAME,
     .help_en = "new short name; change it in canh.yaml, too",
     .help_vi = "tên ngắn mới; nhớ sửa cả trong canh.yaml"},
    {.name = "title",
     .kind = PARAM_TEXT,
     .max = 200,
     .help_en = "full name in Vietnamese",
     .help_vi = "tên đầy đủ của đơn vị"},
    {.name = "title_en",
     .kind = PARAM_TEXT,
     .max = 200,
     .help_en = "full name in English",
     .help_vi = "tên tiếng Anh"},
    {.name = "parent",
     .kind = PARAM_REF,
     .ref = "unit",
     .help_en = "the unit above it",
     .help_vi = "đơn vị cấp trên trực tiếp"},
    {.name = "kind",
     .kind = PARAM_CHOICE,
     .choices = UNIT_KINDS,
     .help_en = "kind of unit",
     .help_vi = "loại đơn vị"},
};
const struct command command_unit_change = {.name = "unit.change",
                                            .right = RIGHT_REGISTER,
                                            DB_PARAMS(change_params),
                                            .run = unit_change,
                                            .title_en = "change a unit",
                                            .title_vi = "sửa thông tin đơn vị"};

static const struct param remove_params[] = {
    {.name = "unit",
     .kind = PARAM_REF,
     .ref = "unit",
     .required = true,
     .operand = true,
     .help_en = "the unit, which nothing uses any more",
     .help_vi = "đơn vị cần xóa, không còn được sử dụng"},
};
const struct command command_unit_remove = {.name = "unit.remove",
                                            .right = RIGHT_REGISTER,
                                            DB_PARAMS(remove_params),
                                            .run = unit_remove,
                                            .title_en = "remove a unit",
                                            .title_vi = "xóa đơn vị"};
