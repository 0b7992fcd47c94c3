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
    {"follow", CONFIG_LIST, AT(source, follow), NULL, NULL, NULL,
     "files that `canh serve` follows as they grow: whole paths, with * and ? in the last part",
     "các tệp `canh serve` theo dõi liên tục: đường dẫn đầy đủ, có thể có * và ? ở phần cuối"},
};

static const struct config_key serve_keys[] = {
    {"user", CONFIG_NAME, AT(serve, user), "canh", NULL, NULL,
     "user of the engine when started as root; the other roles have -intake, -web ... behind it",
     "người dùng hệ thống của tiến trình chính khi chạy từ root; các vai khác thêm -intake, "
     "-web..."},
    {"one_user", CONFIG_BOOL, AT(serve, one_user), "false", NULL, NULL,
     "started as root, all roles run as `user` (a weaker separation)",
     "khi chạy từ root, mọi vai dùng chung `user` (tách quyền yếu hơn)"},
    {"drain", CONFIG_DURATION, AT(serve, drain_ns), "30s", "1s", "10min",
     "how long the roles may take to finish what they have", "thời gian chờ các vai làm xong việc"},
    {"hang", CONFIG_DURATION, AT(serve, hang_ns), "30s", "2s", "10min",
     "a role that does not answer for so long is ended and started again",
     "vai không trả lời lâu bằng này bị dừng và khởi động lại"},
    {"log_level", CONFIG_NAME, AT(serve, log_level), "info", NULL, NULL,
     "what the program says about itself: error, warning, info or debug",
     "mức nhật ký của chính chương trình: error, warning, info hoặc debug"},
    {"sandbox_required", CONFIG_BOOL, AT(serve, sandbox_required), "false", NULL, NULL,
     "do not start where a layer of the sandbox is missing",
     "không khởi động nếu thiếu một lớp cách ly"},
};

static const struct config_key web_keys[] = {
    {"listen", CONFIG_TEXT, AT(web, listen), "127.0.0.1:8480", NULL, NULL,
     "address and port of console and API; none: there is no web",
     "địa chỉ và cổng của giao diện, API; none: không mở"},
    {"tls", CONFIG_BOOL, AT(web, tls), "false", NULL, NULL, "HTTPS; must be true beyond loopback",
     "HTTPS; bắt buộc true nếu không chỉ nghe loopback"},
    {"certificate_file", CONFIG_PATH, AT(web, certificate_file), NULL, NULL, NULL,
     "certificate chain (PEM); else keys/tls.crt of the data folder",
     "chuỗi chứng thư (PEM); nếu bỏ trống: keys/tls.crt trong thư mục dữ liệu"},
    {"key_file", CONFIG_SECRET, AT(web, key_file), NULL, NULL, NULL,
     "its key (PEM); else keys/tls.key of the data folder",
     "khóa riêng (PEM); nếu bỏ trống: keys/tls.key trong thư mục dữ liệu"},
    {"connections", CONFIG_NUMBER, AT(web, connections), "200", "1", "10000",
     "connections at a time", "số kết nối đồng thời"},
    {"connections_per_address", CONFIG_NUMBER, AT(web, connections_per_address), "50", "1", "10000",
     "of them from one address", "trong đó từ một địa chỉ"},
    {"timeout", CONFIG_DURATION, AT(web, timeout_ns), "30s", "1s", "10min",
     "an idle connection is closed", "đóng kết nối không hoạt động sau thời gian này"},
    {"body_bytes", CONFIG_BYTES, AT(web, body_bytes), "32MiB", "64KiB", "64MiB",
     "the longest body of a request", "kích thước tối đa của nội dung yêu cầu"},
    {"name", CONFIG_TEXT, AT(web, name), NULL, NULL, NULL,
     "host name by which people reach it: in the certificate and in links",
     "tên máy mà người dùng truy cập: ghi trong chứng thư và liên kết"},
};

static const struct config_key rules_keys[] = {
    {"paths", CONFIG_LIST, AT(rules, paths), NULL, NULL, NULL,
     "files and folders of Sigma rules; none: those installed with the program",
     "tệp và thư mục quy tắc Sigma; bỏ trống: bộ quy tắc cài kèm chương trình"},
    {"mappings", CONFIG_PATH, AT(rules, mappings), NULL, NULL, NULL,
     "file or folder of mappings instead of the built-in ones",
     "tệp hoặc thư mục ánh xạ thay cho bộ có sẵn"},
    {"indicators", CONFIG_BOOL, AT(rules, indicators), "true", NULL, NULL,
     "look for the indicators that were imported", "đối chiếu các dấu hiệu nhận biết đã nạp"},
};

static const struct config_key listener_keys[] = {
    {"kind", CONFIG_NAME, AT(listener, kind), "http", NULL, NULL,
     "what it speaks: http (NDJSON to /api/v1/ingest)",
     "giao thức: http (NDJSON tới /api/v1/ingest)"},
    {"listen", CONFIG_TEXT, AT(listener, listen), "127.0.0.1:8490", NULL, NULL, "address and port",
     "địa chỉ và cổng"},
    {"tls", CONFIG_BOOL, AT(listener, tls), "false", NULL, NULL, "with TLS", "dùng TLS"},
    {"token", CONFIG_BOOL, AT(listener, token), "true", NULL, NULL,
     "senders need a token that may `ingest`", "bên gửi phải có mã truy cập với quyền `ingest`"},
    {"source", CONFIG_TEXT, AT(listener, source), NULL, NULL, NULL,
     "row of `sources` that its events belong to", "tên trong `sources` của các sự kiện nhận được"},
    {"connections", CONFIG_NUMBER, AT(listener, connections), "200", "1", "10000",
     "connections at a time", "số kết nối đồng thời"},
    {"connections_per_address", CONFIG_NUMBER, AT(listener, connections_per_address), "50", "1",
     "10000", "of them from one address", "trong đó từ một địa chỉ"},
    {"timeout", CONFIG_DURATION, AT(listener, timeout_ns), "60s", "1s", "10min",
     "an idle connection is closed", "đóng kết nối không hoạt động sau thời gian này"},
    {"body_bytes", CONFIG_BYTES, AT(listener, body_bytes), "16MiB", "64KiB", "64MiB",
     "the longest body of a request", "kích thước tối đa của nội dung yêu cầu"},
};

static const struct config_key channel_keys[] = {
    {"kind", CONFIG_NAME, AT(channel, kind), "webhook", NULL, NULL,
     "webhook (an HTTPS POST) or command (a program of `commands`)",
     "webhook (HTTPS POST) hoặc command (chương trình trong `commands`)"},
    {"url", CONFIG_TEXT, AT(channel, url), NULL, NULL, NULL,
     "webhook: where to; https, or http on loopback",
     "webhook: địa chỉ nhận; https, hoặc http trên loopback"},
    {"secret_file", CONFIG_SECRET, AT(channel, secret_file), NULL, NULL, NULL,
     "webhook: key that signs the body (HMAC-SHA-256, header Canh-Signature)",
     "webhook: khóa ký nội dung (HMAC-SHA-256, tiêu đề Canh-Signature)"},
    {"ca_file", CONFIG_PATH, AT(channel, ca_file), NULL, NULL, NULL,
     "webhook: authorities (PEM) to trust instead of the system's",
     "webhook: các CA tin cậy (PEM) thay cho của hệ thống"},
    {"command", CONFIG_TEXT, AT(channel, command), NULL, NULL, NULL,
     "command: row of `commands`; the message is its standard input",
     "command: tên trong `commands`; nội dung đưa vào đầu vào chuẩn"},
    {"timeout", CONFIG_DURATION, AT(channel, timeout_ns), "20s", "1s", "5min",
     "a try that takes longer has failed", "một lần gửi quá thời gian này coi như hỏng"},
};

static const struct config_key command_keys[] = {
    {"run", CONFIG_LIST, AT(command, run), NULL, NULL, NULL,
     "whole path of the program, and its arguments",
     "đường dẫn đầy đủ của chương trình và tham số"},
    {"timeout", CONFIG_DURATION, AT(command, timeout_ns), "30s", "1s", "1h",
     "it is ended when it takes longer", "dừng nếu chạy lâu hơn"},
    {"output_bytes", CONFIG_BYTES, AT(command, output_bytes), "64KiB", "0", "1MiB",
     "so much of what it prints is kept", "giữ lại bấy nhiêu kết quả in ra"},
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
    {"serve", CONFIG_ONE, offsetof(struct config, serve), sizeof(struct config_serve), 1,
     KEYS(serve_keys), "the daemon", "tiến trình canh gác"},
    {"web", CONFIG_ONE, offsetof(struct config, web), sizeof(struct config_web), 1, KEYS(web_keys),
     "console and API", "giao diện và API"},
    {"rules", CONFIG_ONE, offsetof(struct config, rules), sizeof(struct config_rules), 1,
     KEYS(rules_keys), "what events are held against", "các quy tắc đối chiếu sự kiện"},
    {"listeners", CONFIG_ROWS, offsetof(struct config, listeners), sizeof(struct config_listener),
     CONFIG_LISTENERS_MAX, KEYS(listener_keys), "where events come in: a list, each with a name",
     "các cổng nhận sự kiện: một danh sách, mỗi cổng có tên"},
    {"channels", CONFIG_ROWS, offsetof(struct config, channels), sizeof(struct config_channel),
     CONFIG_CHANNELS_MAX, KEYS(channel_keys), "where messages go out: a list, each with a name",
     "các kênh gửi tin: một danh sách, mỗi kênh có tên"},
    {"commands", CONFIG_ROWS, offsetof(struct config, commands), sizeof(struct config_command),
     CONFIG_COMMANDS_MAX, KEYS(command_keys),
     "programs that may be started for channels: a list, each with a name",
     "các chương trình được phép chạy cho kênh gửi tin: một danh sách, mỗi dòng có tên"},
};

const struct config_table config_table = {sections, sizeof(sections) / sizeof(sections[0])};

const struct config_section *config_section_find(const struct config_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (strcmp(table->sections[i].name, name) == 0)
            return &table->sections[i];
    return NULL;
}
