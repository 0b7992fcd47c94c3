#include "state/sheet.h"

#include "base/text.h"

int sheet_open(struct sheet *sheet, struct slice flat, uint32_t column_count, struct err *err)
{
    bool seen[SHEET_COLUMNS_MAX] = {false};
    *sheet = (struct sheet){.in = bytes_in(flat)};
    sheet->column_count = bytes_take_u8(&sheet->in);
    if (sheet->column_count > SHEET_COLUMNS_MAX || column_count > SHEET_COLUMNS_MAX)
        return err_set(err, ERR_DAMAGED, "the sheet has too many columns");
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        uint8_t column = bytes_take_u8(&sheet->in);
        if (column >= column_count || seen[column])
            return err_set(err, ERR_DAMAGED,
                           "the sheet names a column that is not there, or twice");
        seen[column] = true;
        sheet->column[i] = column;
    }
    sheet->rows = bytes_take_u32(&sheet->in);
    if (sheet->in.bad || sheet->rows > SHEET_ROWS_MAX ||
        (sheet->rows == 0 && bytes_left(&sheet->in) > 0))
        return err_set(err, ERR_DAMAGED, "the sheet's head does not fit its rows");
    return ERR_OK;
}

/* One line of UTF-8 without control characters. */
static bool cell_is_good(struct slice cell)
{
    for (size_t i = 0; i < cell.len; i++)
        if ((unsigned char)cell.data[i] < 0x20 || cell.data[i] == 0x7f)
            return false;
    return text_utf8_valid(cell) == cell.len;
}

int sheet_next(struct sheet *sheet, struct sheet_row *row, struct err *err)
{
    if (sheet->next == sheet->rows)
        return ERR_END;
    for (uint32_t i = 0; i < SHEET_COLUMNS_MAX; i++)
        row->cells[i] = SLICE("");
    row->line = bytes_take_u32(&sheet->in);
    for (uint32_t i = 0; i < sheet->column_count; i++) {
        struct slice cell = bytes_take_text(&sheet->in, SHEET_CELL_BYTES_MAX);
        if (sheet->in.bad || !cell_is_good(cell))
            return err_set(err, ERR_DAMAGED, "row %u of the sheet is not as it should be",
                           sheet->next + 1);
        row->cells[sheet->column[i]] = cell;
    }
    sheet->next++;
    if (sheet->in.bad || (sheet->next == sheet->rows && bytes_left(&sheet->in) > 0))
        return err_set(err, ERR_DAMAGED, "the sheet does not end where it says");
    return ERR_OK;
}
