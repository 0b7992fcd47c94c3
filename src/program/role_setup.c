#include "program/role_setup.h"

#include <unistd.h>

#include "base/mem.h"
#include "watch/haul.h"

static int bad(const char *what, struct err *err)
{
    return err_set(err, ERR_SYNTAX, "the parent's message %s is not as it must be", what);
}

static char *text_copy(struct role_context *c, struct slice text)
{
    char *copy = arena_alloc(&c->arena, text.len + 1);
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static int config_take(struct role_context *c, struct bytes_in *in, struct err *err)
{
    struct slice yaml = message_take_long(in, WIRE_BYTES_MAX);
    if (in->bad || bytes_left(in) || c->config)
        return bad("CONFIG", err);
    int rc = config_open_text(&c->config, yaml, err);
    if (rc == ERR_OK)
        c->secrets = arena_zeroed(&c->arena, c->config->channels.count + 1u, sizeof(*c->secrets));
    if (rc == ERR_OK)
        c->output_secrets =
            arena_zeroed(&c->arena, c->config->outputs.count + 1u, sizeof(*c->output_secrets));
    return rc;
}

static int role_take(struct role_context *c, struct bytes_in *in, struct err *err)
{
    struct slice data = bytes_take_text(in, ROLE_PATH_BYTES_MAX);
    c->instance = bytes_take_u32(in);
    c->flags = bytes_take_u32(in);
    struct slice injection = bytes_take_text(in, 64);
    if (in->bad || bytes_left(in) || c->data)
        return bad("ROLE", err);
    c->data = text_copy(c, data);
    c->injection = text_copy(c, injection);
    return ERR_OK;
}

static int listener_take(struct role_context *c, struct bytes_in *in, struct wire_message *message,
                         struct err *err)
{
    struct slice name = bytes_take_text(in, CONFIG_NAME_BYTES_MAX);
    if (in->bad || bytes_left(in) || message->fd_count != 1)
        return bad("LISTENER", err);
    if (c->listener_count >= ROLE_LISTENERS_MAX)
        return err_set(err, ERR_LIMIT, "there are more than %d listeners", ROLE_LISTENERS_MAX);
    struct listener_socket *l = &c->listeners[c->listener_count++];
    *l = (struct listener_socket){.name = text_copy(c, name), .fd = wire_take_fd(message, 0)};
    return ERR_OK;
}

static int tls_take(struct role_context *c, struct bytes_in *in, struct err *err)
{
    struct slice name = bytes_take_text(in, CONFIG_NAME_BYTES_MAX);
    struct slice certificate = message_take_long(in, 1 << 20);
    struct slice key = message_take_long(in, 1 << 20);
    struct slice clients = message_take_long(in, 1 << 20);
    for (uint32_t i = 0; !in->bad && !bytes_left(in) && i < c->listener_count; i++) {
        struct listener_socket *l = &c->listeners[i];
        if (!slice_equal(slice_from(l->name), name))
            continue;
        l->certificate = arena_copy(&c->arena, certificate);
        l->key = arena_copy(&c->arena, key);
        l->clients = arena_copy(&c->arena, clients);
        return ERR_OK;
    }
    return bad("TLS", err);
}

static int shared_take(struct role_context *c, struct bytes_in *in, struct wire_message *message,
                       struct err *err)
{
    uint32_t slots = bytes_take_u32(in);
    uint64_t slot_bytes = bytes_take_u64(in);
    (void)bytes_take_u32(in); /* role and instance: this one's */
    (void)bytes_take_u32(in);
    (void)bytes_take_u64(in); /* ticket and id: the engine's */
    (void)bytes_take_u64(in);
    if (in->bad || bytes_left(in) || message->fd_count != 1 || c->shared_fd >= 0 ||
        slots > HAUL_SLOTS || slot_bytes > HAUL_SLOT_BYTES)
        return bad("SHARED", err);
    c->slots = slots;
    c->slot_bytes = slot_bytes;
    c->shared_fd = wire_take_fd(message, 0);
    return ERR_OK;
}

static int file_take(struct role_context *c, struct bytes_in *in, struct wire_message *message,
                     struct err *err)
{
    struct slice source = bytes_take_text(in, CONFIG_NAME_BYTES_MAX);
    struct slice path = bytes_take_text(in, ROLE_PATH_BYTES_MAX);
    uint64_t inode = bytes_take_u64(in), device = bytes_take_u64(in);
    if (in->bad || bytes_left(in) || message->fd_count != 1)
        return bad("FILE", err);
    if (c->file_count >= ROLE_FILES_MAX)
        return err_set(err, ERR_LIMIT, "there are more than %d followed files", ROLE_FILES_MAX);
    if (!c->files)
        c->files = mem_zeroed(ROLE_FILES_MAX, sizeof(*c->files));
    c->files[c->file_count++] = (struct followed_file){.source = text_copy(c, source),
                                                       .path = text_copy(c, path),
                                                       .fd = wire_take_fd(message, 0),
                                                       .inode = inode,
                                                       .device = device};
    return ERR_OK;
}

static int output_secret_take(struct role_context *c, struct slice name, struct slice secret,
                              struct err *err)
{
    const struct config_output *outputs = c->config->outputs.items;
    for (uint32_t i = 0; i < c->config->outputs.count; i++)
        if (slice_equal(outputs[i].row.name, name)) {
            c->output_secrets[i] = arena_copy(&c->arena, secret);
            return ERR_OK;
        }
    return bad("SECRET", err);
}

static int secret_take(struct role_context *c, struct bytes_in *in, struct err *err)
{
    static const struct slice of_output = {MESSAGE_OF_OUTPUT, sizeof(MESSAGE_OF_OUTPUT) - 1};
    struct slice name = bytes_take_text(in, CONFIG_NAME_BYTES_MAX + sizeof(MESSAGE_OF_OUTPUT));
    struct slice secret = message_take_long(in, 1 << 16);
    if (in->bad || bytes_left(in) || !c->config)
        return bad("SECRET", err);
    if (slice_starts(name, of_output))
        return output_secret_take(c, slice_part(name, of_output.len, SIZE_MAX), secret, err);
    const struct config_channel *channels = c->config->channels.items;
    for (uint32_t i = 0; i < c->config->channels.count; i++)
        if (slice_equal(channels[i].row.name, name)) {
            c->secrets[i] = arena_copy(&c->arena, secret);
            return ERR_OK;
        }
    return bad("SECRET", err);
}

static int key_take(struct role_context *c, struct bytes_in *in, struct err *err)
{
    struct slice key = message_take_long(in, 1 << 16);
    if (in->bad || bytes_left(in))
        return bad("NODE_KEY", err);
    c->node_key = arena_copy(&c->arena, key);
    return ERR_OK;
}

int role_setup_take(struct role_context *c, struct wire_message *message, struct err *err)
{
    struct bytes_in in = bytes_in(buf_as_slice(&message->payload));
    switch (message->type) {
    case MESSAGE_CONFIG:
        return config_take(c, &in, err);
    case MESSAGE_ROLE:
        return role_take(c, &in, err);
    case MESSAGE_LISTENER:
        return listener_take(c, &in, message, err);
    case MESSAGE_TLS:
        return tls_take(c, &in, err);
    case MESSAGE_NODE_KEY:
        return key_take(c, &in, err);
    case MESSAGE_SHARED:
        return shared_take(c, &in, message, err);
    case MESSAGE_FILE:
        return file_take(c, &in, message, err);
    case MESSAGE_SECRET:
        return secret_take(c, &in, err);
    case MESSAGE_GO:
        return c->config && c->data ? ERR_END : bad("GO", err);
    default:
        return err_set(err, ERR_SYNTAX, "the parent's message of type %u is none of a setup",
                       message->type);
    }
}

static void fd_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

void role_setup_free(struct role_context *c)
{
    for (uint32_t i = 0; i < c->listener_count; i++)
        fd_close(&c->listeners[i].fd);
    for (uint32_t i = 0; i < c->file_count; i++)
        fd_close(&c->files[i].fd);
    fd_close(&c->shared_fd);
    mem_free(c->files);
    c->files = NULL;
    config_close(&c->config);
    arena_free(&c->arena);
}
