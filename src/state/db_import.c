#include "state/db_import.h"

int import_open(struct import *im, struct command_call *call, struct sheet *sheet, struct err *err)
{
    uint32_t count;
    *im = (struct import){.call = call, .columns = sheet_columns(call->command->name, &count)};
    check(im->columns);
    int rc = sheet_open(sheet, call_text(call, "sheet"), count, err);
    for (uint32_t i = 0; rc == ERR_OK && i < sheet->column_count; i++)
        im->has[sheet->column[i]] = true;
    for (uint32_t i = 0; rc == ERR_OK && i < count; i++)
        if (im->columns[i].required && !im->has[i])
            rc = call_refuse(call, err, ERR_USAGE, "there is no column \"%s\"", "thiếu cột \"%s\"",
                             call->caller.vietnamese ? im->columns[i].title_vi
                                                     : im->columns[i].title_en);
    return rc == ERR_OK ? database_run(call->db, "SAVEPOINT import", err) : rc;
}

void import_close(struct import *im)
{
    map_free(&im->units);
    map_free(&im->systems);
    map_free(&im->seen);
    buf_free(&im->rows);
    buf_free(&im->errors);
}

static void array_put(struct json_writer *w, const char *key, const struct buf *members)
{
    json_key(w, key);
    json_open_array(w);
    json_raw(w, buf_as_slice(members));
    json_close_array(w);
}

int import_end(struct import *im, struct err *err)
{
    struct json_writer w = {.out = &im->call->result};
    uint64_t differing = im->added + im->changed + im->removed;
    json_open_object(&w);
    json_member_u64(&w, "added", im->added);
    json_member_u64(&w, "changed", im->changed);
    json_member_u64(&w, "unchanged", im->unchanged);
    json_member_u64(&w, "removed", im->removed);
    json_member_u64(&w, "wrong", im->wrong);
    if (im->rows.len)
        array_put(&w, "rows", &im->rows);
    if (im->errors.len)
        array_put(&w, "errors", &im->errors);
    json_key(&w, "more");
    json_bool(&w, differing > IMPORT_TOLD_MAX || im->wrong > IMPORT_TOLD_MAX);
    json_close_object(&w);
    int rc = im->wrong ? database_run(im->call->db, "ROLLBACK TO import", err) : ERR_OK;
    if (rc == ERR_OK)
        rc = database_run(im->call->db, "RELEASE import", err);
    if (rc != ERR_OK || im->wrong == 0)
        return rc;
    im->call->keep = true; /* the result: of the rows nothing is left */
    return call_refuse(im->call, err, ERR_USAGE,
                       "%llu cells are wrong, nothing was changed; the first: %s",
                       "%llu ô không hợp lệ, chưa có gì thay đổi; ô đầu tiên: %s",
                       (unsigned long long)im->wrong, im->first.text);
}

static void wrong(struct import *im, uint32_t line, int column, const char *text)
{
    bool vietnamese = im->call->caller.vietnamese;
    const char *title = vietnamese ? im->columns[column].title_vi : im->columns[column].title_en;
    if (im->wrong++ == 0)
        (void)err_set_at(&im->first, ERR_USAGE, line, 0,
                         vietnamese ? "dòng %u, cột \"%s\": %s" : "line %u, column \"%s\": %s",
                         line, title, text);
    if (im->wrong > IMPORT_TOLD_MAX)
        return;
    struct json_writer w = {.out = &im->errors, .comma = im->errors.len > 0};
    json_open_object(&w);
    json_member_u64(&w, "line", line);
    json_key(&w, "column");
    json_string(&w, slice_from(title));
    json_key(&w, "text");
    json_string(&w, slice_from(text));
    json_close_object(&w);
}

void import_wrong(struct import *im, uint32_t line, int column, const char *english,
                  const char *vietnamese)
{
    wrong(im, line, column, im->call->caller.vietnamese ? vietnamese : english);
}

void import_wrong_err(struct import *im, uint32_t line, int column, const struct err *err)
{
    wrong(im, line, column, err->text);
}

bool import_first(struct import *im, uint32_t line, int column, uint64_t id)
{
    uint64_t *key = arena_alloc(&im->call->arena, sizeof *key);
    bool made;
    *key = id;
    struct map_entry *e =
        map_put(&im->seen, slice_make((const char *)key, sizeof *key), line, &made);
    if (made)
        return true;
    struct err err;
    (void)call_refuse(im->call, &err, ERR_USAGE, "it stands in line %u already", "đã có ở dòng %u",
                      (unsigned)e->value);
    wrong(im, line, column, err.text);
    return false;
}

static bool row_open(struct import *im, struct json_writer *w, uint32_t line, struct slice name,
                     const char *change)
{
    if (im->told == IMPORT_TOLD_MAX)
        return false;
    im->told++;
    *w = (struct json_writer){.out = &im->rows, .comma = im->rows.len > 0};
    json_open_object(w);
    if (line)
        json_member_u64(w, "line", line);
    json_key(w, "name");
    json_string(w, name);
    json_key(w, "change");
    json_string(w, slice_from(change));
    return true;
}

void import_tell(struct import *im, uint32_t line, struct slice name, const char *change)
{
    struct json_writer w;
    if (row_open(im, &w, line, name, change))
        json_close_object(&w);
}

bool import_differs(struct import *im, uint32_t line, struct slice name,
                    const struct import_field *fields, uint32_t count)
{
    struct json_writer w;
    bool differs = false;
    for (uint32_t i = 0; i < count; i++)
        differs = differs || !slice_equal(fields[i].before, fields[i].after);
    im->unchanged += !differs;
    im->changed += differs;
    if (!differs || !row_open(im, &w, line, name, "changed"))
        return differs;
    json_key(&w, "fields");
    json_open_object(&w);
    for (uint32_t i = 0; i < count; i++) {
        if (slice_equal(fields[i].before, fields[i].after))
            continue;
        json_key(&w, fields[i].name);
        json_open_array(&w);
        json_string(&w, fields[i].before);
        json_string(&w, fields[i].after);
        json_close_array(&w);
    }
    json_close_object(&w);
    json_close_object(&w);
    return true;
}
