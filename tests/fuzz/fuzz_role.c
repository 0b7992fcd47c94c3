/* What goes between the parent and its roles, with any payload: the setup that a role reads, and
 * what a role that was taken over may say to the parent. No crash, no descriptor lost, nothing
 * taken that does not fit. A row of the input: type u8, descriptors u8, length u16, bytes. */
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "program/parent.h"
#include "program/role_setup.h"
#include "watch/haul.h"

static void message_make(struct bytes_in *in, struct wire_message *message)
{
    uint8_t type = bytes_take_u8(in), fds = bytes_take_u8(in);
    size_t len = bytes_take_u16(in);
    struct slice payload = bytes_take(in, len < bytes_left(in) ? len : bytes_left(in));
    *message = (struct wire_message){.type = type, .id = 1};
    buf_slice(&message->payload, payload);
    for (uint32_t i = 0; i < fds % 3u; i++)
        message->fds[message->fd_count++] = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void setup_fuzz(struct bytes_in in)
{
    struct role_context *c = mem_zeroed(1, sizeof(*c));
    c->shared_fd = -1;
    int rc = ERR_OK;
    while (rc == ERR_OK && bytes_left(&in)) {
        struct wire_message message;
        message_make(&in, &message);
        rc = role_setup_take(c, &message, NULL);
        wire_message_free(&message);
    }
    if (rc == ERR_END)
        check(c->config && c->data && c->slot_bytes <= HAUL_SLOT_BYTES);
    role_setup_free(c);
    mem_free(c);
}

static void parent_fuzz(struct bytes_in in)
{
    static const char settings[] = "commands:\n  - {name: none, run: [/nonexistent/program]}\n";
    static const enum role speakers[] = {ROLE_ENGINE, ROLE_INTAKE, ROLE_WEB};
    struct parent *p = mem_zeroed(1, sizeof(*p));
    check(config_open_text(&p->config, slice_make(settings, sizeof(settings) - 1), NULL) == ERR_OK);
    check(uv_loop_init(&p->loop) == 0);
    p->stopping = true; /* nothing is started */
    parent_roles_init(p);
    for (uint32_t turn = 0; bytes_left(&in); turn++) {
        struct wire_message message;
        struct parent_role *r = parent_engine(p);
        message_make(&in, &message);
        for (uint32_t i = 0; i < p->role_count; i++)
            if (p->roles[i].role == speakers[turn % 3])
                r = &p->roles[i];
        parent_message(r, &message);
        wire_message_free(&message);
        check(p->reading_count <= PARENT_READERS_WAITING_MAX);
    }
    parent_readings_free(p);
    for (uint32_t i = 0; i < p->role_count; i++)
        buf_free(&p->roles[i].metrics);
    check(uv_loop_close(&p->loop) == 0);
    config_close(&p->config);
    mem_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool opened;
    if (!opened)
        log_open("fuzz", LOG_ERROR);
    opened = true;
    if (size < 1)
        return 0;
    int before = dup(STDIN_FILENO);
    (void)close(before);
    struct bytes_in in = bytes_in(slice_make((const char *)data + 1, size - 1));
    if (data[0] & 1)
        parent_fuzz(in);
    else
        setup_fuzz(in);
    int after = dup(STDIN_FILENO);
    (void)close(after);
    check(before == after);
    return 0;
}
