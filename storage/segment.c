/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 100000

void segment_name(uint32_t number, char ret[static SEGMENT_NAME_MAX])
{
	snprintf(ret, SEGMENT_NAME_MAX, "events-%03u.rrz", number);
}

static int64_t parse_name(const char *name)
{
	char canonical[SEGMENT_NAME_MAX];
	unsigned number;

	if (sscanf(name, "events-%9u.rrz", &number) != 1)
		return -1;
	segment_name(number, canonical);
	return strcmp(name, canonical) == 0 ? (int64_t)number : -1;
}

static int compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static int add(struct segments *s, size_t *capacity, uint32_t number)
{
	struct segment *list;

	if (s->count == SEGMENTS_MAX)
		return -E2BIG;
	if (s->count == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 16;
		list = reallocarray(s->list, *capacity, sizeof(*list));
		if (!list)
			return -ENOMEM;
		s->list = list;
	}
	s->list[s->count++] = (struct segment){.number = number};
	return 0;
}

static int list_segments(struct segments *s)
{
	int fd = fcntl(s->folder, F_DUPFD_CLOEXEC, 3), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t capacity = 0;

	if (!dir) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir))) {
		int64_t number = parse_name(entry->d_name);

		if (number >= 0)
			r = add(s, &capacity, (uint32_t)number);
	}
	closedir(dir);
	if (r == 0 && s->count == 0)
		r = -ENOMSG;
	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), compare);
	return r;
}

/* O_NONBLOCK: a FIFO by that name must not hold us. */
static int open_segment(struct segments *s, size_t index, struct stat *ret_st)
{
	char name[SEGMENT_NAME_MAX];
	int fd;

	segment_name(s->list[index].number, name);
	fd = openat(s->folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, ret_st) < 0 || !S_ISREG(ret_st->st_mode)) {
		close(fd);
		return -EBADMSG;
	}
	if (s->fd >= 0)
		close(s->fd);
	s->fd = fd;
	s->fd_index = index;
	return 0;
}

int segments_read(struct segments *s, size_t index, uint64_t offset, void *data, size_t len)
{
	uint64_t bytes = s->list[index].bytes;
	struct stat st;
	size_t done = 0;

	if (offset > bytes || len > bytes - offset)
		return -ENODATA;
	if (s->fd < 0 || s->fd_index != index) {
		int r = open_segment(s, index, &st);

		if (r < 0)
			return r;
	}
	while (done < len) {
		ssize_t n = pread(s->fd, (char *)data + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENODATA;
		done += (size_t)n;
	}
	return 0;
}

/* -EBADMSG: a header of another recording or another place in this one is as bad as none. */
static int adopt_header(struct segments *s, struct segment *segment, const struct segment_header *h)
{
	int r = segment_header_verify(h);

	if (r < 0)
		return r;
	if (h->segment != segment->number)
		return -EBADMSG;
	if (s->known && memcmp(s->id, h->id, SEGMENT_ID_MAX) != 0)
		return -EBADMSG;
	if (!s->known) {
		memcpy(s->id, h->id, SEGMENT_ID_MAX);
		s->wall_ns = h->wall_ns;
		s->known = true;
	}
	segment->tag = segment_tag(h->id, h->segment);
	segment->header_ok = true;
	return 0;
}

static int read_segment_header(struct segments *s, size_t index)
{
	struct segment *segment = &s->list[index];
	struct segment_header h = {0};
	struct stat st;
	size_t len;
	int r = open_segment(s, index, &st);

	if (r < 0)
		return r == -EBADMSG || r == -ENOENT ? 0 : r;
	segment->bytes = (uint64_t)st.st_size;
	len = segment->bytes < sizeof(h) ? segment->bytes : sizeof(h);
	r = segments_read(s, index, 0, &h, len);
	if (r == 0 && len == sizeof(h))
		r = adopt_header(s, segment, &h);
	else if (r == 0 && memcmp(h.magic, SEGMENT_MAGIC, len < 8 ? len : 8) == 0)
		s->cut_header = true;
	return r == -EPROTONOSUPPORT ? r : 0;
}

int segments_open(const char *path, struct segments *ret)
{
	struct segments s = {.folder = -1, .fd = -1};
	size_t i;
	int r = 0;

	s.folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s.folder < 0)
		return -errno;
	r = list_segments(&s);
	for (i = 0; i < s.count && r == 0; i++)
		r = read_segment_header(&s, i);
	if (r < 0)
		segments_close(&s);
	else
		*ret = s;
	return r;
}

void segments_close(struct segments *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->folder >= 0)
		close(s->folder);
	free(s->list);
	free(s->scratch);
	*s = (struct segments){.folder = -1, .fd = -1};
}

int64_t segments_find(const struct segments *s, uint32_t number)
{
	struct segment key = {.number = number}, *found;

	found = bsearch(&key, s->list, s->count, sizeof(key), compare);
	return found ? found - s->list : -ENOENT;
}
