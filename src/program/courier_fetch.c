#include "program/courier_fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "program/courier_url.h"

enum { CONNECT_MS = 10000 };
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

struct fetching {
    char url[FETCH_URL_BYTES_MAX + 1];
    const struct courier_fetching *what;
    uint64_t until_ns;
    int fd;
    size_t bytes;
    int rc; /* of writing, of the limit */
    struct err err;
};

static size_t body_take(char *data, size_t size, size_t count, void *context)
{
    struct fetching *f = context;
    size_t len = size * count;
    if (len > FETCH_BYTES_MAX - f->bytes)
        f->rc = err_set(&f->err, ERR_LIMIT, "it has more than %zu MB, the limit of a file",
                        FETCH_BYTES_MAX >> 20);
    else
        f->rc = io_write_all(f->fd, data, len, &f->err);
    f->bytes += len;
    return f->rc ? 0 : len;
}

static int progress(void *context, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                    curl_off_t up)
{
    const struct fetching *f = context;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return atomic_load(f->what->ended);
}

static bool url_take(struct fetching *f, struct slice url)
{
    if (url.len > FETCH_URL_BYTES_MAX)
        return false;
    memcpy(f->url, url.data, url.len);
    f->url[url.len] = '\0';
    return true;
}

static void curl_set(CURL *curl, struct fetching *f, char *why)
{
    uint64_t now_ns = clock_monotonic_ns();
    uint64_t left_ms = f->until_ns > now_ns ? (f->until_ns - now_ns) / 1000000u + 1 : 1;
    (void)curl_easy_setopt(curl, CURLOPT_URL, f->url);
    (void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
    (void)curl_easy_setopt(curl, CURLOPT_USERAGENT, "canh");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, f);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    (void)curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
    (void)curl_easy_setopt(curl, CURLOPT_XFERINFODATA, f);
    if (f->what->ca_file.len)
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, f->what->ca_file.data);
}

/* Where a redirect leads is in f->url then. */
static int redirect_take(struct fetching *f, CURL *curl, struct err *err)
{
    const char *to = NULL;
    bool was_secure = slice_starts(slice_from(f->url), SLICE("https://"));
    (void)curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &to);
    if (!to || !url_take(f, slice_from(to)))
        return err_set(err, ERR_IO, "it leads to an address that is none");
    if (was_secure && !slice_starts(slice_from(f->url), SLICE("https://")))
        return err_set(err, ERR_USAGE, "it leads from https to %.200s, which is not https", f->url);
    f->bytes = 0;
    if (lseek(f->fd, 0, SEEK_SET) != 0 || ftruncate(f->fd, 0) != 0)
        return err_set_errno(err, errno, "memory of the file");
    return ERR_OK;
}

/* *again: it leads elsewhere. */
static int step(struct fetching *f, bool *again, struct err *err)
{
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    *again = false;
    int rc = courier_url_check(slice_from(f->url), err);
    if (rc)
        return rc;
    CURL *curl = curl_easy_init();
    check(curl);
    curl_set(curl, f, why);
    CURLcode code = curl_easy_perform(curl);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (f->rc) {
        *err = f->err;
        rc = f->rc;
    } else if (code != CURLE_OK) {
        rc = err_set(err, ERR_IO, "%s", why[0] ? why : curl_easy_strerror(code));
    } else if (status / 100 == 3) {
        rc = redirect_take(f, curl, err);
        *again = rc == ERR_OK;
    } else if (status != 200) {
        rc = err_set(err, ERR_IO, "the server answers HTTP %ld", status);
    } else if (f->bytes == 0) {
        rc = err_set(err, ERR_IO, "the server answers with nothing");
    }
    curl_easy_cleanup(curl);
    return rc;
}

static int steps(struct fetching *f, struct err *err)
{
    for (int i = 0; i <= FETCH_REDIRECTS_MAX; i++) {
        bool again;
        int rc = step(f, &again, err);
        if (rc || !again)
            return rc;
    }
    return err_set(err, ERR_LIMIT, "it leads on more than %d times", FETCH_REDIRECTS_MAX);
}

int courier_fetch(const struct courier_fetching *what, int *fd, struct err *err)
{
    struct slice url = what->url;
    struct fetching f = {.what = what,
                         .until_ns =
                             clock_monotonic_ns() + (uint64_t)FETCH_SECONDS_MAX * CLOCK_SECOND_NS};
    if (!url_take(&f, url))
        return err_set(err, ERR_USAGE, "the address has more than %d bytes", FETCH_URL_BYTES_MAX);
    f.fd = memfd_create("canh-fetched", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (f.fd < 0)
        return err_set_errno(err, errno, "cannot make memory for what is fetched");
    int rc = steps(&f, err);
    if (rc == ERR_OK && (lseek(f.fd, 0, SEEK_SET) != 0 || fcntl(f.fd, F_ADD_SEALS, SEALS) != 0))
        rc = err_set_errno(err, errno, "cannot seal what was fetched");
    if (rc) {
        (void)close(f.fd);
        return err_prefix(err, "%.*s", (int)(url.len < 300 ? url.len : 300), url.data);
    }
    *fd = f.fd;
    return ERR_OK;
}
