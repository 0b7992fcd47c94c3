/* Systemd journals: journalctl, as user canh-command, prints entries into a pipe that a reader
 * reads. The parent itself sees none of them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "program/folder.h"
#include "program/parent.h"
#include "watch/haul.h"

/* A node's first start goes back so far. */
#define FIRST_SINCE "--since=-1h"
static const char program[] = "/usr/bin/journalctl";
/* Who may read the system's journal: what of them is there. */
static const char *const groups[] = {"systemd-journal", "adm"};

static void ended_tell(struct parent *p, uint64_t ticket, bool ran, const char *why)
{
    struct buf payload = {0};
    bytes_put_u32(&payload, ran);
    bytes_put_text(&payload, slice_from(why));
    parent_role_send(parent_engine(p), MESSAGE_JOURNAL_ENDED, ticket, buf_as_slice(&payload), NULL,
                     0);
    buf_free(&payload);
}

static struct parent_journal *free_place(struct parent *p)
{
    for (int i = 0; i < PARENT_JOURNALS_MAX; i++)
        if (!p->journals[i].pid)
            return &p->journals[i];
    return NULL;
}

static int user_find(const struct parent *p, struct proc_user *out, struct err *err)
{
    int rc = folder_user(p->config, "-command", out, err);
    if (rc != ERR_OK || !out->change)
        return rc;
    out->groups[0] = out->group;
    out->group_count = 1;
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (proc_group_find(groups[i], &out->groups[out->group_count], NULL) == ERR_OK)
            out->group_count++;
    return ERR_OK;
}

/* fd: the reading end of what it prints. */
static int program_start(const struct parent *p, struct slice journal, struct slice cursor,
                         pid_t *pid, int *fd, struct err *err)
{
    struct arena arena = {0};
    int ends[2];
    struct proc_start start = {
        .path = program, .input = -1, .new_session = true, .ends_with_parent = true};
    const char *from =
        cursor.len ? arena_printf(&arena, "--cursor=%.*s", (int)cursor.len, cursor.data).data
                   : FIRST_SINCE;
    const char *folder =
        slice_equal(journal, SLICE("local"))
            ? "--system"
            : arena_printf(&arena, "--directory=%.*s", (int)journal.len, journal.data).data;
    const char *arguments[] = {program,    folder,      "--output=export",
                               "--follow", "--no-tail", "--all",
                               "--quiet",  from,        NULL};
    int rc = user_find(p, &start.user, err);
    if (rc == ERR_OK && pipe2(ends, O_CLOEXEC) != 0)
        rc = err_set_errno(err, errno, "cannot make a pipe for journalctl");
    if (rc == ERR_OK) {
        start.arguments = arguments;
        start.output = ends[1];
        rc = proc_start(&start, pid, err);
        (void)close(ends[1]);
        if (rc == ERR_OK)
            *fd = ends[0];
        else
            (void)close(ends[0]);
    }
    arena_free(&arena);
    return rc;
}

static void reading_add(struct parent *p, const struct config_source *source, uint64_t ticket,
                        int fd)
{
    struct buf name = {0};
    buf_slice(&name, HAUL_JOURNAL);
    buf_slice(&name, source->journal);
    p->readings[p->reading_count++] = (struct parent_reading){
        .source = mem_copy_text(source->row.name.data, source->row.name.len),
        .name = mem_copy_text(name.data, name.len),
        .fd = fd,
        .ticket = ticket,
        .is_live = true};
    buf_free(&name);
}

void parent_journal_start(struct parent *p, uint64_t ticket, struct slice source_name,
                          struct slice cursor)
{
    const struct config_source *source = config_source(p->config, source_name);
    struct parent_journal *place = free_place(p);
    struct err err;
    pid_t pid = 0;
    int fd = -1, rc = ERR_OK;
    if (!source || slice_equal(source->journal, SLICE("none")) || p->stopping)
        rc = err_set(&err, ERR_NOT_FOUND, "canh.yaml names no journal any more");
    else if (!place || p->reading_count >= PARENT_READERS_WAITING_MAX)
        rc = err_set(&err, ERR_BUSY, "earlier journalctl have not ended yet");
    else
        rc = program_start(p, source->journal, cursor, &pid, &fd, &err);
    if (rc) {
        ended_tell(p, ticket, false, err.text);
        return;
    }
    *place = (struct parent_journal){.pid = pid, .ticket = ticket};
    reading_add(p, source, ticket, fd);
    log_say(LOG_INFO, "journal", "%.*s is read %s", (int)source->journal.len, source->journal.data,
            cursor.len ? "on behind the entry that was stored last" : "from an hour ago on");
}

static void journal_kill(const struct parent_journal *j)
{
    if (j->pid)
        (void)kill(-j->pid, SIGKILL);
}

bool parent_journal_reaped(struct parent *p, pid_t pid, int status)
{
    for (int i = 0; i < PARENT_JOURNALS_MAX; i++) {
        struct parent_journal *j = &p->journals[i];
        struct buf text = {0};
        if (j->pid != pid)
            continue;
        journal_kill(j); /* what it left behind */
        buf_string(&text, "journalctl ");
        proc_status_text(status, &text);
        if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
            buf_string(&text, ": it must be able to read the journal: started as root, user "
                              "canh-command in group systemd-journal; else this user in it");
        log_say(p->stopping ? LOG_DEBUG : LOG_INFO, "journal", "%s", buf_text(&text));
        ended_tell(p, j->ticket, true, buf_text(&text));
        buf_free(&text);
        j->pid = 0;
        return true;
    }
    return false;
}

void parent_journal_unread(struct parent *p, uint64_t ticket)
{
    for (int i = 0; i < PARENT_JOURNALS_MAX; i++)
        if (p->journals[i].pid && p->journals[i].ticket == ticket)
            journal_kill(&p->journals[i]);
}

void parent_journals_kill(struct parent *p)
{
    for (int i = 0; i < PARENT_JOURNALS_MAX; i++)
        journal_kill(&p->journals[i]);
}
