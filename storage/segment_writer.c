/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/segment_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "storage/recording.h"

void segment_writer_close(struct segment_writer *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* All of it at the end of the current file, or -errno and the file as it was. */
static int write_whole(struct segment_writer *w, const void *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(
			w->fd, (const char *)data + done, len - done, (off_t)(w->bytes + done));
		int error = n < 0 ? -errno : -EIO;

		if (error == -EINTR)
			continue;
		if (n <= 0) {
			/* If this fails too, what stays is a torn frame, which readers expect. */
			int ignored = ftruncate(w->fd, (off_t)w->bytes);

			(void)ignored;
			return error;
		}
		done += (size_t)n;
	}
	w->bytes += len;
	w->bytes_total += len;
	return 0;
}

static int write_header(struct segment_writer *w)
{
	struct segment_header h = {
		.version = RECORDING_VERSION,
		.segment = w->number,
		.wall_ns = w->wall_ns,
	};

	memcpy(h.id, w->id, sizeof(h.id));
	segment_header_seal(&h);
	return write_whole(w, &h, sizeof(h));
}

int segment_writer_start(struct segment_writer *w, uint32_t number)
{
	char name[SEGMENT_NAME_MAX];
	int r;

	segment_name(number, name);
	segment_writer_close(w);
	w->fd = openat(w->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0)
		return -errno;
	w->number = number;
	w->bytes = 0;
	r = write_header(w);
	if (r < 0)
		unlinkat(w->folder, name, 0);
	return r;
}

int segment_writer_resume(struct segment_writer *w, const struct segments *found, uint64_t end)
{
	const struct segment *last = &found->list[found->count - 1];
	char name[SEGMENT_NAME_MAX];

	for (size_t i = 0; i + 1 < found->count; i++)
		w->bytes_total += found->list[i].bytes;
	if (!last->header_ok && end) {
		w->bytes_total += last->bytes;
		return segment_writer_start(w, last->number + 1);
	}
	segment_name(last->number, name);
	if (!last->header_ok)
		return unlinkat(w->folder, name, 0) < 0 ? -errno
							: segment_writer_start(w, last->number);
	w->fd = openat(w->folder, name, O_WRONLY | O_CLOEXEC);
	w->number = last->number;
	w->bytes = end ? end : SEGMENT_HEADER_BYTES;
	w->bytes_total += w->bytes;
	if (w->fd < 0 || ftruncate(w->fd, (off_t)w->bytes) < 0)
		return -errno;
	return 0;
}

/* A file holds one frame at least, however large. */
static bool is_full(const struct segment_writer *w, size_t more)
{
	return w->bytes > SEGMENT_HEADER_BYTES && w->bytes + more > w->bytes_max;
}

int segment_writer_append(struct segment_writer *w, struct frame_header *h, uint8_t *frame)
{
	size_t len = FRAME_HEADER_BYTES + h->stored_bytes;
	int r = is_full(w, len) ? segment_writer_start(w, w->number + 1) : 0;

	if (r < 0)
		return r;
	h->tag = segment_tag(w->id, w->number);
	frame_header_seal(h, w->bytes, frame + FRAME_HEADER_BYTES);
	memcpy(frame, h, sizeof(*h));
	return write_whole(w, frame, len);
}
