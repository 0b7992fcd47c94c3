#include "detection/host.h"

#include <idn2.h>

#define LOWER_8(c)  (c), (c) + 1, (c) + 2, (c) + 3, (c) + 4, (c) + 5, (c) + 6, (c) + 7
#define LOWER_32(c) LOWER_8(c), LOWER_8((c) + 8), LOWER_8((c) + 16), LOWER_8((c) + 24)
const unsigned char host_lower_table[256] = {
    LOWER_32(0),  LOWER_32(32), /* up to '?' */
    '@',          'a',           'b',           'c',           'd',          'e', 'f', 'g',
    'h',          'i',           'j',           'k',           'l',          'm', 'n', 'o',
    'p',          'q',           'r',           's',           't',          'u', 'v', 'w',
    'x',          'y',           'z',           '[',           '\\',         ']', '^', '_',
    LOWER_32(96), LOWER_32(128), LOWER_32(160), LOWER_32(192), LOWER_32(224)};

static bool is_letter(char c)
{
    unsigned char lower = host_lower_table[(unsigned char)c];
    return lower >= 'a' && lower <= 'z';
}

static bool is_name_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Up to eight bytes in lower case as one number that sorts as the text does. */
static uint64_t ending_key(struct slice s)
{
    uint64_t key = 0;
    for (size_t i = 0; i < 8; i++)
        key = key << 8 | (i < s.len ? host_lower_table[(unsigned char)s.data[i]] : 0u);
    return key;
}

bool host_is_file_ending(struct slice last_label)
{
    /* Sorted. None of them is, or is likely to become, a top-level domain. */
    static const char endings[][8] = {
        "asp",  "aspx",   "bak",  "bat",    "bin",  "bmp",  "cfg",  "chm",  "class", "cmd",
        "conf", "config", "cpl",  "csproj", "css",  "csv",  "dat",  "db",   "dll",   "dmp",
        "doc",  "docm",   "docx", "drv",    "etl",  "evt",  "evtx", "exe",  "gif",   "gz",
        "hta",  "htm",    "html", "ico",    "inf",  "ini",  "iso",  "jar",  "jpeg",  "jpg",
        "js",   "json",   "jsp",  "jspx",   "lnk",  "log",  "msi",  "msp",  "mui",   "nls",
        "ocx",  "pdf",    "php",  "pif",    "png",  "ppt",  "pptx", "pri",  "rar",   "reg",
        "rtf",  "scr",    "sql",  "svg",    "sys",  "tar",  "tmp",  "ttf",  "txt",   "vbe",
        "vbs",  "wav",    "wsf",  "xls",    "xlsm", "xlsx", "xml",  "yaml", "yml"};
    if (last_label.len < 2 || last_label.len > 8)
        return false;
    uint64_t key = ending_key(last_label);
    size_t low = 0, high = sizeof(endings) / sizeof(endings[0]);
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint64_t at;
        memcpy(&at, endings[middle], 8);
        at = __builtin_bswap64(at);
        if (at == key)
            return true;
        if (at < key)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* The shape of names: labels of one byte or more; how many there are, or 0. */
static size_t label_count(struct slice name)
{
    size_t labels = 1, start = 0;
    if (name.len == 0 || name.len > HOST_BYTES_MAX)
        return 0;
    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && name.data[i] != '.') {
            if (!is_name_char(name.data[i]))
                return 0;
            continue;
        }
        if (i == start || i - start > HOST_LABEL_BYTES_MAX)
            return 0;
        labels += i < name.len;
        start = i + 1;
    }
    return labels;
}

static bool is_top_label(struct slice label)
{
    if (label.len > 4 && slice_equal_nocase(slice_part(label, 0, 4), SLICE("xn--")))
        return true;
    for (size_t i = 0; i < label.len; i++)
        if (!is_letter(label.data[i]))
            return false;
    return label.len >= 2;
}

bool host_is_domain(struct slice name)
{
    size_t last = name.len;
    if (label_count(name) < 2 || name.data[0] == '-' || name.data[last - 1] == '-')
        return false;
    while (name.data[last - 1] != '.')
        last--;
    return is_top_label(slice_part(name, last, name.len));
}

static size_t foreign_normalise(char out[HOST_BYTES_MAX + 1], struct slice name)
{
    char text[HOST_BYTES_MAX * 3 + 1];
    uint8_t *ascii = NULL;
    size_t len = 0;
    if (name.len >= sizeof(text) || memchr(name.data, '\0', name.len))
        return 0;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    if (idn2_lookup_u8((const uint8_t *)text, &ascii, flags) == IDN2_OK) {
        struct slice got = slice_from((const char *)ascii);
        if (slice_ends(got, SLICE(".")))
            got.len--;
        if (label_count(got) > 0) {
            len = got.len;
            host_lower(out, got.data, len);
            out[len] = '\0';
        }
    }
    idn2_free(ascii);
    return len;
}

size_t host_normalise(char out[HOST_BYTES_MAX + 1], struct slice name)
{
    if (slice_ends(name, SLICE(".")))
        name.len--;
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.data[i] >= 0x80)
            return foreign_normalise(out, name);
    if (label_count(name) == 0)
        return 0;
    host_lower(out, name.data, name.len);
    out[name.len] = '\0';
    return name.len;
}
