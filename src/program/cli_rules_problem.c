/* The problems of `canh rules check` for other programs: NDJSON, CSV, SARIF 2.1.0. */
#include "base/map.h"
#include "base/mem.h"
#include "canh_commit.h" /* written by the build: cmake/commit.cmake */
#include "formats/json.h"
#include "program/cell.h"
#include "program/cli_rules.h"

static struct slice level_name(const struct problem *p)
{
    return p->level == PROBLEM_ERROR ? SLICE("error") : SLICE("warning");
}

void cli_rules_problems_json(const struct rules_load *load, struct buf *out)
{
    for (uint32_t i = 0; i < load->problems.count; i++) {
        const struct problem *p = &load->problems.items[i];
        struct json_writer w = {.out = out};
        json_open_object(&w);
        json_key(&w, "level");
        json_string(&w, level_name(p));
        json_key(&w, "code");
        json_string(&w, slice_from(p->code));
        json_key(&w, "file");
        json_string(&w, p->file);
        json_key(&w, "line");
        json_u64(&w, p->line);
        json_key(&w, "column");
        json_u64(&w, p->column);
        json_key(&w, "text");
        json_string(&w, p->text);
        json_close_object(&w);
        buf_char(out, '\n');
    }
}

void cli_rules_problems_csv(const struct rules_load *load, struct buf *out)
{
    buf_string(out, "level,code,file,line,column,text\r\n");
    for (uint32_t i = 0; i < load->problems.count; i++) {
        const struct problem *p = &load->problems.items[i];
        buf_slice(out, level_name(p));
        buf_printf(out, ",%s,", p->code);
        cell_csv(p->file, out);
        buf_printf(out, ",%u,%u,", p->line, p->column);
        cell_csv(p->text, out);
        buf_append(out, "\r\n", 2);
    }
}

/* A path as an URI reference (RFC 3986): what is not unreserved, or a slash, is escaped. */
static struct slice uri(struct slice path, struct buf *room)
{
    static const char hex[] = "0123456789ABCDEF";
    buf_clear(room);
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     memchr("-._~/", c, 5);
        if (plain) {
            buf_char(room, (char)c);
            continue;
        }
        buf_char(room, '%');
        buf_char(room, hex[c >> 4]);
        buf_char(room, hex[c & 15]);
    }
    return buf_as_slice(room);
}

static void sarif_result(struct json_writer *w, const struct problem *p, struct buf *room)
{
    json_open_object(w);
    json_key(w, "ruleId");
    json_string(w, slice_from(p->code));
    json_key(w, "level");
    json_string(w, level_name(p));
    json_key(w, "message");
    json_open_object(w);
    json_key(w, "text");
    json_string(w, p->text);
    json_close_object(w);
    json_key(w, "locations");
    json_open_array(w);
    json_open_object(w);
    json_key(w, "physicalLocation");
    json_open_object(w);
    json_key(w, "artifactLocation");
    json_open_object(w);
    json_key(w, "uri");
    json_string(w, uri(p->file, room));
    json_close_object(w);
    if (p->line) {
        json_key(w, "region");
        json_open_object(w);
        json_key(w, "startLine");
        json_u64(w, p->line);
        if (p->column) {
            json_key(w, "startColumn");
            json_u64(w, p->column);
        }
        json_close_object(w);
    }
    json_close_object(w);
    json_close_object(w);
    json_close_array(w);
    json_close_object(w);
}

/* Each code once, as SARIF wants its rules. */
static void sarif_codes(struct json_writer *w, const struct problem_list *problems)
{
    struct map seen = {0};
    json_open_array(w);
    for (uint32_t i = 0; i < problems->count; i++) {
        bool made;
        map_put(&seen, slice_from(problems->items[i].code), 0, &made);
        if (!made)
            continue;
        json_open_object(w);
        json_key(w, "id");
        json_string(w, slice_from(problems->items[i].code));
        json_close_object(w);
    }
    json_close_array(w);
    map_free(&seen);
}

void cli_rules_sarif(const struct rules_load *load, struct buf *out)
{
    struct buf room = {0};
    struct json_writer w = {.out = out};
    json_open_object(&w);
    json_key(&w, "$schema");
    json_string(&w, SLICE("https://json.schemastore.org/sarif-2.1.0.json"));
    json_key(&w, "version");
    json_string(&w, SLICE("2.1.0"));
    json_key(&w, "runs");
    json_open_array(&w);
    json_open_object(&w);
    json_key(&w, "tool");
    json_open_object(&w);
    json_key(&w, "driver");
    json_open_object(&w);
    json_key(&w, "name");
    json_string(&w, SLICE("canh rules check"));
    json_key(&w, "version");
    json_string(&w, slice_from(CANH_VERSION));
    json_key(&w, "rules");
    sarif_codes(&w, &load->problems);
    json_close_object(&w);
    json_close_object(&w);
    json_key(&w, "columnKind");
    json_string(&w, SLICE("unicodeCodePoints"));
    json_key(&w, "results");
    json_open_array(&w);
    for (uint32_t i = 0; i < load->problems.count; i++)
        sarif_result(&w, &load->problems.items[i], &room);
    json_close_array(&w);
    json_close_object(&w);
    json_close_array(&w);
    json_close_object(&w);
    buf_char(out, '\n');
    buf_free(&room);
}
