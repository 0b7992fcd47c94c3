/* EVTX io: libevtx reads by a descriptor and not by a name, so that a process that may open nothing
 * can read what it was given. Private to evtx.c. Threads: one a handle. */
#pragma once
#include <libbfio.h>
#include <stdbool.h>

/* fd is borrowed until libbfio_handle_free. False: no memory. */
bool evtx_io_open(libbfio_handle_t **out, int fd);
