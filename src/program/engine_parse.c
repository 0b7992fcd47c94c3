#include "program/engine_parse.h"

#include "base/text.h"
#include "program/engine.h"

static int ended(const struct bytes_in *in, const char *what, struct err *err)
{
    if (in->bad || bytes_left(in) > 0)
        return err_set(err, ERR_SYNTAX, "a message %s has not the parts that it must have", what);
    return ERR_OK;
}

static uint32_t take_flags(struct bytes_in *in)
{
    uint32_t flags = bytes_take_u32(in);
    if (flags & ~(uint32_t)(CALL_VIETNAMESE | CALL_DRY))
        in->bad = true;
    return flags;
}

static int32_t take_code(struct bytes_in *in)
{
    int32_t rc = (int32_t)bytes_take_u32(in);
    if (rc > 0 || rc < ERR_CANCELED)
        in->bad = true;
    return rc;
}

/* Text of another process that people will read: UTF-8 only. */
static struct slice take_readable(struct bytes_in *in, size_t max)
{
    struct slice text = bytes_take_text(in, max);
    if (text_utf8_valid(text) != text.len)
        in->bad = true;
    return text;
}

/* Why something went wrong: it may hold bytes of whoever caused it, or be cut within a character,
 * which is no fault of the sender; what is behind them is left out. */
static struct slice take_why(struct bytes_in *in, size_t max)
{
    struct slice text = bytes_take_text(in, max);
    return slice_part(text, 0, text_utf8_valid(text));
}

static void take_who(struct bytes_in *in, struct slice *secret, struct slice *from)
{
    *secret = bytes_take_text(in, ENGINE_SECRET_BYTES_MAX);
    *from = take_readable(in, ENGINE_FROM_BYTES_MAX);
}

int engine_parse_who(struct slice payload, struct engine_who *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    take_who(&in, &out->secret, &out->from);
    return ended(&in, "that asks who somebody is", err);
}

int engine_parse_call(struct slice payload, struct engine_wish *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    take_who(&in, &out->secret, &out->from);
    out->flags = take_flags(&in);
    out->packed = message_take_long(&in, ROLE_CALL_BYTES_MAX);
    return ended(&in, "with a command", err);
}

int engine_parse_ask(struct slice payload, struct engine_question *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    take_who(&in, &out->secret, &out->from);
    out->flags = take_flags(&in);
    out->kind = bytes_take_text(&in, ENGINE_KIND_BYTES_MAX);
    if (!slice_equal(out->kind, SLICE("search")) && !slice_equal(out->kind, SLICE("export")) &&
        !slice_equal(out->kind, SLICE("hunt")))
        in.bad = true;
    out->count = bytes_take_u16(&in);
    if (out->count > ENGINE_WORDS_MAX)
        in.bad = true;
    for (uint16_t i = 0; i < out->count && !in.bad; i++)
        out->words[i] = take_readable(&in, ENGINE_WORD_BYTES_MAX);
    return ended(&in, "with a search", err);
}

int engine_parse_queried(struct slice payload, struct engine_outcome *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    out->rc = take_code(&in);
    out->why = take_why(&in, ENGINE_WHY_BYTES_MAX);
    out->rows = bytes_take_u64(&in);
    out->judged = bytes_take_u64(&in);
    return ended(&in, "that ends a search", err);
}

int engine_parse_sent(struct slice payload, struct engine_outcome *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    out->rc = take_code(&in);
    out->why = take_why(&in, ENGINE_WHY_BYTES_MAX);
    out->rows = out->judged = 0;
    return ended(&in, "of a delivery", err);
}

int engine_parse_ran(struct slice payload, struct engine_outcome *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    uint32_t code = bytes_take_u32(&in);
    out->rc = code == 0 ? ERR_OK : ERR_IO;
    out->why = message_take_long(&in, ENGINE_OUTPUT_BYTES_MAX);
    out->rows = code;
    out->judged = 0;
    return ended(&in, "of a program that ran", err);
}

static void take_role(struct bytes_in *in, struct engine_role *out)
{
    uint32_t role = bytes_take_u32(in);
    out->instance = bytes_take_u32(in);
    uint32_t state = bytes_take_u32(in);
    if (role >= ROLES || state > ROLE_WAITING)
        in->bad = true;
    out->role = in->bad ? ROLE_PARENT : (enum role)role;
    out->state = in->bad ? ROLE_ABSENT : (enum role_state)state;
    out->process_id = bytes_take_u32(in);
    out->restarts = bytes_take_u32(in);
    out->layers = bytes_take_u32(in);
    out->since_ns = bytes_take_i64(in);
    out->metrics = message_take_long(in, ENGINE_METRICS_BYTES_MAX);
    out->why = take_why(in, ENGINE_WHY_BYTES_MAX);
}

int engine_parse_roles(struct slice payload, struct engine_roles *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    out->count = bytes_take_u32(&in);
    if (out->count > ENGINE_ROLES_MAX)
        in.bad = true;
    for (uint32_t i = 0; i < out->count && !in.bad; i++)
        take_role(&in, &out->rows[i]);
    return ended(&in, "about the roles", err);
}

int engine_parse_note(struct slice payload, struct engine_note *out, struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    out->kind = take_readable(&in, ENGINE_KIND_BYTES_MAX);
    out->text = take_why(&in, ENGINE_NOTE_BYTES_MAX);
    return ended(&in, "with a note", err);
}

int engine_parse_import(struct slice payload, uint32_t fd_count, struct engine_import *out,
                        struct err *err)
{
    struct bytes_in in = bytes_in(payload);
    out->source = take_readable(&in, CONFIG_NAME_BYTES_MAX);
    out->name = take_readable(&in, ENGINE_PATH_BYTES_MAX);
    if (fd_count != 1)
        in.bad = true;
    return ended(&in, "with a file to import", err);
}
