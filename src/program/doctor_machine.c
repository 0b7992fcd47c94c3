/* What the machine gives: time, disk, the kernel's sandbox, limits. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/sandbox.h"
#include "program/doctor.h"

enum {
    YEAR_MIN = 2026,
    YEAR_MAX = 2100,
    ROOM_WARNING_PERCENT = 15,
    ROOM_BAD_PERCENT = 5,
    SYNC_SLOW_MS = 50,
    DESCRIPTORS_WANTED = 4096,
    RECEIVE_BUFFER_WANTED = 32 << 20,
    NUMBER_BYTES_MAX = 256
};
#define ROOM_BAD_BYTES ((uint64_t)1 << 30)

void doctor_clock(struct doctor *d)
{
    struct timex about = {0};
    struct clock_date date;
    clock_to_date(clock_now_ns(), 0, &date);
    if (date.year < YEAR_MIN || date.year > YEAR_MAX)
        doctor_say(d, DOCTOR_BAD, "clock",
                   "the year is %d: set the clock (timedatectl set-ntp true) before events come in",
                   "đồng hồ đang ở năm %d: hãy chỉnh giờ (timedatectl set-ntp true) trước khi nhận "
                   "sự kiện",
                   date.year);
    int state = adjtimex(&about);
    if (state < 0)
        doctor_say(d, DOCTOR_WARNING, "clock", "the kernel does not say whether time is in step",
                   "hệ thống không cho biết đồng hồ có được đồng bộ hay không");
    else if (state == TIME_ERROR || (about.status & STA_UNSYNC))
        doctor_say(d, DOCTOR_WARNING, "clock",
                   "the clock is not in step with a time server: install chrony or "
                   "systemd-timesyncd, or times in evidence cannot be relied on",
                   "đồng hồ chưa đồng bộ với máy chủ thời gian: hãy cài chrony hoặc "
                   "systemd-timesyncd, nếu không thời gian trong chứng cứ không đáng tin");
    else
        doctor_say(d, DOCTOR_GOOD, "clock", "in step, within %ld ms",
                   "đã đồng bộ, sai số dưới %ld ms", about.maxerror / 1000 + 1);
}

static void sync_time(struct doctor *d)
{
    char path[4200], piece[4096] = {0};
    (void)snprintf(path, sizeof path, "%s/.doctor-%ld", d->data, (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        doctor_say(d, DOCTOR_WARNING, "disk",
                   "%s cannot be written by this user (%s): run doctor as root to measure the disk",
                   "người dùng này không ghi được vào %s (%s): hãy chạy doctor bằng root để đo đĩa",
                   d->data, strerror(errno));
        return;
    }
    uint64_t start_ns = clock_monotonic_ns();
    bool good = write(fd, piece, sizeof piece) == (ssize_t)sizeof piece && fdatasync(fd) == 0;
    uint64_t ms = (clock_monotonic_ns() - start_ns) / 1000000u;
    int error = errno;
    (void)close(fd);
    (void)unlink(path);
    if (!good)
        doctor_say(d, DOCTOR_BAD, "disk", "writing to %s fails: %s", "không ghi được vào %s: %s",
                   d->data, strerror(error));
    else
        doctor_say(d, ms > SYNC_SLOW_MS ? DOCTOR_WARNING : DOCTOR_GOOD, "disk",
                   "one durable write takes %llu ms%s", "một lần ghi chắc chắn mất %llu ms%s",
                   (unsigned long long)ms,
                   ms <= SYNC_SLOW_MS ? ""
                   : d->vietnamese    ? ": đĩa chậm, nên dùng SSD"
                                      : ": the disk is slow, use an SSD");
}

void doctor_disk(struct doctor *d)
{
    struct statvfs about;
    if (statvfs(d->data, &about) != 0) {
        doctor_say(d, errno == ENOENT ? DOCTOR_WARNING : DOCTOR_BAD, "disk",
                   "%s: %s: the first `canh serve` makes the data folder",
                   "%s: %s: lần chạy `canh serve` đầu tiên sẽ tạo thư mục dữ liệu", d->data,
                   strerror(errno));
        return;
    }
    uint64_t room = (uint64_t)about.f_bavail * about.f_frsize;
    uint64_t total = (uint64_t)about.f_blocks * about.f_frsize;
    uint64_t percent = total ? room * 100 / total : 0;
    enum doctor_grade grade = percent < ROOM_BAD_PERCENT || room < ROOM_BAD_BYTES ? DOCTOR_BAD
                              : percent < ROOM_WARNING_PERCENT                    ? DOCTOR_WARNING
                                                                                  : DOCTOR_GOOD;
    const char *mend_en = ": make room, or shorten what is kept (partitions in canh.yaml)";
    const char *mend_vi = ": hãy giải phóng chỗ, hoặc giảm thời hạn lưu (partitions trong "
                          "canh.yaml)";
    doctor_say(d, grade, "disk", "%.1f GB free (%llu%%)%s", "còn trống %.1f GB (%llu%%)%s",
               (double)room / 1e9, (unsigned long long)percent,
               grade == DOCTOR_GOOD ? ""
               : d->vietnamese      ? mend_vi
                                    : mend_en);
    sync_time(d);
}

void doctor_sandbox(struct doctor *d)
{
    struct buf text = {0};
    int landlock = 0;
    unsigned layers = sandbox_offered(&landlock);
    sandbox_layers_text(layers, &text);
    if (layers == SANDBOX_LAYERS_ALL)
        doctor_say(d, DOCTOR_GOOD, "sandbox", "%s (Landlock version %d)",
                   "%s (Landlock phiên bản %d)", buf_text(&text), landlock);
    else
        doctor_say(d, DOCTOR_WARNING, "sandbox",
                   "partial: this kernel offers %s; a kernel from 6.1 on with lsm=landlock has all",
                   "không đầy đủ: nhân hệ điều hành chỉ có %s; nhân từ 6.1 có lsm=landlock thì đủ",
                   buf_text(&text));
    buf_free(&text);
}

static void receive_buffer(struct doctor *d)
{
    struct buf text = {0};
    struct err err;
    uint64_t bytes = 0;
    if (io_read_file(&text, "/proc/sys/net/core/rmem_max", NUMBER_BYTES_MAX, &err) != ERR_OK ||
        !slice_to_u64(slice_trim(buf_as_slice(&text)), &bytes))
        doctor_say(d, DOCTOR_WARNING, "network", "net.core.rmem_max cannot be read",
                   "không đọc được net.core.rmem_max");
    else if (bytes < RECEIVE_BUFFER_WANTED)
        doctor_say(d, DOCTOR_WARNING, "network",
                   "net.core.rmem_max is %llu: with `sysctl -w net.core.rmem_max=%d` bursts of UDP "
                   "logs are not lost",
                   "net.core.rmem_max là %llu: đặt `sysctl -w net.core.rmem_max=%d` để không mất "
                   "nhật ký UDP khi dồn dập",
                   (unsigned long long)bytes, RECEIVE_BUFFER_WANTED);
    else
        doctor_say(d, DOCTOR_GOOD, "network", "net.core.rmem_max is %llu",
                   "net.core.rmem_max là %llu", (unsigned long long)bytes);
    buf_free(&text);
}

void doctor_limits(struct doctor *d)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < DESCRIPTORS_WANTED)
        doctor_say(d, DOCTOR_WARNING, "limits",
                   "at most %llu open files: LimitNOFILE=%d in the systemd unit, or ulimit -n",
                   "tối đa %llu tệp mở: đặt LimitNOFILE=%d trong unit systemd, hoặc ulimit -n",
                   (unsigned long long)limit.rlim_max, DESCRIPTORS_WANTED);
    else
        doctor_say(d, DOCTOR_GOOD, "limits", "open files: enough", "số tệp mở: đủ");
    receive_buffer(d);
}
