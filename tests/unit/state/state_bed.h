/* A state in a temporary folder with a small table of commands about notes, for tests. Include
 * behind cmocka.h. Threads: one. */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "state/state.h"

#define STATE_BED_NOW_NS (1790000000 * CLOCK_SECOND_NS)

static const struct param bed_note_params[] = {
    {.name = "text",
     .kind = PARAM_TEXT,
     .required = true,
     .operand = true,
     .help_en = "the text",
     .help_vi = "nội dung"},
    {.name = "count", .kind = PARAM_NUMBER, .min = 1, .max = 10, .help_en = "n", .help_vi = "n"},
    {.name = "name", .kind = PARAM_NAME, .help_en = "name", .help_vi = "tên"},
    {.name = "loud", .kind = PARAM_BOOL, .help_en = "loud", .help_vi = "to"},
    {.name = "color", .kind = PARAM_CHOICE, .choices = "red|green", .help_en = "c", .help_vi = "m"},
    {.name = "day", .kind = PARAM_DATE, .help_en = "day", .help_vi = "ngày"},
    {.name = "keep", .kind = PARAM_DURATION, .help_en = "how long", .help_vi = "bao lâu"},
    {.name = "word", .kind = PARAM_SECRET, .max = 100, .help_en = "word", .help_vi = "từ"},
    {.name = "unit", .kind = PARAM_REF, .ref = "unit", .help_en = "unit", .help_vi = "đơn vị"},
    {.name = "tag", .kind = PARAM_TEXT, .many = true, .help_en = "tag", .help_vi = "thẻ"},
};

static inline int bed_put(struct command_call *call, struct err *err)
{
    struct statement *s = statement_get(call->db, "INSERT INTO note(text, unit_id) VALUES(?1, ?2)");
    statement_text(s, 1, call_text(call, "text"));
    statement_u64(s, 2, call_ref(call, "unit"));
    int rc = statement_run(s, err);
    if (rc == ERR_OK)
        buf_string(&call->result, "{\"done\":true}");
    if (rc == ERR_OK && call_ref(call, "unit"))
        call_object(call, "unit", call_ref(call, "unit"));
    return rc;
}

static inline int bed_put_and_refuse(struct command_call *call, struct err *err)
{
    int rc = bed_put(call, err);
    return rc ? rc : call_refuse(call, err, ERR_USAGE, "no: %d", "không: %d", 7);
}

static inline int bed_keep(struct command_call *call, struct err *err)
{
    call->keep = true;
    return bed_put_and_refuse(call, err);
}

static inline int bed_prepare(struct command_call *call, struct err *err)
{
    check(call->db);
    buf_slice(&call->secret, call_text(call, "word"));
    return call_given(call, "word") ? ERR_OK
                                    : call_refuse(call, err, ERR_USAGE, "no word", "thiếu từ");
}

static inline int bed_prepared(struct command_call *call, struct err *err)
{
    if (call->prepared != ERR_OK)
        return call->prepared;
    check(slice_equal(buf_as_slice(&call->secret), call_text(call, "word")));
    return bed_put(call, err);
}

#define BED_COMMAND(NAME, RIGHT, FLAGS, RUN)                                                       \
    {                                                                                              \
        .name = (NAME), .right = (RIGHT), .flags = (FLAGS), .params = bed_note_params,             \
        .param_count = sizeof(bed_note_params) / sizeof(bed_note_params[0]), .run = (RUN),         \
        .title_en = "a note", .title_vi = "ghi chú"                                               \
    }
static const struct command bed_add = BED_COMMAND("note.add", RIGHT_READ, 0, bed_put),
                            bed_dry = BED_COMMAND("note.dry", RIGHT_READ, COMMAND_DRY, bed_put),
                            bed_fail = BED_COMMAND("note.fail", RIGHT_READ, 0, bed_put_and_refuse),
                            bed_inside =
                                BED_COMMAND("note.inside", RIGHT_READ, COMMAND_INTERNAL, bed_put),
                            bed_kept = BED_COMMAND("note.keep", RIGHT_READ, 0, bed_keep),
                            bed_local =
                                BED_COMMAND("note.local", RIGHT_READ, COMMAND_LOCAL, bed_put),
                            bed_node = BED_COMMAND("note.node", RIGHT_SETTINGS, COMMAND_EVERYWHERE,
                                                   bed_put),
                            bed_open =
                                BED_COMMAND("note.open", 0, COMMAND_OPEN, bed_put_and_refuse);
static const struct command bed_slow = {
    .name = "note.slow",
    .right = RIGHT_READ,
    .params = bed_note_params,
    .param_count = sizeof(bed_note_params) / sizeof(bed_note_params[0]),
    .prepare = bed_prepare,
    .run = bed_prepared,
    .title_en = "a note",
    .title_vi = "ghi chú",
};
static const struct command *const bed_commands[] = {
    &bed_add,   &bed_dry,  &bed_fail, &bed_inside, &bed_kept,
    &bed_local, &bed_node, &bed_open, &bed_slow,   NULL,
};
static const struct command_table bed_table = {bed_commands,
                                               sizeof(bed_commands) / sizeof(bed_commands[0]) - 1};

struct bed {
    char folder[64];
    struct state_options options;
    struct state *state;
    struct sign_key *key;
};

static inline void bed_start(struct bed *b)
{
    struct err err = {0};
    if (state_open(&b->state, &b->options, &err) != ERR_OK)
        fail_msg("state_open: %s", err.text);
    assert_int_equal(database_run(state_db(b->state),
                                  "CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY,"
                                  " text TEXT UNIQUE NOT NULL, unit_id INTEGER) STRICT",
                                  &err),
                     ERR_OK);
}

static inline void bed_stop(struct bed *b)
{
    state_close(&b->state);
}

static inline void bed_folder(struct bed *b)
{
    const char *tmp = getenv("TMPDIR");
    *b = (struct bed){0};
    (void)snprintf(b->folder, sizeof(b->folder), "%.40s/state-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(b->folder));
    b->key = sign_key_make();
    b->options = (struct state_options){
        .data = b->folder, .table = &bed_table, .key = b->key, .now_ns = STATE_BED_NOW_NS};
}

static inline void bed_open_state(struct bed *b)
{
    bed_folder(b);
    bed_start(b);
}

static inline void bed_close(struct bed *b)
{
    char path[128];
    static const char *const files[] = {"state/state.db",         "state/state.db-wal",
                                        "state/state.db-shm",     "state/lock",
                                        "private/credentials.db", "private/credentials.db-journal",
                                        "backup/state/state.db",  "backup/private/credentials.db"};
    static const char *const folders[] = {"backup/state", "backup/private", "backup",
                                          "state",        "private",        ""};
    bed_stop(b);
    sign_key_close(&b->key);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", b->folder, files[i]);
        (void)unlink(path);
    }
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", b->folder, folders[i]);
        (void)rmdir(path);
    }
    assert_int_not_equal(access(b->folder, F_OK), 0);
}

/* The first number that a query gives. */
static inline int64_t bed_number(struct database *db, const char *sql)
{
    struct err err = {0};
    struct statement *s = statement_open(db, sql);
    int rc = statement_step(s, &err);
    if (rc != ERR_OK)
        fail_msg("%s: %s", sql, err.text);
    int64_t n = statement_column_i64(s, 0);
    statement_close(&s);
    return n;
}

static inline bool bed_text_is(struct database *db, const char *sql, const char *text)
{
    struct statement *s = statement_open(db, sql);
    assert_int_equal(statement_step(s, NULL), ERR_OK);
    struct slice got = statement_column_text(s, 0);
    bool same = slice_equal(got, slice_from(text));
    if (!same)
        print_error("%s: %.*s\n", sql, (int)got.len, got.data);
    statement_close(&s);
    return same;
}

/* An agency, two units below it: 1, 2 and 3. */
static inline void bed_units(struct bed *b)
{
    assert_int_equal(
        database_run(state_db(b->state),
                     "INSERT INTO unit(name, title, kind, search, made_ns, parent_id) VALUES"
                     " ('tinh', 'Tỉnh', 'agency', 'tinh', 0, NULL),"
                     " ('so-y-te', 'Sở Y tế', 'agency', 'so y te', 0, 1),"
                     " ('so-tttt', 'Sở TT', 'agency', 'so tt', 0, 1)",
                     NULL),
        ERR_OK);
}

static inline void bed_call(struct command_call *call, const struct command *command,
                            struct command_value *values, uint32_t count)
{
    *call = (struct command_call){
        .command = command, .caller = caller_system(), .values = values, .value_count = count};
}

static inline int bed_run(struct bed *b, struct command_call *call)
{
    struct err err = {0};
    if (call->command->prepare)
        state_prepare(b->state, call);
    int rc = state_execute(b->state, &call, 1, STATE_BED_NOW_NS, &err);
    if (rc != ERR_OK)
        assert_int_equal(call->rc, rc);
    return call->rc;
}

/* One note by the system. */
static inline int bed_note(struct bed *b, const char *text)
{
    struct command_value values[] = {{SLICE("text"), slice_from(text)}};
    struct command_call call;
    bed_call(&call, &bed_add, values, 1);
    int rc = bed_run(b, &call);
    command_call_free(&call);
    return rc;
}
