/* Sheets: the first byte says which; even: CSV, which is read or refused with a place, and what is
 * made of it is walked to its end; odd: the flat form itself, as a hostile sender would write it.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "state/sheet_columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int walk(struct slice flat, uint32_t columns)
{
    struct sheet sheet;
    struct sheet_row row;
    uint32_t rows = 0, line = 0;
    int rc = sheet_open(&sheet, flat, columns, NULL);
    while (rc == ERR_OK) {
        rc = sheet_next(&sheet, &row, NULL);
        if (rc != ERR_OK)
            break;
        rows++;
        line = row.line;
        for (uint32_t i = 0; i < SHEET_COLUMNS_MAX; i++) {
            check(row.cells[i].len <= SHEET_CELL_BYTES_MAX);
            check(text_utf8_valid(row.cells[i]) == row.cells[i].len);
            check(i < columns || row.cells[i].len == 0);
        }
    }
    check(rc != ERR_END || (rows == sheet.rows && (rows == 0 || line > 0 || flat.len > 0)));
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 65536)
        return 0;
    struct slice text = slice_make((const char *)data + 1, size - 1);
    bool hosts = data[0] & 2;
    const struct sheet_column *columns = hosts ? sheet_host_columns : sheet_system_columns;
    uint32_t count = hosts ? HOST_COLUMNS : SYSTEM_COLUMNS;
    if (data[0] & 1) {
        int rc = walk(text, count);
        check(rc == ERR_END || rc == ERR_DAMAGED);
        return 0;
    }
    struct buf flat = {0};
    struct err err = {0};
    int rc = sheet_read_csv(text, columns, count, data[0] & 4, &flat, &err);
    check(rc == ERR_OK || rc == ERR_SYNTAX || rc == ERR_LIMIT);
    check(rc == ERR_OK || err.text[0] != '\0');
    if (rc == ERR_OK)
        check(walk(buf_as_slice(&flat), count) == ERR_END);
    buf_free(&flat);
    return 0;
}
