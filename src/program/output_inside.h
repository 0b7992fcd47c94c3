/* The inside of an output, shared by output*.c only: one file for each form. */
#pragma once
#include "base/arena.h"
#include "program/output.h"

struct output_rule {    /* what a rule says, rendered once */
    struct slice json;  /* {"rule":{...}, */
    struct slice csv;   /* ,level,id,title,author, */
    struct slice title; /* as shown to people */
    enum rule_level level;
    bool is_correlation;
};

struct output_page; /* findings kept for the page: output_html.c */

struct output {
    struct output_options options;
    const struct rule_list *rules;
    struct output_rule *shown; /* by rule */
    struct output_page *page;  /* OUTPUT_HTML only */
    uint64_t *counts;          /* table: findings by rule, added to by any thread */
    struct arena arena;
    uint32_t host_columns, title_columns, matched_columns; /* table; 0: not cut */
};

void output_json_rule(const struct rule *rule, struct buf *out);
void output_json_finding(const struct output *o, const struct finding *f, struct buf *out);

void output_csv_rule(const struct output *o, const struct rule *rule, struct buf *out);
void output_csv_heading(struct buf *out);
void output_csv_finding(const struct output *o, const struct finding *f, struct buf *out);

void output_table_widths(struct output *o);
void output_table_heading(const struct output *o, struct buf *out);
void output_table_finding(const struct output *o, const struct finding *f, struct buf *out);

/* How often each rule was found, worst and most frequent first. */
void output_table_summary(const struct output *o, struct buf *out);

struct output_page *output_page_open(const struct output *o);
void output_page_close(struct output_page **page);
void output_page_row(const struct output *o, const struct finding *f, struct buf *out);
void output_page_keep(struct output *o, struct slice rows);
void output_page_write(const struct output *o, struct buf *out);

/* `2026-11-22 10:36:00` in the output's zone; nothing when the time is not known. */
void output_time(const struct output *o, int64_t time_ns, struct buf *out);
const char *output_level_name(const struct output *o,
                              enum rule_level level); /* as people read it */
/* `name=value; name=value`: what matched, and of a correlation its group and its count. */
void output_matched_text(const struct output *o, const struct finding *f, struct buf *out);
