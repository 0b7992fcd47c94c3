#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/bytes.h"
#include "store/journal.h"

enum { PAGE_BYTES = 4096, VERSION = 1, READS_MAX = 10000 };
static const char magic[] = "CANHDURA";

struct page { /* as it stands in the file */
    char magic[8];
    uint32_t version, zero;
    uint64_t counter; /* odd while being changed */
    uint64_t file, offset, last_sequence, process;
};

struct durable {
    struct page *page;
};

static int page_map(struct durable *d, const char *path, bool write, struct err *err)
{
    int rc = ERR_OK;
    int fd = open(path, (write ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "There is no %s.", path)
                               : err_set_errno(err, errno, "%s cannot be opened", path);
    struct stat st;
    if (fstat(fd, &st) != 0 ||
        (write && st.st_size < PAGE_BYTES && ftruncate(fd, PAGE_BYTES) != 0)) {
        rc = err_set_errno(err, errno, "%s cannot be made", path);
    } else if (!write && st.st_size < PAGE_BYTES) {
        rc = err_set(err, ERR_NOT_FOUND, "%s is not whole yet.", path);
    } else {
        void *page =
            mmap(NULL, PAGE_BYTES, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
            rc = err_set_errno(err, errno, "%s cannot be mapped", path);
        else
            d->page = page;
    }
    (void)close(fd);
    return rc;
}

int durable_open(struct durable **out, struct disk *disk, bool write, struct err *err)
{
    *out = NULL;
    if (!disk_is_real(disk))
        return ERR_OK;
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/journal/durable", disk_folder(disk));
    if (len < 0 || (size_t)len >= sizeof path)
        return err_set(err, ERR_LIMIT, "The path of the store is too long: choose a shorter one.");
    struct durable *d = mem_zeroed(1, sizeof(*d));
    int rc = page_map(d, path, write, err);
    if (rc)
        durable_close(&d);
    *out = d;
    return rc;
}

void durable_close(struct durable **durable)
{
    struct durable *d = *durable;
    if (!d)
        return;
    if (d->page)
        (void)munmap(d->page, PAGE_BYTES);
    mem_free(d);
    *durable = NULL;
}

void durable_publish(struct durable *d, struct journal_place place, uint64_t last_sequence)
{
    if (!d)
        return;
    struct page *p = d->page;
    uint64_t counter = le64toh(p->counter) | 1; /* odd already: a writer before was killed here */
    __atomic_store_n(&p->counter, htole64(counter), __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy(p->magic, magic, sizeof p->magic);
    p->version = htole32(VERSION);
    __atomic_store_n(&p->file, htole64(place.file), __ATOMIC_RELAXED);
    __atomic_store_n(&p->offset, htole64(place.offset), __ATOMIC_RELAXED);
    __atomic_store_n(&p->last_sequence, htole64(last_sequence), __ATOMIC_RELAXED);
    __atomic_store_n(&p->process, htole64((uint64_t)getpid()), __ATOMIC_RELAXED);
    __atomic_store_n(&p->counter, htole64(counter + 1), __ATOMIC_RELEASE);
}

bool durable_read(const struct durable *d, struct journal_place *place, uint64_t *last_sequence)
{
    if (!d || memcmp(d->page->magic, magic, sizeof d->page->magic) != 0 ||
        le32toh(d->page->version) != VERSION)
        return false;
    const struct page *p = d->page;
    for (int i = 0; i < READS_MAX; i++) {
        uint64_t before = __atomic_load_n(&p->counter, __ATOMIC_ACQUIRE);
        uint64_t file = __atomic_load_n(&p->file, __ATOMIC_RELAXED);
        uint64_t offset = __atomic_load_n(&p->offset, __ATOMIC_RELAXED);
        uint64_t last = __atomic_load_n(&p->last_sequence, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (le64toh(before) & 1 || before != __atomic_load_n(&p->counter, __ATOMIC_RELAXED))
            continue;
        *place = (struct journal_place){le64toh(file), le64toh(offset)};
        *last_sequence = le64toh(last);
        return true;
    }
    return false;
}
