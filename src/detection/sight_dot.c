/* Sights around a dot: names, dotted addresses, e-mail addresses, file names; and whole paths. */
#include "base/text.h"
#include "detection/host.h"
#include "detection/sight_inside.h"

enum { LOCAL_BYTES_MAX = 64, ENDING_BYTES_MAX = 16 };

static char char_at(const struct sight_scanner *s, size_t at)
{
    return at < s->value.len ? s->value.data[at] : '\0'; /* before the begin, too: at wraps */
}

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

static bool is_closing(char c)
{
    return c == '.' || c == ')' || c == ']' || c == '}' || c == '!';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void give_lower(struct sight_scanner *s, enum sight_kind kind, size_t begin, size_t end)
{
    host_lower(s->room, s->value.data + begin, end - begin);
    sight_give(s, kind, slice_make(s->room, end - begin));
}

/* The address whose host is from begin to end; an @ stands before it. */
static void give_email(struct sight_scanner *s, size_t begin, size_t end)
{
    size_t local = begin - 1;
    while (local > 0 && begin - local <= LOCAL_BYTES_MAX &&
           sight_is(s, local - 1, SIGHT_CHAR_LOCAL))
        local--;
    while (local + 1 < begin && memchr(".-%&", s->value.data[local], 4))
        local++;
    if (local + 1 < begin)
        give_lower(s, SIGHT_EMAIL, local, end);
}

/* A name with bytes beyond ASCII beside or in it: only where it can hardly be prose. */
static void look_foreign(struct sight_scanner *s, size_t begin, size_t end)
{
    unsigned chars = SIGHT_CHAR_NAME | SIGHT_CHAR_FOREIGN;
    while (begin > 0 && end - begin <= HOST_BYTES_MAX * 3 && sight_is(s, begin - 1, chars))
        begin--;
    while (end < s->value.len && end - begin <= HOST_BYTES_MAX * 3 && sight_is(s, end, chars))
        end++;
    s->done = end;
    bool whole = begin == 0 && end == s->value.len;
    bool behind = char_at(s, begin - 1) == '@' ||
                  (char_at(s, begin - 1) == '/' && char_at(s, begin - 2) == '/');
    if (!(whole || behind) || s->foreign == SIGHT_FOREIGN_MAX)
        return;
    s->foreign++;
    size_t len = host_normalise(s->room, slice_part(s->value, begin, end - begin));
    if (host_is_domain(slice_make(s->room, len)))
        sight_give(s, SIGHT_HOST, slice_make(s->room, len));
}

/* Behind a host or address that ends at end: the path of a URL without a scheme. */
static void look_bare_url(struct sight_scanner *s, size_t begin, size_t end)
{
    if (is_separator(char_at(s, begin - 1)))
        return;
    if (char_at(s, end) == ':') {
        size_t port = ++end;
        while (is_digit(char_at(s, end)))
            end++;
        if (end == port)
            return;
    }
    if (char_at(s, end) == '/')
        sight_give_url(s, begin);
}

/* Whether the last label of the name from begin to end, which begins at *label, looks like one. */
static bool is_top_label_end(const struct sight_scanner *s, size_t begin, size_t end, size_t *label)
{
    size_t at = end;
    while (at > begin && s->value.data[at - 1] != '.')
        at--;
    if (at == begin)
        return false;
    *label = at;
    unsigned char c = host_lower_table[(unsigned char)s->value.data[end - 1]];
    return end - at >= 2 && ((c >= 'a' && c <= 'z') || end - at > 4);
}

/* A host or dotted address from begin to end, dots and dashes at both ends taken off. */
static void look_name(struct sight_scanner *s, size_t begin, size_t end)
{
    struct ip_address address;
    struct slice name = slice_part(s->value, begin, end - begin);
    size_t label;
    char before = char_at(s, begin - 1), after = char_at(s, end);
    bool share = before == '\\' && char_at(s, begin - 2) == '\\';
    if (is_digit(name.data[0]) && is_digit(name.data[name.len - 1]) && name.len <= 15 &&
        name.len >= 7 && ip_parse(&address, name)) {
        size_t host_end = end;
        sight_give_ip(s, &address, name, sight_port(s, &end));
        s->done = end;
        look_bare_url(s, begin, host_end);
        return;
    }
    if (!is_top_label_end(s, begin, end, &label) || (after == '@' && !share) ||
        (before == '\\' && !share) || !host_is_domain(name) ||
        host_is_file_ending(slice_part(s->value, label, end - label)))
        return;
    if (before == '@' && sight_wanted(s, SIGHT_EMAIL))
        give_email(s, begin, end);
    if (sight_wanted(s, SIGHT_HOST))
        give_lower(s, SIGHT_HOST, begin, end);
    look_bare_url(s, begin, end);
}

bool sight_file_has_ending(struct slice name)
{
    size_t at = name.len;
    bool letter = false;
    while (at > 0 && name.data[at - 1] != '.') {
        unsigned char c = (unsigned char)name.data[--at];
        if (!(sight_chars[c] & SIGHT_CHAR_WORD) || name.len - at > ENDING_BYTES_MAX)
            return false;
        letter |= !is_digit((char)c);
    }
    return letter && at > 1;
}

size_t sight_file_name(char out[SIGHT_FILE_ROOM_BYTES], struct slice name)
{
    if (name.len > SIGHT_FILE_BYTES_MAX)
        return 0;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.data[i] >= 0x80)
            return text_fold(out, name);
    host_lower(out, name.data, name.len);
    return name.len;
}

static void give_file(struct sight_scanner *s, size_t begin, size_t end)
{
    size_t len = sight_file_name(s->room, slice_part(s->value, begin, end - begin));
    if (begin > 0 && is_separator(s->value.data[begin - 1]))
        s->file_given = end;
    if (len > 0)
        sight_give(s, SIGHT_FILE_NAME, slice_make(s->room, len));
}

/* A file name around the dotted name from begin to end. */
static void look_file(struct sight_scanner *s, size_t begin, size_t end)
{
    const char *v = s->value.data;
    if (begin < s->file_done)
        return;
    while (begin > s->file_done && sight_is(s, begin - 1, SIGHT_CHAR_FILE))
        begin--;
    while (end < s->value.len && sight_is(s, end, SIGHT_CHAR_FILE))
        end++;
    s->file_done = end;
    char before = char_at(s, begin - 1), after = char_at(s, end);
    if (is_separator(after) || (before == '/' && char_at(s, begin - 2) == '/'))
        return; /* a folder, or the host of a URL */
    while (end > begin && is_closing(v[end - 1]))
        end--;
    if (!sight_file_has_ending(slice_part(s->value, begin, end - begin)))
        return;
    if (begin == 0 || is_separator(before) || before == '=' || before == '"') {
        give_file(s, begin, end);
        return;
    }
    size_t floor = begin > SIGHT_FILE_BYTES_MAX ? begin - SIGHT_FILE_BYTES_MAX : 0;
    if (before != ' ' || (s->file_done < s->value.len && after != '"'))
        return;
    while (begin > floor && (v[begin - 1] == ' ' || sight_is(s, begin - 1, SIGHT_CHAR_FILE)))
        begin--;
    if (begin == 0 || is_separator(v[begin - 1]))
        give_file(s, begin, end);
}

void sight_look_dot(struct sight_scanner *s, size_t at)
{
    const unsigned nets = 1u << SIGHT_IP | 1u << SIGHT_HOST | 1u << SIGHT_EMAIL | 1u << SIGHT_URL |
                          1u << SIGHT_URL_PATH;
    struct slice v = s->value;
    size_t begin = at, end = at + 1;
    while (begin > s->done && sight_is(s, begin - 1, SIGHT_CHAR_NAME))
        begin--;
    while (end < v.len && sight_is(s, end, SIGHT_CHAR_NAME))
        end++;
    s->done = end;
    if (sight_wanted(s, SIGHT_FILE_NAME))
        look_file(s, begin, end);
    if (!(s->kinds & nets))
        return;
    if (char_at(s, begin - 1) == '%' && end - begin > 2 && sight_is(s, begin, SIGHT_CHAR_HEX) &&
        sight_is(s, begin + 1, SIGHT_CHAR_HEX))
        begin += 2; /* %2Fexample.org */
    bool dotted = is_digit(char_at(s, begin)) && is_digit(v.data[end - 1]);
    if (!dotted && ((char_at(s, begin - 1) | char_at(s, end)) & 0x80)) {
        look_foreign(s, begin, end);
        return;
    }
    while (begin < end && (v.data[begin] == '.' || v.data[begin] == '-'))
        begin++;
    while (end > begin && (v.data[end - 1] == '.' || v.data[end - 1] == '-'))
        end--;
    if (begin < end)
        look_name(s, begin, end);
}

/* The last part of a path; an ending is asked for only when blanks or the like are in it. */
static void look_last_part(struct sight_scanner *s)
{
    size_t begin = s->value.len, end = begin;
    bool plain = true;
    while (begin > 0 && end - begin <= SIGHT_FILE_BYTES_MAX) {
        char c = s->value.data[begin - 1];
        if (is_separator(c) || memchr("\"<>|:*?", c, 7) || (unsigned char)c < ' ')
            break;
        plain = plain && sight_is(s, begin - 1, SIGHT_CHAR_FILE);
        begin--;
    }
    if (begin == 0 || end - begin < 2 || !is_separator(s->value.data[begin - 1]))
        return;
    if (plain || sight_file_has_ending(slice_part(s->value, begin, end - begin)))
        give_file(s, begin, end);
}

void sight_look_whole(struct sight_scanner *s)
{
    struct slice v = s->value;
    bool drive = v.data[1] == ':' && is_separator(v.data[2]);
    if (!drive && !is_separator(v.data[0]) && v.data[0] != '~' && v.data[0] != '%')
        return;
    if (sight_wanted(s, SIGHT_FILE_NAME) && s->file_given < v.len)
        look_last_part(s);
    if (v.data[0] != '/' || v.data[1] == '/' || !sight_wanted(s, SIGHT_URL_PATH))
        return;
    size_t len = url_path_normalise(s->room, SIGHT_TEXT_BYTES_MAX, v);
    sight_give_path(s, slice_make(s->room, len));
}
