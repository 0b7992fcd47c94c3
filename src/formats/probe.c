#include "formats/probe.h"

bool probe_line(struct slice *rest, struct slice *line, bool *whole)
{
    while (rest->len) {
        bool ended = memchr(rest->data, '\n', rest->len) != NULL;
        *line = slice_trim(slice_cut(rest, '\n'));
        if (whole)
            *whole = ended;
        if (line->len)
            return true;
    }
    return false;
}

int probe_share(struct slice head, bool (*looks)(struct slice line), int surety)
{
    if (slice_starts(head, SLICE("\xef\xbb\xbf")))
        head = slice_part(head, 3, head.len);
    struct slice line;
    int lines = 0, yes = 0;
    bool whole = true;
    while (lines < PROBE_LINES_MAX && probe_line(&head, &line, &whole)) {
        if (!whole && lines > 0)
            break;
        lines++;
        yes += looks(line) ? 1 : 0;
    }
    return lines ? surety * yes / lines : 0;
}
