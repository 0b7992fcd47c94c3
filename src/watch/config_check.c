/* Checks across rows and keys: behind the reading of single values. */
#include <stdio.h>

#include "base/listen.h"
#include "watch/config_table.h"
#include "watch/listener.h"
#include "watch/output_filter.h"
#include "watch/output_url.h"
#include "watch/render.h"

struct checking {
    struct config_reader *reader;
    const struct config *config;
};

/* row: a section itself, or one of its rows; its place is told. */
static void wrong(const struct checking *c, const char *section, const struct config_row *row,
                  const char *key, const char *text)
{
    char name[CONFIG_NAME_BYTES_MAX + 2] = "";
    if (row->name.len)
        (void)snprintf(name, sizeof(name), "%.*s.", (int)row->name.len, row->name.data);
    config_read_problem(c->reader, row->file ? row->file : "settings", row->line, row->line ? 1 : 0,
                        "%s.%s%s: %s", section, name, key, text);
}

static bool is_one_of(struct slice word, const char *const *words)
{
    for (; *words; words++)
        if (slice_equal(word, slice_from(*words)))
            return true;
    return false;
}

static void address_check(const struct checking *c, const char *section,
                          const struct config_row *row, struct slice listen, bool tls)
{
    struct listen_address where;
    struct err err;
    if (listen_parse(listen, &where, &err))
        wrong(c, section, row, "listen", err.text);
    else if (!where.loopback && !tls)
        wrong(c, section, row, "tls",
              "it listens beyond loopback, where others read along: set tls to true (syslog and "
              "GELF without TLS want a list of senders in `allow`)");
}

static bool is_host_name(struct slice name)
{
    bool good = name.len <= 253;
    for (size_t i = 0; good && i < name.len; i++) {
        char ch = name.data[i];
        good = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
               ch == '.' || ch == '-' || ch == ':';
    }
    return good;
}

static void web_check(const struct checking *c)
{
    const struct config_web *web = &c->config->web;
    if (config_has_web(c->config))
        address_check(c, "web", &web->row, web->listen, web->tls);
    if (!is_host_name(web->name))
        wrong(c, "web", &web->row, "name", "this is no host name: write letters, digits, . and -");
    if ((web->certificate_file.len > 0) != (web->key_file.len > 0))
        wrong(c, "web", &web->row, "certificate_file",
              "certificate_file and key_file belong together: set both, or none");
}

static void listener_check(const struct checking *c, const struct config_listener *l)
{
    const struct listener_kind *kind = listener_kind_find(l->kind);
    struct ip_network network;
    if (!kind)
        wrong(c, "listeners", &l->row, "kind",
              "there is no such kind of listener: http, syslog-udp, syslog-tcp, gelf-udp or "
              "gelf-tcp");
    else if (!kind->takes_tls && (l->tls || l->client_ca_file.len))
        wrong(c, "listeners", &l->row, "tls",
              "datagrams have no TLS: take syslog-tcp or gelf-tcp, or set tls to false");
    if (l->client_ca_file.len && !l->tls)
        wrong(c, "listeners", &l->row, "client_ca_file",
              "client certificates come with TLS only: set tls to true");
    for (uint32_t i = 0; i < l->allow.count; i++)
        if (!ip_network_parse(&network, l->allow.items[i]))
            wrong(c, "listeners", &l->row, "allow",
                  "this is no address and no network: write 10.1.2.3 or 10.1.0.0/16");
}

static void listeners_check(const struct checking *c)
{
    const struct config_listener *listeners = c->config->listeners.items;
    for (uint32_t i = 0; i < c->config->listeners.count; i++) {
        const struct config_listener *l = &listeners[i];
        const struct listener_kind *kind = listener_kind_find(l->kind);
        listener_check(c, l);
        if (l->source.len == 0)
            wrong(c, "listeners", &l->row, "source",
                  "it says not what its events are: name a row of sources");
        else if (!config_source(c->config, l->source))
            wrong(c, "listeners", &l->row, "source",
                  "there is no such row in sources: add it there");
        if (slice_equal(l->row.name, SLICE("web")) || slice_equal(l->row.name, SLICE("control")))
            wrong(c, "listeners", &l->row, "name",
                  "web and control are taken: give it another name");
        /* Switches and printers speak nothing better: without TLS the list of senders must be
         * there beyond loopback. */
        address_check(c, "listeners", &l->row, l->listen,
                      l->tls || (kind && l->allow.count && kind->service != LISTENER_HTTP));
    }
}

/* http only to this machine. */
static bool url_is_good(struct slice url)
{
    if (slice_starts(url, SLICE("https://")))
        return url.len > 8;
    if (!slice_starts(url, SLICE("http://")))
        return false;
    struct slice rest = slice_part(url, 7, SIZE_MAX), host = slice_cut(&rest, '/');
    static const char *const heads[] = {"127.0.0.1", "localhost", "[::1]", NULL};
    for (int i = 0; heads[i]; i++) {
        struct slice head = slice_from(heads[i]);
        if (slice_starts(host, head) && (host.len == head.len || host.data[head.len] == ':'))
            return true;
    }
    return false;
}

static void channels_check(const struct checking *c)
{
    const struct config_channel *channels = c->config->channels.items;
    for (uint32_t i = 0; i < c->config->channels.count; i++) {
        const struct config_channel *ch = &channels[i];
        if (slice_equal(ch->kind, SLICE("webhook"))) {
            if (!url_is_good(ch->url))
                wrong(c, "channels", &ch->row, "url",
                      "a webhook wants an address that begins with https:// (http:// only on "
                      "loopback)");
        } else if (slice_equal(ch->kind, SLICE("command"))) {
            if (!config_command(c->config, ch->command, NULL))
                wrong(c, "channels", &ch->row, "command",
                      "there is no such row in commands: add it there");
        } else {
            wrong(c, "channels", &ch->row, "kind",
                  "there is no such kind of channel: webhook or command");
        }
    }
}

/* What its kind wants of it. */
static void output_kind_check(const struct checking *c, const struct config_output *o)
{
    struct output_url url;
    struct err err;
    if (slice_equal(o->kind, SLICE("syslog"))) {
        if (output_url_parse(o->url, &url, &err) != ERR_OK)
            wrong(c, "outputs", &o->row, "url", err.text);
        if (render_facility(o->facility) < 0)
            wrong(c, "outputs", &o->row, "facility",
                  "there is no such facility: local0 to local7, daemon, auth, user ...");
    } else if (slice_equal(o->kind, SLICE("elasticsearch"))) {
        if (!url_is_good(o->url))
            wrong(c, "outputs", &o->row, "url",
                  "it wants an address that begins with https:// (http:// only on loopback)");
        if (render_index_check(o->index, &err) != ERR_OK)
            wrong(c, "outputs", &o->row, "index", err.text);
    } else if (slice_equal(o->kind, SLICE("file"))) {
        if (o->path.len == 0 || o->path.data[0] != '/')
            wrong(c, "outputs", &o->row, "path",
                  "write the whole path of the file, from the root: /var/log/canh/findings.ndjson");
    } else {
        wrong(c, "outputs", &o->row, "kind",
              "there is no such kind of output: syslog, elasticsearch or file");
    }
}

static void outputs_check(const struct checking *c)
{
    static const char *const whats[] = {"findings", "events", NULL};
    static const char *const formats[] = {"json", "cef", NULL};
    const struct config_output *outputs = c->config->outputs.items;
    for (uint32_t i = 0; i < c->config->outputs.count; i++) {
        const struct config_output *o = &outputs[i];
        struct err err;
        output_kind_check(c, o);
        if (!is_one_of(o->what, whats))
            wrong(c, "outputs", &o->row, "what", "write findings, or events");
        if (!is_one_of(o->format, formats))
            wrong(c, "outputs", &o->row, "format", "write json, or cef");
        else if (slice_equal(o->format, SLICE("cef")) &&
                 slice_equal(o->kind, SLICE("elasticsearch")))
            wrong(c, "outputs", &o->row, "format", "Elasticsearch takes json only");
        if (output_filter_check(o->filter, &err) != ERR_OK)
            wrong(c, "outputs", &o->row, "filter", err.text);
    }
}

static void commands_check(const struct checking *c)
{
    const struct config_command *commands = c->config->commands.items;
    for (uint32_t i = 0; i < c->config->commands.count; i++)
        if (commands[i].run.count == 0 || commands[i].run.items[0].data[0] != '/')
            wrong(c, "commands", &commands[i].row, "run",
                  "it wants the whole path of a program, then its arguments: [/usr/bin/logger, "
                  "-t, canh]");
}

static void follow_check(const struct checking *c)
{
    const struct config_source *sources = c->config->sources.items;
    for (uint32_t i = 0; i < c->config->sources.count; i++)
        for (uint32_t j = 0; j < sources[i].follow.count; j++) {
            struct slice pattern = sources[i].follow.items[j];
            const char *last = strrchr(pattern.data, '/');
            size_t folder = last ? (size_t)(last - pattern.data) : 0;
            struct slice head = slice_part(pattern, 0, folder);
            if (pattern.data[0] != '/' || !last[1])
                wrong(c, "sources", &sources[i].row, "follow",
                      "write whole paths, from the root: /var/log/x");
            else if (slice_find_char(head, '*') != SLICE_NONE ||
                     slice_find_char(head, '?') != SLICE_NONE)
                wrong(c, "sources", &sources[i].row, "follow",
                      "* and ? may stand in the last part only");
        }
}

void config_check(struct config_reader *r, const struct config *config)
{
    static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
    struct checking c = {r, config};
    if (!is_one_of(config->serve.log_level, levels))
        wrong(&c, "serve", &config->serve.row, "log_level",
              "there is no such level: error, warning, info or debug");
    web_check(&c);
    listeners_check(&c);
    channels_check(&c);
    outputs_check(&c);
    commands_check(&c);
    follow_check(&c);
}
