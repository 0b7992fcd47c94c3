/* EVTX: any file comes to its end, with XML that our reader takes or refuses. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/evtx.h"
#include "formats/winevent.h"

enum { RECORDS = 100000 };

/* libevtx itself loses a few hundred bytes for some damaged records; our own leaks still fail. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libevtx.so";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evtx *e;
    struct buf xml = {0};
    struct record r = {0};
    uint64_t number;
    struct err err = {0};
    int fd = memfd_create("evtx", MFD_CLOEXEC);
    if (fd < 0 || io_write_all(fd, data, size, NULL) != ERR_OK)
        return 0;
    if (evtx_open(&e, fd, &err) == ERR_OK) {
        int rc = ERR_OK;
        for (int i = 0; i < RECORDS && (rc = evtx_next(e, &xml, &number, &err)) != ERR_END; i++) {
            if (rc == ERR_OK)
                (void)!winevent_evtx_parse(&r, buf_as_slice(&xml), NULL, NULL);
            record_reset(&r);
            buf_clear(&xml);
        }
        evtx_close(&e);
    }
    (void)close(fd);
    buf_free(&xml);
    record_free(&r);
    return 0;
}
