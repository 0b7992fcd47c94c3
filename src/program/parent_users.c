/* Whether there is anybody who could sign in: asked before a port is opened to others. A child that
 * is the engine's user looks, so that the parent itself reads no database. */
#include <errno.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/database.h"
#include "base/listen.h"
#include "program/folder.h"
#include "program/parent.h"
#include "state/state.h"

enum answer { USERS_SOME = 0, USERS_NONE = 1, USERS_UNKNOWN = 2 };

static enum answer users_look(const char *data)
{
    struct disk *disk = NULL;
    struct database *db = NULL;
    enum answer answer = USERS_NONE;
    if (disk_open_folder(&disk, data, NULL) != ERR_OK)
        return USERS_UNKNOWN;
    if (disk_exists(disk, STATE_FILE)) {
        answer = USERS_UNKNOWN;
        if (database_open(&db, disk, STATE_FILE, DATABASE_READ, NULL) == ERR_OK) {
            int rc = statement_step(statement_get(db, "SELECT 1 FROM user LIMIT 1"), NULL);
            answer = rc == ERR_OK ? USERS_SOME : rc == ERR_END ? USERS_NONE : USERS_UNKNOWN;
        }
    }
    database_close(&db);
    disk_close_folder(&disk);
    return answer;
}

static bool user_become(const struct proc_user *user)
{
    return !user->change || (setgroups(user->group_count, user->groups) == 0 &&
                             setresgid(user->group, user->group, user->group) == 0 &&
                             setresuid(user->user, user->user, user->user) == 0);
}

static int users_ask(const struct proc_user *engine, const char *data, struct err *err)
{
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        return err_set_errno(err, errno, "cannot look for users");
    if (child == 0)
        _exit(user_become(engine) ? (int)users_look(data) : USERS_UNKNOWN);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) == USERS_UNKNOWN)
        return err_set(err, ERR_BUSY,
                       "%s/state/state.db cannot be read, so nobody knows whether there are users: "
                       "canh doctor says more",
                       data);
    if (WEXITSTATUS(status) == USERS_SOME)
        return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "web.listen is beyond loopback, and there is no user yet who could sign in: "
                   "make one first (canh user add --admin --password-stdin NAME), or listen on "
                   "127.0.0.1");
}

int parent_ports_check_users(const struct config *config, const char *data, struct err *err)
{
    struct listen_address where;
    struct proc_user engine;
    if (!config_has_web(config))
        return ERR_OK;
    int rc = listen_parse(config->web.listen, &where, err);
    if (rc != ERR_OK || where.loopback)
        return rc;
    rc = folder_user(config, "", &engine, err);
    return rc ? rc : users_ask(&engine, data, err);
}
