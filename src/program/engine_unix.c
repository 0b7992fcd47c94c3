/* Unix users at the control socket: who they are in Canh. Names come from /etc/passwd alone: other
 * services of the system would need sockets, which the engine may not make. */
#include "base/io.h"
#include "program/engine.h"

#define PASSWD_PATH      "/etc/passwd"
#define PASSWD_BYTES_MAX ((size_t)4 << 20)

/* name:x:uid:... */
static struct slice name_of(struct slice passwd, uint32_t user_id)
{
    while (passwd.len > 0) {
        struct slice line = slice_cut(&passwd, '\n');
        struct slice name = slice_cut(&line, ':');
        uint64_t number;
        (void)slice_cut(&line, ':');
        if (slice_to_u64(slice_cut(&line, ':'), &number) && number == user_id && name.len > 0)
            return name;
    }
    return SLICE("");
}

int engine_unix_find(struct signin *signin, uint32_t user_id, bool vietnamese, struct arena *arena,
                     struct caller *out, struct err *err)
{
    struct buf passwd = {0};
    int rc = io_read_file(&passwd, PASSWD_PATH, PASSWD_BYTES_MAX, err);
    struct slice name =
        rc == ERR_OK ? arena_copy(arena, name_of(buf_as_slice(&passwd), user_id)) : SLICE("");
    buf_free(&passwd);
    rc = name.len > 0 ? signin_find_unix(signin, name, arena, out, err) : ERR_NOT_FOUND;
    if (rc == ERR_OK)
        out->from = arena_printf(arena, "control, unix:%.*s", (int)name.len, name.data);
    if (rc != ERR_NOT_FOUND)
        return rc;
    if (name.len == 0)
        name = arena_printf(arena, "%u", (unsigned)user_id);
    return err_set(
        err, ERR_NOT_FOUND,
        vietnamese ? "tài khoản Unix %.*s chưa gắn với người dùng nào: quản trị hãy chạy "
                     "`canh user bind NGUOI_DUNG %.*s`, hoặc dùng sudo"
                   : "the Unix user %.*s is not bound to a user of Canh: let an administrator run "
                     "`canh user bind USER %.*s`, or use sudo",
        (int)name.len, name.data, (int)name.len, name.data);
}
