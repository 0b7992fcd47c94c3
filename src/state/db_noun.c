#include "state/command.h"

static const struct noun nouns[] = {
    {"unit", "unit", "name", "t.id", "unit", "đơn vị"},
    {"system", "system", "name", "t.unit_id", "information system", "hệ thống thông tin"},
    {"host", "host", "name", "t.unit_id", "host", "máy"},
    {"user", "user", "name", "t.unit_id", "user", "người dùng"},
    {"token", "token", "name", "(SELECT u.unit_id FROM user u WHERE u.id = t.user_id)", "token",
     "mã truy cập"},
};

const struct noun *noun_find(const char *name)
{
    for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++)
        if (strcmp(nouns[i].name, name) == 0)
            return &nouns[i];
    return NULL;
}
