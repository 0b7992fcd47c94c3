#include <stdio.h>

#include "base/mem.h"
#include "base/text.h"
#include "state/sheet.h"

enum { HEAD_ROWS_MAX = 20 /* titles stand above the headings */, CELLS_MAX = 256 };

/* A table's text while it is cut. */
struct cutter {
    struct slice rest;
    char separator;
    uint32_t line; /* of the newest row's beginning */
    uint32_t lines_behind;
    bool vietnamese;
};

struct cut_row {
    struct slice cells[CELLS_MAX]; /* with doubled quotes still */
    bool quoted[CELLS_MAX];
    uint32_t count;
};

struct reading {
    const struct sheet_column *columns;
    uint32_t column_count;
    bool vietnamese;
    uint8_t of_cell[CELLS_MAX]; /* column number of each cell; NOT_READ */
    char *heads[CELLS_MAX];     /* as the file writes them, for messages */
    uint32_t cell_count;
};
#define NOT_READ 255

static int refuse_at(struct err *err, uint32_t line, const char *head, bool vietnamese,
                     const char *what)
{
    if (head)
        return err_set_at(err, ERR_SYNTAX, line, 0,
                          vietnamese ? "dòng %u, cột \"%.60s\": %s"
                                     : "line %u, column \"%.60s\": %s",
                          line, head, what);
    return err_set_at(err, ERR_SYNTAX, line, 0, vietnamese ? "dòng %u: %s" : "line %u: %s", line,
                      what);
}

/* The cell at *rest; *end: what stood behind it (separator, \n, or 0 at the end). */
static int cut_cell(struct cutter *c, struct slice *cell, bool *quoted, char *end, struct err *err)
{
    struct slice s = c->rest;
    size_t i = 0;
    *quoted = s.len > 0 && s.data[0] == '"';
    if (*quoted) {
        for (i = 1; i < s.len; i++) {
            if (s.data[i] == '\n')
                c->lines_behind++;
            if (s.data[i] != '"')
                continue;
            if (i + 1 < s.len && s.data[i + 1] == '"')
                i++;
            else
                break;
        }
        if (i >= s.len)
            return refuse_at(err, c->line, NULL, c->vietnamese,
                             c->vietnamese ? "dấu ngoặc kép không được đóng"
                                           : "a quote is not closed");
        *cell = slice_part(s, 1, i - 1);
        i++;
    }
    size_t from = i;
    while (i < s.len && s.data[i] != c->separator && s.data[i] != '\n')
        i++;
    if (!*quoted)
        *cell = slice_part(s, 0, i);
    else if (slice_trim(slice_part(s, from, i - from)).len > 0)
        return refuse_at(err, c->line, NULL, c->vietnamese,
                         c->vietnamese ? "có chữ nằm sau dấu ngoặc kép đóng"
                                       : "text stands behind a closing quote");
    *end = i < s.len ? s.data[i] : '\0';
    c->rest = slice_part(s, i + 1, s.len);
    return ERR_OK;
}

/* ERR_END behind the last row. */
static int cut_row(struct cutter *c, struct cut_row *row, struct err *err)
{
    char end = c->separator;
    c->line += c->lines_behind;
    c->lines_behind = 0;
    row->count = 0;
    if (c->rest.len == 0)
        return ERR_END;
    while (end == c->separator) {
        struct slice cell;
        bool quoted;
        int rc = cut_cell(c, &cell, &quoted, &end, err);
        if (rc != ERR_OK)
            return rc;
        if (row->count == CELLS_MAX)
            return refuse_at(err, c->line, NULL, c->vietnamese,
                             c->vietnamese ? "có quá nhiều cột" : "there are too many columns");
        row->cells[row->count] = cell;
        row->quoted[row->count++] = quoted;
    }
    c->lines_behind += end == '\n';
    return ERR_OK;
}

/* What a cell says: quotes undoubled, one line, composed, without blanks around it. */
static void cell_text(struct buf *out, struct slice cell, bool quoted)
{
    struct buf plain = {0};
    for (size_t i = 0; i < cell.len; i++) {
        unsigned char c = (unsigned char)cell.data[i];
        buf_char(&plain, c < 0x20 || c == 0x7f ? ' ' : (char)c);
        if (quoted && c == '"')
            i++;
    }
    text_nfc(out, slice_trim(buf_as_slice(&plain)));
    buf_free(&plain);
}

/* A heading without marks, case, signs, and what stands in parentheses. */
static void head_fold(struct buf *out, struct slice head)
{
    head = slice_part(head, 0, slice_find_char(head, '('));
    struct buf folded = {0};
    buf_reserve(&folded, text_unaccent_room(head.len));
    folded.len = text_unaccent(folded.data, head);
    buf_clear(out);
    for (size_t i = 0; i < folded.len; i++) {
        char c = folded.data[i];
        bool sign = !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80));
        if (!sign)
            buf_char(out, c);
        else if (out->len > 0 && out->data[out->len - 1] != ' ')
            buf_char(out, ' ');
    }
    while (out->len > 0 && out->data[out->len - 1] == ' ')
        out->len--;
    buf_free(&folded);
}

static uint8_t head_find(const struct sheet_column *columns, uint32_t count, struct slice folded)
{
    for (uint32_t i = 0; i < count; i++)
        for (const char *const *head = columns[i].heads; *head; head++)
            if (slice_equal(folded, slice_from(*head)))
                return (uint8_t)i;
    return NOT_READ;
}

/* Columns that many sheets have and nobody needs. */
static bool head_is_idle(struct slice folded)
{
    static const char *const idle[] = {"",        "stt",  "tt",    "so tt", "so thu tu",
                                       "ghi chu", "note", "notes", "no",    NULL};
    for (size_t i = 0; idle[i]; i++)
        if (slice_equal(folded, slice_from(idle[i])))
            return true;
    return false;
}

/* How many headings of the row are known. */
static uint32_t row_score(const struct reading *r, const struct cut_row *row)
{
    struct buf text = {0}, folded = {0};
    uint32_t score = 0;
    for (uint32_t i = 0; i < row->count; i++) {
        buf_clear(&text);
        cell_text(&text, row->cells[i], row->quoted[i]);
        head_fold(&folded, buf_as_slice(&text));
        score += head_find(r->columns, r->column_count, buf_as_slice(&folded)) != NOT_READ;
    }
    buf_free(&text);
    buf_free(&folded);
    return score;
}

static bool row_is_empty(const struct cut_row *row)
{
    for (uint32_t i = 0; i < row->count; i++)
        if (slice_trim(row->cells[i]).len > 0)
            return false;
    return true;
}

/* Which separator and row (of those at the beginning) have most headings: c behind that row. */
static bool heads_find(const struct reading *r, struct slice text, struct cutter *c,
                       struct cut_row *row)
{
    static const char separators[] = ";,\t";
    struct cutter best = {0};
    uint32_t most = 0;
    for (size_t i = 0; i + 1 < sizeof separators; i++) {
        *c = (struct cutter){
            .rest = text, .separator = separators[i], .line = 1, .vietnamese = r->vietnamese};
        for (int j = 0; j < HEAD_ROWS_MAX; j++) {
            struct cutter before = *c;
            if (cut_row(c, row, NULL) != ERR_OK)
                break;
            uint32_t score = row_score(r, row);
            if (score > most || (most == 0 && !best.separator && !row_is_empty(row))) {
                most = score;
                best = before;
            }
        }
    }
    *c = best;
    return best.separator && cut_row(c, row, NULL) == ERR_OK;
}

static int refuse_head(const struct reading *r, uint32_t line, const char *head,
                       struct slice folded, struct err *err)
{
    const char *words[SHEET_COLUMNS_MAX * 16 + 1];
    size_t count = 0;
    for (uint32_t i = 0; i < r->column_count; i++)
        for (const char *const *h = r->columns[i].heads; *h && count < SHEET_COLUMNS_MAX * 16; h++)
            words[count++] = *h;
    words[count] = NULL;
    const char *near = text_nearest(folded, words);
    char what[200];
    if (near)
        (void)snprintf(what, sizeof what,
                       r->vietnamese ? "không có cột này; có phải là \"%s\"?"
                                     : "there is no such column; is it \"%s\"?",
                       near);
    else
        (void)snprintf(what, sizeof what, "%s",
                       r->vietnamese ? "không có cột này: hãy đổi tên hoặc xóa cột"
                                     : "there is no such column: rename it or remove it");
    return refuse_at(err, line, head, r->vietnamese, what);
}

static int heads_read(struct reading *r, const struct cut_row *row, uint32_t line,
                      struct arena *arena, struct err *err)
{
    bool seen[SHEET_COLUMNS_MAX] = {false};
    struct buf text = {0}, folded = {0};
    int rc = ERR_OK;
    r->cell_count = row->count;
    for (uint32_t i = 0; rc == ERR_OK && i < row->count; i++) {
        buf_clear(&text);
        cell_text(&text, row->cells[i], row->quoted[i]);
        head_fold(&folded, buf_as_slice(&text));
        struct slice copy = arena_copy(arena, buf_as_slice(&text));
        r->heads[i] = arena_bytes(arena, copy.len + 1);
        memcpy(r->heads[i], copy.data, copy.len + 1);
        r->of_cell[i] = head_find(r->columns, r->column_count, buf_as_slice(&folded));
        uint8_t column = r->of_cell[i];
        if (column == NOT_READ && !head_is_idle(buf_as_slice(&folded)))
            rc = refuse_head(r, line, r->heads[i], buf_as_slice(&folded), err);
        else if (column != NOT_READ && seen[column])
            rc = refuse_at(err, line, r->heads[i], r->vietnamese,
                           r->vietnamese ? "cột này có hai lần" : "this column is there twice");
        else if (column != NOT_READ)
            seen[column] = true;
    }
    for (uint32_t i = 0; rc == ERR_OK && i < r->column_count; i++)
        if (r->columns[i].required && !seen[i])
            rc = err_set_at(err, ERR_SYNTAX, line, 0,
                            r->vietnamese ? "thiếu cột \"%s\"" : "there is no column \"%s\"",
                            r->vietnamese ? r->columns[i].title_vi : r->columns[i].title_en);
    buf_free(&text);
    buf_free(&folded);
    return rc;
}

static int row_put(const struct reading *r, const struct cut_row *row, uint32_t line,
                   struct buf *flat, struct err *err)
{
    struct buf text = {0};
    int rc = ERR_OK;
    bytes_put_u32(flat, line);
    for (uint32_t i = 0; rc == ERR_OK && i < r->cell_count; i++) {
        if (r->of_cell[i] == NOT_READ)
            continue;
        buf_clear(&text);
        if (i < row->count)
            cell_text(&text, row->cells[i], row->quoted[i]);
        if (text.len > SHEET_CELL_BYTES_MAX)
            rc = refuse_at(err, line, r->heads[i], r->vietnamese,
                           r->vietnamese ? "nội dung quá dài" : "the text is too long");
        else
            bytes_put_text(flat, buf_as_slice(&text));
    }
    for (uint32_t i = r->cell_count; rc == ERR_OK && i < row->count; i++)
        if (slice_trim(row->cells[i]).len > 0)
            rc = refuse_at(err, line, NULL, r->vietnamese,
                           r->vietnamese ? "có nhiều ô hơn số cột của dòng tiêu đề"
                                         : "it has more cells than the headings' row");
    buf_free(&text);
    return rc;
}

static int rows_read(const struct reading *r, struct cutter *c, struct cut_row *row,
                     struct buf *flat, struct err *err)
{
    size_t rows_at;
    uint32_t rows = 0, known = 0;
    int rc;
    for (uint32_t i = 0; i < r->cell_count; i++)
        known += r->of_cell[i] != NOT_READ;
    buf_char(flat, (char)known);
    for (uint32_t i = 0; i < r->cell_count; i++)
        if (r->of_cell[i] != NOT_READ)
            buf_char(flat, (char)r->of_cell[i]);
    rows_at = flat->len;
    bytes_put_u32(flat, 0);
    while ((rc = cut_row(c, row, err)) == ERR_OK) {
        if (row_is_empty(row))
            continue;
        if (rows == SHEET_ROWS_MAX)
            return err_set_at(err, ERR_LIMIT, c->line, 0,
                              r->vietnamese ? "quá %d dòng: hãy chia nhỏ tệp"
                                            : "more than %d rows: cut the file",
                              SHEET_ROWS_MAX);
        rc = row_put(r, row, c->line, flat, err);
        if (rc != ERR_OK)
            return rc;
        rows++;
    }
    bytes_set_u32(flat->data + rows_at, rows);
    return rc == ERR_END ? ERR_OK : rc;
}

static int cut_all(struct reading *r, struct slice text, struct buf *flat, struct err *err)
{
    struct cut_row *row = mem_zeroed(1, sizeof *row);
    struct arena arena = {0};
    struct cutter c;
    int rc;
    if (!heads_find(r, text, &c, row))
        rc = err_set(err, ERR_SYNTAX, "%s",
                     r->vietnamese ? "tệp không có dòng tiêu đề cột" : "the file has no headings");
    else
        rc = heads_read(r, row, c.line, &arena, err);
    if (rc == ERR_OK)
        rc = rows_read(r, &c, row, flat, err);
    arena_free(&arena);
    mem_free(row);
    return rc;
}

/* The text as UTF-8 without byte order mark. */
static int decode(struct slice csv, bool vietnamese, struct buf *out, struct err *err)
{
    if (slice_starts(csv, SLICE("\xff\xfe")) || slice_starts(csv, SLICE("\xfe\xff")))
        text_from_utf16(out, slice_part(csv, 2, csv.len), csv.data[0] == '\xfe');
    else if (slice_starts(csv, SLICE("\xef\xbb\xbf")))
        buf_slice(out, slice_part(csv, 3, csv.len));
    else
        buf_slice(out, csv);
    size_t bad = text_utf8_valid(buf_as_slice(out));
    if (bad == out->len)
        return ERR_OK;
    uint32_t line = 1;
    for (size_t i = 0; i < bad; i++)
        line += out->data[i] == '\n';
    return refuse_at(err, line, NULL, vietnamese,
                     vietnamese ? "không phải UTF-8: hãy lưu lại dạng \"CSV UTF-8\""
                                : "this is not UTF-8: save it as \"CSV UTF-8\"");
}

int sheet_read_csv(struct slice csv, const struct sheet_column *columns, uint32_t column_count,
                   bool vietnamese, struct buf *flat, struct err *err)
{
    struct reading *r = mem_zeroed(1, sizeof *r);
    struct buf text = {0};
    check(column_count <= SHEET_COLUMNS_MAX);
    *r = (struct reading){
        .columns = columns, .column_count = column_count, .vietnamese = vietnamese};
    int rc =
        csv.len > ((size_t)256 << 20)
            ? err_set(err, ERR_LIMIT, "%s", vietnamese ? "tệp quá lớn" : "the file is too large")
            : decode(csv, vietnamese, &text, err);
    if (rc == ERR_OK)
        rc = cut_all(r, buf_as_slice(&text), flat, err);
    buf_free(&text);
    mem_free(r);
    return rc;
}
