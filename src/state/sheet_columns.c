#include "state/sheet_columns.h"

#define HEADS(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct sheet_column sheet_system_columns[SYSTEM_COLUMNS] = {
    [SYSTEM_NAME] = {"name",
                     HEADS("name", "ma", "ma he thong", "ma httt", "ma he thong thong tin",
                           "ten viet tat", "ky hieu", "ten ngan", "short name", "code", "id"),
                     false, "Code", "Mã hệ thống"},
    [SYSTEM_TITLE] = {"title",
                      HEADS("title", "ten he thong", "ten he thong thong tin", "ten httt",
                            "he thong", "he thong thong tin", "ten", "ten day du",
                            "ten day du httt", "system", "system name", "full name",
                            "information system"),
                      true, "System name", "Tên hệ thống"},
    [SYSTEM_UNIT] = {"unit",
                     HEADS("unit", "don vi", "ma don vi", "don vi quan ly", "don vi truc thuoc",
                           "co quan", "don vi su dung"),
                     false, "Unit", "Đơn vị"},
    [SYSTEM_LEVEL] = {"level",
                      HEADS("level", "cap do", "cap do an toan", "cap do httt", "cap do he thong",
                            "cap do an toan he thong thong tin", "cap do phe duyet",
                            "cap do de xuat", "security level"),
                      false, "Level", "Cấp độ"},
    [SYSTEM_PERSONAL] = {"personal_data",
                         HEADS("personal_data", "personal data", "du lieu ca nhan",
                               "co du lieu ca nhan", "xu ly du lieu ca nhan", "dlcn"),
                         false, "Personal data", "Dữ liệu cá nhân"},
    [SYSTEM_NATIONAL] = {"national_platform",
                         HEADS("national_platform", "national platform", "nen tang quoc gia",
                               "nen tang so quoc gia", "la nen tang quoc gia"),
                         false, "National platform", "Nền tảng quốc gia"},
    [SYSTEM_EXPOSED] = {"internet_exposed",
                        HEADS("internet_exposed", "internet exposed", "internet",
                              "ket noi internet", "cong khai internet", "cong khai ra internet",
                              "mo ra internet", "on the internet"),
                        false, "Internet", "Kết nối Internet"},
    [SYSTEM_OWNER] = {"owner",
                      HEADS("owner", "chu quan", "chu quan he thong", "chu quan he thong thong tin",
                            "chu quan httt", "co quan chu quan"),
                      false, "Owner", "Chủ quản"},
    [SYSTEM_OPERATOR] = {"operator",
                         HEADS("operator", "don vi van hanh", "van hanh", "don vi van hanh httt",
                               "don vi van hanh he thong", "don vi quan tri van hanh"),
                         false, "Operator", "Đơn vị vận hành"},
    [SYSTEM_PROVIDER] = {"provider",
                         HEADS("provider", "nha cung cap", "don vi cung cap",
                               "nha cung cap dich vu", "don vi cung cap dich vu",
                               "service provider"),
                         false, "Provider", "Nhà cung cấp"},
    [SYSTEM_CONTACTS] = {"contacts",
                         HEADS("contacts", "dau moi", "dau moi lien he", "lien he",
                               "can bo dau moi", "nguoi lien he", "can bo phu trach", "contact"),
                         false, "Contacts", "Đầu mối liên hệ"},
    [SYSTEM_PLAN] = {"response_plan",
                     HEADS("response_plan", "response plan", "phuong an ung pho",
                           "ngay phuong an ung pho", "ngay phe duyet phuong an ung pho",
                           "phuong an ung cuu", "ngay phuong an ung cuu", "phuong an ung cuu su co",
                           "phuong an ung pho su co"),
                     false, "Response plan", "Phương án ứng phó"},
};

const struct sheet_column sheet_host_columns[HOST_COLUMNS] = {
    [HOST_NAME] = {"name",
                   HEADS("name", "ten may", "may chu", "ten may chu", "may", "ten thiet bi",
                         "thiet bi", "may tram", "ten may tram", "ma may", "host", "hostname",
                         "host name", "computer", "computer name"),
                   true, "Host", "Tên máy"},
    [HOST_TITLE] = {"title",
                    HEADS("title", "mo ta", "ten day du", "chuc nang", "vai tro", "muc dich",
                          "muc dich su dung", "description", "role"),
                    false, "Description", "Mô tả"},
    [HOST_ADDRESSES] = {"addresses",
                        HEADS("addresses", "dia chi ip", "ip", "dia chi", "dia chi mang",
                              "cac dia chi ip", "ip address", "ip addresses", "address"),
                        false, "IP addresses", "Địa chỉ IP"},
    [HOST_SYSTEM] = {"system",
                     HEADS("system", "he thong", "ma he thong", "he thong thong tin",
                           "thuoc he thong", "ma httt", "ten he thong", "httt",
                           "information system"),
                     false, "System", "Hệ thống"},
    [HOST_UNIT] = {"unit",
                   HEADS("unit", "don vi", "ma don vi", "don vi quan ly", "don vi su dung",
                         "co quan"),
                   false, "Unit", "Đơn vị"},
    [HOST_OS] = {"os",
                 HEADS("os", "he dieu hanh", "hdh", "phien ban he dieu hanh", "operating system"),
                 false, "Operating system", "Hệ điều hành"},
    [HOST_KIND] = {"kind", HEADS("kind", "loai", "loai may", "loai thiet bi", "type"), false,
                   "Kind", "Loại máy"},
};

const struct sheet_column *sheet_columns(const char *command, uint32_t *count)
{
    static const struct {
        const char *command;
        const struct sheet_column *columns;
        uint32_t count;
    } sheets[] = {{"system.import", sheet_system_columns, SYSTEM_COLUMNS},
                  {"host.import", sheet_host_columns, HOST_COLUMNS}};
    for (size_t i = 0; i < sizeof sheets / sizeof sheets[0]; i++)
        if (strcmp(sheets[i].command, command) == 0) {
            *count = sheets[i].count;
            return sheets[i].columns;
        }
    *count = 0;
    return NULL;
}
