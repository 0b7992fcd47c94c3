/* CSV as RFC 4180 has it, lines end in CR LF. A cell that a spreadsheet would take for a formula
 * gets an apostrophe before it: what stands in a log must not run on the desk of who reads it. */
#include "program/cell.h"
#include "program/output_inside.h"

void output_csv_heading(struct buf *out)
{
    buf_string(out, "time,level,rule,title,author,file,line,matched,host\r\n");
}

void output_csv_rule(const struct output *o, const struct rule *rule, struct buf *out)
{
    buf_char(out, ',');
    cell_csv(slice_from(rule_level_names[rule->level]), out);
    buf_char(out, ',');
    cell_csv(rule->id, out);
    buf_char(out, ',');
    cell_csv(o->options.vietnamese && rule->title_vi.len ? rule->title_vi : rule->title, out);
    buf_char(out, ',');
    cell_csv(rule->author, out);
    buf_char(out, ',');
}

void output_csv_finding(const struct output *o, const struct finding *f, struct buf *out)
{
    char time[CLOCK_TEXT_BYTES];
    const struct finding_place *place = &f->place;
    if (o->shown[f->rule].is_correlation && f->event_count)
        place = &f->events[f->event_count - 1];
    if (f->place.time_ns != CLOCK_NONE)
        buf_append(out, time, clock_text(time, f->place.time_ns));
    buf_slice(out, o->shown[f->rule].csv);
    cell_csv(place->file, out);
    buf_char(out, ',');
    if (place->line)
        buf_printf(out, "%llu", (unsigned long long)place->line);
    buf_char(out, ',');
    struct buf matched = {0};
    output_matched_text(o, f, &matched);
    cell_csv(buf_as_slice(&matched), out);
    buf_free(&matched);
    buf_char(out, ',');
    cell_csv(f->host, out);
    buf_append(out, "\r\n", 2);
}
