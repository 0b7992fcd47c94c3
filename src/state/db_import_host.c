#include "base/mem.h"
#include "state/db_commands.h"
#include "state/db_import.h"
#include "state/db_register.h"
#include "state/sheet_columns.h"

/* Two passes over the sheet: the first compares and frees the addresses of what changes, the second
 * writes, so that hosts can swap addresses. */
struct place { /* of one row, from the first pass to the second */
    uint64_t id;
    bool write;
};

static bool addresses_take(struct import *im, const struct sheet_row *cells, struct host_row *row)
{
    struct slice rest = cells->cells[HOST_ADDRESSES];
    row->address_count = 0;
    while (rest.len > 0) {
        size_t len = 0;
        struct err err;
        while (len < rest.len && !strchr(" ,;|", rest.data[len]))
            len++;
        struct slice text = slice_part(rest, 0, len);
        rest = slice_part(rest, len + 1, rest.len);
        if (text.len && host_add_address(im->call, row, text, &err) != ERR_OK) {
            import_wrong_err(im, cells->line, HOST_ADDRESSES, &err);
            return false;
        }
    }
    return true;
}

static bool kind_take(struct import *im, const struct sheet_row *cells, struct host_row *row)
{
    static const struct {
        const char *word, *kind;
    } words[] = {{"", "other"},
                 {"khac", "other"},
                 {"may-chu", "server"},
                 {"may-tram", "workstation"},
                 {"may-tinh", "workstation"},
                 {"pc", "workstation"},
                 {"laptop", "workstation"},
                 {"thiet-bi-mang", "network"},
                 {"switch", "network"},
                 {"router", "network"},
                 {"firewall", "network"},
                 {"tuong-lua", "network"},
                 {"may-ao", "virtual"},
                 {"may-chu-ao", "virtual"},
                 {"thiet-bi", "appliance"},
                 {"server", "server"},
                 {"workstation", "workstation"},
                 {"network", "network"},
                 {"appliance", "appliance"},
                 {"virtual", "virtual"},
                 {"other", "other"}};
    struct slice cell = cells->cells[HOST_KIND], word = SLICE("");
    if (cell.len && !import_name(im, cells->line, HOST_KIND, cell, &word))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_equal(word, slice_from(words[i].word))) {
            row->kind = slice_from(words[i].kind);
            return true;
        }
    import_wrong(im, cells->line, HOST_KIND,
                 "write server, workstation, network, appliance, virtual or other",
                 "hãy ghi: máy chủ, máy trạm, thiết bị mạng, thiết bị, máy ảo hoặc khác");
    return false;
}

static int unit_of_system(struct import *im, uint64_t system_id, uint64_t *unit_id, struct err *err)
{
    return db_number(im->call->db, "SELECT unit_id FROM system WHERE id = ?1", system_id, 0,
                     unit_id, err);
}

/* Which host the row is about (row->id; 0: a new one), its name, unit and system; *good false: told
 * as wrong. */
static int row_find(struct import *im, const struct sheet_row *cells, struct host_row *row,
                    bool *good, struct err *err)
{
    struct slice system = cells->cells[HOST_SYSTEM], unit = cells->cells[HOST_UNIT];
    uint64_t unit_id = call_ref(im->call, "unit"), system_id = call_ref(im->call, "system");
    uint64_t system_unit = 0;
    *good = import_name(im, cells->line, HOST_NAME, cells->cells[HOST_NAME], &row->name) &&
            (system.len == 0 || import_system(im, cells->line, HOST_SYSTEM, system, &system_id)) &&
            (unit.len == 0 || import_unit(im, cells->line, HOST_UNIT, unit, &unit_id));
    if (!*good)
        return ERR_OK;
    int rc = unit_of_system(im, system_id, &system_unit, err);
    if (rc == ERR_OK && system_unit && unit.len && unit_id != system_unit) {
        import_wrong(im, cells->line, HOST_UNIT, "the system belongs to another unit",
                     "hệ thống thuộc đơn vị khác");
        *good = false;
    }
    row->unit_id = system_unit ? system_unit : unit_id;
    if (rc == ERR_OK && row->unit_id == 0) {
        import_wrong(im, cells->line, HOST_UNIT, "say which system or unit the host belongs to",
                     "hãy nêu hệ thống hoặc đơn vị của máy");
        *good = false;
    }
    if (rc != ERR_OK || !*good)
        return rc;
    struct slice name = row->name;
    struct statement *s =
        statement_get(im->call->db, "SELECT id FROM host WHERE unit_id = ?1 AND name = ?2");
    statement_u64(s, 1, row->unit_id);
    statement_text(s, 2, name);
    rc = statement_step(s, err);
    uint64_t id = rc == ERR_OK ? statement_column_u64(s, 0) : 0;
    statement_reset(s);
    rc = rc == ERR_END ? ERR_OK : rc;
    if (rc == ERR_OK && id)
        rc = host_read(im->call, id, row, err);
    row->system_id = im->has[HOST_SYSTEM] || system_id ? system_id : row->system_id;
    return rc;
}

static bool cells_take(struct import *im, const struct sheet_row *cells, struct host_row *row)
{
    uint32_t line = cells->line;
    bool good = true;
    if (im->has[HOST_TITLE])
        good &= import_text(im, line, HOST_TITLE, cells->cells[HOST_TITLE],
                            REGISTER_TITLE_BYTES_MAX, &row->title);
    if (im->has[HOST_OS])
        good &= import_text(im, line, HOST_OS, cells->cells[HOST_OS], 100, &row->os);
    if (im->has[HOST_ADDRESSES])
        good &= addresses_take(im, cells, row);
    if (im->has[HOST_KIND])
        good &= kind_take(im, cells, row);
    return good;
}

static struct slice id_text(struct arena *arena, uint64_t id)
{
    return id ? arena_printf(arena, "%llu", (unsigned long long)id) : SLICE("");
}

static struct host_row *row_new(struct host_row *row)
{
    *row = (struct host_row){.title = SLICE(""), .os = SLICE(""), .kind = SLICE("other")};
    return row;
}

static int row_compare(struct import *im, const struct sheet_row *cells, struct place *place,
                       struct err *err)
{
    struct arena *arena = &im->call->arena;
    struct host_row row;
    bool good = false;
    int rc = row_find(im, cells, row_new(&row), &good, err);
    if (rc != ERR_OK || !good)
        return rc;
    struct host_row *before = arena_alloc(arena, sizeof *before);
    uint64_t system_before = 0;
    *before = row;
    if (row.id)
        rc = db_number(im->call->db, "SELECT system_id FROM host WHERE id = ?1", row.id, 0,
                       &system_before, err);
    if (rc != ERR_OK || !cells_take(im, cells, &row))
        return rc;
    if (row.id == 0) {
        place->write = true;
        im->added++;
        import_tell(im, cells->line, row.name, "added");
        return ERR_OK;
    }
    if (!import_first(im, cells->line, HOST_NAME, row.id))
        return ERR_OK;
    const struct import_field fields[] = {
        {"title", before->title, row.title},
        {"addresses", host_addresses_text(arena, before), host_addresses_text(arena, &row)},
        {"system_id", id_text(arena, system_before), id_text(arena, row.system_id)},
        {"os", before->os, row.os},
        {"kind", before->kind, row.kind},
    };
    place->id = row.id;
    place->write =
        import_differs(im, cells->line, row.name, fields, sizeof fields / sizeof fields[0]);
    if (place->write && im->has[HOST_ADDRESSES])
        rc = db_change(im->call->db, "DELETE FROM host_address WHERE host_id = ?1", row.id, 0, err);
    return rc;
}

static int row_write(struct import *im, const struct sheet_row *cells, const struct place *place,
                     struct err *err)
{
    struct host_row row;
    struct err why = {0};
    bool good = false;
    int rc = row_find(im, cells, row_new(&row), &good, err);
    if (rc != ERR_OK || !good || !cells_take(im, cells, &row))
        return rc;
    if (row.id && place->id == 0) { /* made by a row before */
        (void)import_first(im, cells->line, HOST_NAME, row.id);
        return ERR_OK;
    }
    rc = host_write(im->call, &row, im->has[HOST_ADDRESSES], &why);
    if (rc == ERR_USAGE) { /* of another host */
        import_wrong_err(im, cells->line, HOST_ADDRESSES, &why);
        return ERR_OK;
    }
    if (rc != ERR_OK && err)
        *err = why;
    if (rc == ERR_OK && place->id == 0)
        (void)import_first(im, cells->line, HOST_NAME, row.id);
    return rc;
}

static int others_remove(struct import *im, struct err *err)
{
    uint64_t after = 0;
    int rc = ERR_OK;
    while (rc == ERR_OK) {
        struct statement *s = statement_get(
            im->call->db,
            "WITH RECURSIVE down(id) AS (SELECT ?1 UNION SELECT u.id FROM unit u JOIN down"
            " ON u.parent_id = down.id) SELECT t.id, t.name FROM host t"
            " WHERE t.id > ?2 AND +t.unit_id IN (SELECT id FROM down) ORDER BY t.id LIMIT 1");
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
        rc = host_delete(im->call, after, err);
        im->removed++;
        import_tell(im, 0, name, "removed");
    }
    return rc == ERR_END ? ERR_OK : rc;
}

static int pass(struct import *im, struct sheet *sheet, struct place *places, bool write,
                struct err *err)
{
    struct sheet_row cells;
    int rc;
    while ((rc = sheet_next(sheet, &cells, err)) == ERR_OK) {
        struct place *place = &places[sheet->next - 1];
        if (!write)
            rc = row_compare(im, &cells, place, err);
        else if (place->write)
            rc = row_write(im, &cells, place, err);
        if (rc != ERR_OK)
            return rc;
    }
    return rc == ERR_END ? ERR_OK : rc;
}

static int limit_check(struct import *im, struct err *err)
{
    uint64_t count = 0;
    int rc = db_number(im->call->db, "SELECT count(*) FROM host WHERE id > ?1", 0, 0, &count, err);
    if (rc == ERR_OK && count + im->added > HOSTS_MAX)
        return call_refuse(im->call, err, ERR_LIMIT, "there would be more than %d hosts",
                           "số máy sẽ vượt quá %d", HOSTS_MAX);
    return rc;
}

static int host_import(struct command_call *call, struct err *err)
{
    struct import im;
    struct sheet sheet;
    if (call_bool(call, "remove") && call_ref(call, "unit") == 0)
        return call_refuse(call, err, ERR_USAGE, "to remove, say of which unit: unit",
                           "để xóa, hãy nêu đơn vị: unit");
    int rc = import_open(&im, call, &sheet, err);
    struct sheet again = sheet;
    struct place *places = mem_zeroed((rc == ERR_OK ? sheet.rows : 0) + 1, sizeof *places);
    if (rc == ERR_OK)
        rc = pass(&im, &sheet, places, false, err);
    if (rc == ERR_OK)
        rc = limit_check(&im, err);
    bool remove = call_bool(call, "remove");
    if (rc == ERR_OK && im.wrong == 0)
        rc = pass(&im, &again, places, true, err);
    if (rc == ERR_OK && im.wrong == 0 && remove)
        rc = others_remove(&im, err);
    if (rc == ERR_OK)
        rc = import_end(&im, err);
    if (rc == ERR_OK && call_ref(call, "unit"))
        call_object(call, "unit", call_ref(call, "unit"));
    mem_free(places);
    import_close(&im);
    return rc;
}

static const struct param params[] = {
    {.name = "sheet",
     .kind = PARAM_SHEET,
     .required = true,
     .operand = true,
     .help_en = "table of hosts (CSV)",
     .help_vi = "bảng máy (CSV)"},
    {.name = "unit",
     .kind = PARAM_REF,
     .ref = "unit",
     .help_en = "unit of the rows that name neither unit nor system",
     .help_vi = "đơn vị cho các dòng không ghi đơn vị và hệ thống"},
    {.name = "system",
     .kind = PARAM_REF,
     .ref = "system",
     .help_en = "system of the rows that name none",
     .help_vi = "hệ thống thông tin cho các dòng không ghi hệ thống"},
    {.name = "remove",
     .kind = PARAM_BOOL,
     .help_en = "true: hosts of the unit that the table does not have are removed",
     .help_vi = "true: xóa các máy của đơn vị không có trong bảng"},
};
const struct command command_host_import = {.name = "host.import",
                                            .right = RIGHT_REGISTER,
                                            .flags = COMMAND_DRY,
                                            DB_PARAMS(params),
                                            .run = host_import,
                                            .title_en = "import hosts from a table",
                                            .title_vi = "nhập danh sách máy từ bảng"};
