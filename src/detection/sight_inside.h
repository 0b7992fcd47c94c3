/* Inside of sight.c: what sight_dot.c shares with it. */
#pragma once
#include "detection/sight.h"
#include "detection/url.h"

enum sight_char {
    SIGHT_CHAR_NAME = 1,     /* of host names and dotted addresses */
    SIGHT_CHAR_FILE = 2,     /* of file names, when no blank is in them */
    SIGHT_CHAR_LOCAL = 4,    /* of what stands before the @ of an address */
    SIGHT_CHAR_HEX = 8,      /* hexadecimal digit */
    SIGHT_CHAR_END = 16,     /* ends a URL */
    SIGHT_CHAR_WEAK = 32,    /* ends a URL that does not begin the value */
    SIGHT_CHAR_WORD = 64,    /* letter or digit */
    SIGHT_CHAR_FOREIGN = 128 /* beyond ASCII */
};
extern const unsigned char sight_chars[256]; /* sets of enum sight_char */

struct sight_scanner {
    struct slice value;
    unsigned kinds;
    sight_visit *visit;
    void *context;
    size_t done;       /* dots and colons before it were looked at */
    size_t file_done;  /* the same for file names */
    size_t file_given; /* where the last one that was given whole, behind a separator, ends */
    unsigned urls, foreign;
    char room[URL_ROOM_BYTES];
};

static inline bool sight_is(const struct sight_scanner *s, size_t at, unsigned chars)
{
    return (sight_chars[(unsigned char)s->value.data[at]] & chars) != 0;
}

static inline bool sight_wanted(const struct sight_scanner *s, enum sight_kind kind)
{
    return (s->kinds >> kind & 1) != 0;
}

void sight_give(struct sight_scanner *s, enum sight_kind kind, struct slice text);
void sight_give_ip(struct sight_scanner *s, const struct ip_address *address, struct slice text,
                   uint16_t port);
/* The port of `:port` at *end, which moves behind it; 0: none is there. */
uint16_t sight_port(const struct sight_scanner *s, size_t *end);
/* The URL that begins at begin, with or without a scheme, its path, too. */
void sight_give_url(struct sight_scanner *s, size_t begin);
/* The path of a URL in its one form, and the same without its query. */
void sight_give_path(struct sight_scanner *s, struct slice path);
/* A dot at `at`: the name, address or file name around it. */
void sight_look_dot(struct sight_scanner *s, size_t at);
/* The value as a whole: a path. */
void sight_look_whole(struct sight_scanner *s);

enum { SIGHT_FILE_BYTES_MAX = 255, SIGHT_FILE_ROOM_BYTES = 512 };
/* The one form of a file name: case folded. Its length, or 0: none is that long. */
size_t sight_file_name(char out[SIGHT_FILE_ROOM_BYTES], struct slice name);
/* It has a dot, and after the last one 1 to 16 letters and digits, a letter among them. */
bool sight_file_has_ending(struct slice name);
