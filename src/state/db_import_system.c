#include "state/db_commands.h"
#include "state/db_import.h"
#include "state/db_register.h"
#include "state/sheet_columns.h"

enum { FIELDS = SYSTEM_COLUMNS };

static struct slice yes_no(bool value)
{
    return value ? SLICE("true") : SLICE("false");
}

static struct slice number_text(struct arena *arena, uint64_t value)
{
    return value ? arena_printf(arena, "%llu", (unsigned long long)value) : SLICE("");
}

static void fields_take(struct arena *arena, const struct system_row *before,
                        const struct system_row *after, struct import_field fields[FIELDS])
{
    const struct import_field all[FIELDS] = {
        {"name", before->name, after->name}, {"title", before->title, after->title},
        {"unit_id", number_text(arena, before->unit_id), number_text(arena, after->unit_id)},
        {"level", number_text(arena, before->level), number_text(arena, after->level)},
        {"personal_data", yes_no(before->personal_data), yes_no(after->personal_data)},
        {"national_platform", yes_no(before->national_platform), yes_no(after->national_platform)},
        {"internet_exposed", yes_no(before->internet_exposed), yes_no(after->internet_exposed)},
        {"owner", before->owner, after->owner},
        {
            "operator",
            before->operator,
            after->operator},
            {"provider", before->provider, after->provider},
            {"contacts", before->contacts, after->contacts},
            {"response_plan", before->response_plan, after->response_plan},
        };
    memcpy(fields, all, sizeof all);
}

/* Cells over what stands; false: some are wrong, which was told. */
static bool cells_take(struct import *im, const struct sheet_row *cells, struct system_row *row)
{
    static const struct {
        int column;
        size_t offset, max;
    } texts[] = {
        {SYSTEM_TITLE, offsetof(struct system_row, title), REGISTER_TITLE_BYTES_MAX},
        {SYSTEM_OWNER, offsetof(struct system_row, owner), REGISTER_TITLE_BYTES_MAX},
        {SYSTEM_OPERATOR, offsetof(struct system_row, operator), REGISTER_TITLE_BYTES_MAX},
        {SYSTEM_PROVIDER, offsetof(struct system_row, provider), REGISTER_TITLE_BYTES_MAX},
        {SYSTEM_CONTACTS, offsetof(struct system_row, contacts), REGISTER_CONTACTS_BYTES_MAX},
    };
    static const struct {
        int column;
        size_t offset;
    } bools[] = {{SYSTEM_PERSONAL, offsetof(struct system_row, personal_data)},
                 {SYSTEM_NATIONAL, offsetof(struct system_row, national_platform)},
                 {SYSTEM_EXPOSED, offsetof(struct system_row, internet_exposed)}};
    uint32_t line = cells->line;
    bool good = true;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (im->has[texts[i].column])
            good &= import_text(im, line, texts[i].column, cells->cells[texts[i].column],
                                texts[i].max, (struct slice *)((char *)row + texts[i].offset));
    for (size_t i = 0; i < sizeof bools / sizeof bools[0]; i++)
        if (im->has[bools[i].column])
            good &= import_bool(im, line, bools[i].column, cells->cells[bools[i].column],
                                (bool *)((char *)row + bools[i].offset));
    if (im->has[SYSTEM_LEVEL])
        good &= import_level(im, line, SYSTEM_LEVEL, cells->cells[SYSTEM_LEVEL], &row->level);
    if (im->has[SYSTEM_PLAN])
        good &= import_date(im, line, SYSTEM_PLAN, cells->cells[SYSTEM_PLAN], &row->response_plan);
    if (cells->cells[SYSTEM_TITLE].len == 0) {
        import_wrong(im, line, SYSTEM_TITLE, "this cell is empty", "ô này để trống");
        good = false;
    }
    return good;
}

/* Which system the row is about: by its name, else by full name within the unit. */
static int row_find(struct import *im, struct slice name, struct slice title, uint64_t unit_id,
                    uint64_t *id, struct err *err)
{
    struct statement *s = statement_get(
        im->call->db, name.len ? "SELECT id FROM system WHERE name = ?1"
                               : "SELECT id FROM system WHERE title = ?1 AND unit_id = ?2");
    statement_text(s, 1, name.len ? name : title);
    if (name.len == 0)
        statement_u64(s, 2, unit_id);
    int rc = statement_step(s, err);
    *id = rc == ERR_OK ? statement_column_u64(s, 0) : 0;
    statement_reset(s);
    return rc == ERR_END ? ERR_OK : rc;
}

/* A name out of the full name that no system has yet. */
static int name_make(struct import *im, uint32_t line, struct slice title, struct slice *name,
                     struct err *err)
{
    enum { STEM_BYTES_MAX = 48, TRIES_MAX = 1000 };
    struct slice stem;
    uint64_t id = 1;
    int rc = ERR_OK;
    if (!import_name(im, line, SYSTEM_TITLE, title, &stem))
        return ERR_OK;
    stem = slice_part(stem, 0, STEM_BYTES_MAX);
    *name = stem;
    for (unsigned i = 2; rc == ERR_OK && i < TRIES_MAX; i++) {
        rc = row_find(im, *name, SLICE(""), 0, &id, err);
        if (id == 0)
            break;
        *name = arena_printf(&im->call->arena, "%.*s-%u", (int)stem.len, stem.data, i);
    }
    return rc;
}

static bool unit_take(struct import *im, const struct sheet_row *cells, uint64_t *unit_id)
{
    struct slice cell = cells->cells[SYSTEM_UNIT];
    if (cell.len)
        return import_unit(im, cells->line, SYSTEM_UNIT, cell, unit_id);
    *unit_id = call_ref(im->call, "unit");
    return true;
}

static int row_import(struct import *im, const struct sheet_row *cells, struct err *err)
{
    struct slice none = SLICE(""), name = SLICE(""), title = cells->cells[SYSTEM_TITLE];
    struct system_row before, row = {.owner = none,
                                     .operator= none,
                                     .provider = none,
                                     .contacts = none,
                                     .response_plan = none,
                                     .title = none};
    struct import_field fields[FIELDS];
    uint64_t unit_id = 0, id = 0;
    if (!unit_take(im, cells, &unit_id) ||
        (cells->cells[SYSTEM_NAME].len &&
         !import_name(im, cells->line, SYSTEM_NAME, cells->cells[SYSTEM_NAME], &name)))
        return ERR_OK;
    int rc = row_find(im, name, title, unit_id, &id, err);
    if (rc == ERR_OK && id)
        rc = system_read(im->call, id, &row, err);
    if (rc != ERR_OK)
        return rc;
    if (id && !caller_has_unit(&im->call->caller, row.unit_id)) {
        import_wrong(im, cells->line, SYSTEM_NAME, "this name is taken: choose another one",
                     "mã này đã được dùng: hãy chọn mã khác");
        return ERR_OK;
    }
    before = row;
    row.unit_id = unit_id ? unit_id : row.unit_id;
    bool good = cells_take(im, cells, &row);
    if (row.unit_id == 0) {
        import_wrong(im, cells->line, SYSTEM_UNIT, "say which unit: here, or with unit",
                     "hãy nêu đơn vị ở cột này hoặc bằng unit");
        good = false;
    }
    if (!good || (id && !import_first(im, cells->line, SYSTEM_TITLE, id)))
        return ERR_OK;
    fields_take(&im->call->arena, &before, &row, fields);
    if (id)
        return import_differs(im, cells->line, row.name, fields, FIELDS)
                   ? system_write(im->call, &row, err)
                   : ERR_OK;
    row.name = name;
    if (name.len == 0)
        rc = name_make(im, cells->line, title, &row.name, err);
    if (rc == ERR_OK && row.name.len)
        rc = system_write(im->call, &row, err);
    if (rc == ERR_OK && row.name.len && import_first(im, cells->line, SYSTEM_TITLE, row.id)) {
        im->added++;
        import_tell(im, cells->line, row.name, "added");
    }
    return rc;
}

static int others_remove(struct import *im, struct err *err)
{
    struct database *db = im->call->db;
    uint64_t after = 0;
    int rc = ERR_OK;
    while (rc == ERR_OK) {
        struct statement *s = statement_get(
            db, "WITH RECURSIVE down(id) AS (SELECT ?1 UNION SELECT u.id FROM unit u JOIN down"
                " ON u.parent_id = down.id) SELECT t.id, t.name FROM system t"
                " WHERE t.id > ?2 AND t.unit_id IN (SELECT id FROM down) ORDER BY t.id LIMIT 1");
        statement_u64(s, 1, call_ref(im->call, "unit"));
        statement_u64(s, 2, after);
        rc = statement_step(s, err);
        if (rc != ERR_OK)
            break;
        after = statement_column_u64(s, 0);
        struct slice name = db_column_copy(im->call, s, 1);
        statement_reset(s);
        if (map_find(&im->seen, slice_make((const char *)&after, sizeof after)))
            continue;
        rc = system_delete(im->call, after, err);
        im->removed++;
        import_tell(im, 0, name, "removed");
    }
    return rc == ERR_END ? ERR_OK : rc;
}

static int system_import(struct command_call *call, struct err *err)
{
    struct import im;
    struct sheet sheet;
    struct sheet_row cells;
    if (call_bool(call, "remove") && call_ref(call, "unit") == 0)
        return call_refuse(call, err, ERR_USAGE, "to remove, say of which unit: unit",
                           "để xóa, hãy nêu đơn vị: unit");
    int rc = import_open(&im, call, &sheet, err);
    while (rc == ERR_OK && (rc = sheet_next(&sheet, &cells, err)) == ERR_OK)
        rc = row_import(&im, &cells, err);
    rc = rc == ERR_END ? ERR_OK : rc;
    if (rc == ERR_OK && im.wrong == 0 && call_bool(call, "remove"))
        rc = others_remove(&im, err);
    if (rc == ERR_OK)
        rc = import_end(&im, err);
    if (rc == ERR_OK && call_ref(call, "unit"))
        call_object(call, "unit", call_ref(call, "unit"));
    import_close(&im);
    return rc;
}

static const struct param params[] = {
    {.name = "sheet",
     .kind = PARAM_SHEET,
     .required = true,
     .operand = true,
     .help_en = "table of systems (CSV)",
     .help_vi = "bảng hệ thống thông tin (CSV)"},
    {.name = "unit",
     .kind = PARAM_REF,
     .ref = "unit",
     .help_en = "unit of the rows that name none",
     .help_vi = "đơn vị cho các dòng không ghi đơn vị"},
    {.name = "remove",
     .kind = PARAM_BOOL,
     .help_en = "true: systems of the unit that the table does not have are removed",
     .help_vi = "true: xóa các hệ thống của đơn vị không có trong bảng"},
};
const struct command command_system_import = {.name = "system.import",
                                              .right = RIGHT_REGISTER,
                                              .flags = COMMAND_DRY,
                                              DB_PARAMS(params),
                                              .run = system_import,
                                              .title_en = "import information systems from a table",
                                              .title_vi = "nhập hệ thống thông tin từ bảng"};
