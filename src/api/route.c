#include "api/route.h"

/* By path, a listing's pattern last: a route's own name goes before a listing of that name. */
const struct route route_table[] = {
    {METHOD_GET, "/", 0, ROUTE_OPEN, page_first, "The first page", "Trang đầu"},
    {METHOD_GET, "/page.css", 0, ROUTE_OPEN, page_style, "Style of the first page",
     "Định dạng của trang đầu"},
    {METHOD_GET, "/health", 0, ROUTE_OPEN, health_show, "Whether the node works",
     "Hệ thống có hoạt động không"},
    {METHOD_GET, "/metrics", RIGHT_READ, ROUTE_LOOPBACK | ROUTE_EVERYWHERE, metrics_show,
     "Figures for Prometheus", "Số liệu cho Prometheus"},
    {METHOD_POST, "/api/v1/session", 0, ROUTE_OPEN, session_begin, "Sign in", "Đăng nhập"},
    {METHOD_GET, "/api/v1/session", 0, ROUTE_SCOPED, session_show, "Who is signed in",
     "Người đang đăng nhập"},
    {METHOD_DELETE, "/api/v1/session", RIGHT_SELF, 0, session_end, "Sign out", "Đăng xuất"},
    {METHOD_GET, "/api/v1/commands", 0, 0, commands_list, "Commands that the caller may run",
     "Các lệnh người gọi được chạy"},
    {METHOD_POST, "/api/v1/commands", 0, ROUTE_OPTIONAL | ROUTE_SCOPED, commands_run,
     "Run a command", "Chạy một lệnh"},
    {METHOD_GET, "/api/v1/status", RIGHT_READ, ROUTE_SCOPED, status_show, "State of the node",
     "Tình trạng hệ thống"},
    {METHOD_POST, "/api/v1/search", RIGHT_SEARCH, ROUTE_SCOPED, search_events,
     "Search in stored events", "Tìm trong sự kiện đã lưu"},
    {METHOD_POST, "/api/v1/export", RIGHT_SEARCH, ROUTE_SCOPED, search_export,
     "Whole stored events", "Trích xuất sự kiện đã lưu"},
    {METHOD_POST, "/api/v1/hunt", RIGHT_SEARCH, ROUTE_SCOPED, search_hunt,
     "Stored events through the rules and indicators of the node",
     "Rà soát sự kiện đã lưu theo quy tắc và dấu hiệu của hệ thống"},
    {METHOD_GET, "/api/v1/{listing}", 0, ROUTE_LISTING | ROUTE_SCOPED, read_listing,
     "Rows of a listing", "Các dòng của một danh sách"},
};
const uint32_t route_count = sizeof route_table / sizeof *route_table;

static bool route_fits(const struct route *route, const struct listing_table *listings,
                       struct slice path, const struct listing **listing)
{
    struct slice own = slice_from(route->path);
    *listing = NULL;
    if (!(route->flags & ROUTE_LISTING))
        return slice_equal(own, path);
    size_t stem = slice_find_char(own, '{');
    if (!slice_starts(path, slice_part(own, 0, stem)))
        return false;
    *listing = listing_find(listings, slice_part(path, stem, path.len));
    return *listing;
}

const struct route *route_find(const struct listing_table *listings, enum request_method method,
                               struct slice path, const struct listing **listing, unsigned *methods)
{
    *methods = 0;
    for (uint32_t i = 0; i < route_count; i++) {
        if (!route_fits(&route_table[i], listings, path, listing))
            continue;
        if (route_table[i].method == method)
            return &route_table[i];
        *methods |= route_table[i].method;
    }
    return NULL;
}
