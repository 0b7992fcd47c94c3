/* Events for the benchmarks of the store, the same from every run: store_data KIND COUNT.
 *
 * web: lines of a web server's access log in the combined form; cloud: records as AWS CloudTrail
 * writes them; flow: connections with random addresses, ports, byte counts and GUIDs, which are as
 * hard to compress as logs come. One event in each has the address 203.0.113.77. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define START 1763770000u /* 2025-11-22 */
#define RARE  "203.0.113.77"

static uint64_t state = 20261122;

static uint64_t random_next(void) /* splitmix64 */
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(random_next() % n);
}

/* Few are often, many are rare: as users, pages and clients are. */
static uint32_t skewed(uint32_t n)
{
    uint32_t a = below(n), b = below(n), c = below(n);
    uint32_t least = a < b ? a : b;
    return least < c ? least : c;
}

static const char *client(uint64_t i, uint64_t rare, char text[32])
{
    uint32_t n = skewed(20000) * 2654435761u;
    (void)snprintf(text, 32, "%u.%u.%u.%u", 1 + (n >> 24) % 223, n >> 16 & 255, n >> 8 & 255,
                   n & 255);
    return i == rare ? RARE : text;
}

static const char *guid(char text[40])
{
    uint64_t a = random_next(), b = random_next();
    (void)snprintf(text, 40, "%08x-%04x-4%03x-a%03x-%012" PRIx64, (unsigned)(a >> 32),
                   (unsigned)(a & 0xffff), (unsigned)(a >> 16 & 0xfff), (unsigned)(b & 0xfff),
                   b >> 16);
    return text;
}

static const char *time_text(char text[32], const char *form, uint64_t i, uint64_t count)
{
    time_t t = (time_t)(START + i * 86400 / count);
    struct tm tm;
    (void)gmtime_r(&t, &tm);
    (void)strftime(text, 32, form, &tm);
    return text;
}

static void web(uint64_t i, uint64_t count)
{
    static const char *const agents[] = {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/129.0.0.0 Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0",
        "python-requests/2.32.3"};
    static const char *const pages[] = {
        "/",          "/thu-tuc/ho-so", "/tin-tuc", "/api/v1/tra-cuu", "/static/app.js",
        "/dang-nhap", "/van-ban/tai-ve"};
    static const int statuses[] = {200, 200, 200, 200, 304, 302, 404, 403, 500};
    char address[32], when[32];
    printf("%s - - [%s] \"%s %s?id=%u&trang=%u HTTP/1.1\" %d %u \"https://dichvu.example.vn%s\" "
           "\"%s\"\n",
           client(i, count / 3, address), time_text(when, "%d/%b/%Y:%H:%M:%S +0000", i, count),
           below(10) ? "GET" : "POST", pages[skewed(7)], skewed(500000), below(40),
           statuses[skewed(9)], 200 + skewed(60000), pages[skewed(7)], agents[skewed(5)]);
}

static void cloud(uint64_t i, uint64_t count)
{
    static const char *const calls[][2] = {{"s3", "GetObject"},          {"sts", "AssumeRole"},
                                           {"ec2", "DescribeInstances"}, {"s3", "PutObject"},
                                           {"kms", "Decrypt"},           {"iam", "ListUsers"},
                                           {"logs", "CreateLogStream"},  {"iam", "CreateAccessKey"},
                                           {"s3", "PutBucketPolicy"},    {"ec2", "RunInstances"}};
    char address[32], when[32], request[40], event[40];
    uint32_t user = skewed(400), call = skewed(10);
    printf("{\"eventVersion\":\"1.09\",\"userIdentity\":{\"type\":\"IAMUser\",\"principalId\":"
           "\"AIDA%08X\",\"arn\":\"arn:aws:iam::123456789012:user/user%u\",\"accountId\":"
           "\"123456789012\",\"userName\":\"user%u\"},\"eventTime\":\"%s\",\"eventSource\":"
           "\"%s.amazonaws.com\",\"eventName\":\"%s\",\"awsRegion\":\"ap-southeast-%u\","
           "\"sourceIPAddress\":\"%s\",\"userAgent\":\"aws-cli/2.17.%u Python/3.11.9\","
           "\"requestParameters\":{\"bucketName\":\"kho-%u\",\"key\":\"du-lieu/%u/%u.parquet\"},"
           "\"responseElements\":null,\"requestID\":\"%s\",\"eventID\":\"%s\",\"readOnly\":%s,"
           "\"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":"
           "\"123456789012\",\"eventCategory\":\"Management\"}\n",
           user * 2654435761u, user, user, time_text(when, "%Y-%m-%dT%H:%M:%SZ", i, count),
           calls[call][0], calls[call][1], 1 + below(2), client(i, count / 3, address), below(60),
           skewed(30), below(365), skewed(100000), guid(request), guid(event),
           call < 6 ? "true" : "false");
}

static void flow(uint64_t i, uint64_t count)
{
    static const char *const protocols[] = {"tcp", "udp", "icmp"};
    char id[40];
    uint32_t a = (uint32_t)random_next(), b = (uint32_t)random_next();
    char from[32];
    (void)snprintf(from, sizeof from, "%u.%u.%u.%u", 1 + a % 223, a >> 8 & 255, a >> 16 & 255,
                   a >> 24);
    printf("{\"ts\":%u.%06u,\"uid\":\"%s\",\"id.orig_h\":\"%s\",\"id.orig_p\":%u,\"id.resp_h\":"
           "\"%u.%u.%u.%u\",\"id.resp_p\":%u,\"proto\":\"%s\",\"duration\":%u.%06u,\"orig_bytes\":"
           "%u,\"resp_bytes\":%u,\"orig_pkts\":%u,\"resp_pkts\":%u,\"flow_id\":%" PRIu64 "}\n",
           (unsigned)(START + i * 86400 / count), below(1000000), guid(id),
           i == count / 3 ? RARE : from, 1024 + below(64512), 1 + b % 223, b >> 8 & 255,
           b >> 16 & 255, b >> 24, below(65536), protocols[skewed(3)], below(600), below(1000000),
           (uint32_t)random_next(), (uint32_t)random_next(), below(100000), below(100000),
           random_next());
}

int main(int argc, char **argv)
{
    uint64_t count = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
    void (*write)(uint64_t, uint64_t) = argc != 3                       ? NULL
                                        : strcmp(argv[1], "web") == 0   ? web
                                        : strcmp(argv[1], "cloud") == 0 ? cloud
                                        : strcmp(argv[1], "flow") == 0  ? flow
                                                                        : NULL;
    if (!write || count == 0) {
        fprintf(stderr, "usage: store_data web|cloud|flow COUNT\n");
        return 2;
    }
    for (uint64_t i = 0; i < count; i++)
        write(i, count);
    return 0;
}
