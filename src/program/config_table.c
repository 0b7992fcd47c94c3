#include "program/config_table.h"

#define AT(section, member) offsetof(struct config_##section, member)

static const struct config_key store_keys[] = {
    {"data", CONFIG_PATH, AT(store, data), "/var/lib/canh", NULL, NULL, "folder of all stored data",
     "thư mục chứa toàn bộ dữ liệu"},
    {"seal_rows", CONFIG_NUMBER, AT(store, seal_rows), "1048576", "1", "16777216",
     "a segment is sealed when it has so many events", "đóng một đoạn khi đủ số sự kiện này"},
    {"seal_bytes", CONFIG_BYTES, AT(store, seal_bytes), "256MiB", "4KiB", "4GiB",
     "a segment is sealed when its events, unpacked, have so many bytes",
     "đóng một đoạn khi các sự kiện (chưa nén) đạt dung lượng này"},
    {"seal_age", CONFIG_DURATION, AT(store, seal_age_ns), "15min", "1s", "1d",
     "a segment is sealed when its first event was stored so long ago",
     "đóng một đoạn khi sự kiện đầu tiên đã lưu lâu bằng này"},
    {"journal_file_bytes", CONFIG_BYTES, AT(store, journal_file_bytes), "64MiB", "64KiB", "4GiB",
     "size of a journal file", "dung lượng một tệp nhật ký ghi trước"},
    {"group_bytes", CONFIG_BYTES, AT(store, group_bytes), "4MiB", "1KiB", "64MiB",
     "packed events that an import makes durable at a time",
     "lượng dữ liệu (đã nén) ghi bền vững mỗi lần khi nạp tệp"},
    {"reserve_bytes", CONFIG_BYTES, AT(store, reserve_bytes), "256MiB", "0", "1TiB",
     "disk space kept back, so that what was taken in can always be sealed",
     "dung lượng đĩa để dành, để luôn đóng được những gì đã nhận"},
    {"query_memory_bytes", CONFIG_BYTES, AT(store, query_memory_bytes), "128MiB", "1MiB", "64GiB",
     "memory that one query may use", "bộ nhớ tối đa cho một truy vấn"},
    {"query_seconds", CONFIG_DURATION, AT(store, query_ns), "600s", "1s", "1d",
     "the longest time that a query may take; removed segments stay readable as long",
     "thời gian tối đa của một truy vấn; đoạn đã xóa vẫn đọc được trong thời gian đó"},
    {"timezone", CONFIG_ZONE, AT(store, timezone), "Asia/Ho_Chi_Minh", NULL, NULL,
     "the agency's time zone: times without one are read by it, and shown in it",
     "múi giờ của cơ quan: dùng để đọc thời gian không ghi múi giờ và để hiển thị"},
    {"sign_every", CONFIG_DURATION, AT(store, sign_every_ns), "60s", "1s", "1h",
     "how often the heads of the evidence chains are signed", "chu kỳ ký đầu các chuỗi chứng cứ"},
};

static const struct config_key partition_keys[] = {
    {"keep", CONFIG_DURATION, AT(partition, keep_ns), "1y", "1h", "100y",
     "events are removed when they are older", "xóa các sự kiện cũ hơn thời hạn này"},
    {"keep_bytes", CONFIG_BYTES, AT(partition, keep_bytes), "0", "0", NULL,
     "the oldest events are removed when the partition is larger; 0: no limit",
     "xóa các sự kiện cũ nhất khi phân vùng lớn hơn mức này; 0: không giới hạn"},
    {"hold", CONFIG_BOOL, AT(partition, hold), "false", NULL, NULL,
     "legal hold: nothing is removed", "lưu giữ theo yêu cầu pháp lý: không xóa gì"},
};

static const struct config_key source_keys[] = {
    {"partition", CONFIG_NAME, AT(source, partition), "main", NULL, NULL,
     "partition of the store that its events go into", "phân vùng lưu các sự kiện của nguồn"},
    {"match", CONFIG_LIST, AT(source, match), NULL, NULL, NULL,
     "patterns of its files, with * and ?: whole paths, or names without a slash",
     "mẫu tên tệp của nguồn, có * và ?: đường dẫn đầy đủ hoặc tên không có dấu /"},
    {"format", CONFIG_FORMAT, AT(source, format), NULL, NULL, NULL,
     "format of its events; else each file is looked at",
     "định dạng sự kiện; nếu bỏ trống thì tự nhận biết từng tệp"},
    {"timezone", CONFIG_ZONE, AT(source, timezone), NULL, NULL, NULL,
     "time zone of its times when they name none; else that of the store",
     "múi giờ của thời gian không ghi múi giờ; nếu bỏ trống: múi giờ của kho"},
    {"product", CONFIG_TEXT, AT(source, product), NULL, NULL, NULL,
     "product of its log source, as in Sigma rules", "product của nguồn nhật ký, như trong Sigma"},
    {"category", CONFIG_TEXT, AT(source, category), NULL, NULL, NULL, "category of its log source",
     "category của nguồn nhật ký"},
    {"service", CONFIG_TEXT, AT(source, service), NULL, NULL, NULL, "service of its log source",
     "service của nguồn nhật ký"},
    {"system", CONFIG_TEXT, AT(source, system), NULL, NULL, NULL,
     "information system that it belongs to", "hệ thống thông tin mà nguồn thuộc về"},
    {"unit", CONFIG_TEXT, AT(source, unit), NULL, NULL, NULL,
     "unit of the agency that it belongs to", "đơn vị mà nguồn thuộc về"},
};

#define KEYS(keys) (keys), sizeof(keys) / sizeof((keys)[0])

static const struct config_section sections[] = {
    {"store", CONFIG_ONE, offsetof(struct config, store), sizeof(struct config_store), 1,
     KEYS(store_keys), "the event store", "kho sự kiện"},
    {"store.partitions", CONFIG_MAP, offsetof(struct config, partitions),
     sizeof(struct config_partition), CONFIG_PARTITIONS_MAX, KEYS(partition_keys),
     "how long events are kept, by partition; `default` is for those not named",
     "thời hạn lưu theo phân vùng; `default` dành cho phân vùng không nêu tên"},
    {"sources", CONFIG_ROWS, offsetof(struct config, sources), sizeof(struct config_source),
     CONFIG_SOURCES_MAX, KEYS(source_keys), "where events come from: a list, each with a name",
     "các nguồn sự kiện: một danh sách, mỗi nguồn có tên"},
};

const struct config_table config_table = {sections, sizeof(sections) / sizeof(sections[0])};

const struct config_section *config_section_find(const struct config_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (strcmp(table->sections[i].name, name) == 0)
            return &table->sections[i];
    return NULL;
}
