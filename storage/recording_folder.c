/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/recording_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "storage/segment.h"

#define ID_BYTES       6
#define CREATE_RETRIES 16

/* mkdir -p, 0700. 1: made, 0: was there, -errno. */
static int make_folders(const char *folder)
{
	char *path = strdup(folder), *slash;
	int r = 0;

	if (!path)
		return -ENOMEM;
	for (slash = strchr(path + 1, '/'); slash && r >= 0; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			r = -errno;
		*slash = '/';
	}
	if (r == 0)
		r = mkdir(path, 0700) < 0 ? -errno : 1;
	free(path);
	return r == -EEXIST ? 0 : r;
}

static int make_id(char ret[static SEGMENT_ID_MAX + 1])
{
	uint8_t random[ID_BYTES];
	size_t i;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	memset(ret, 0, SEGMENT_ID_MAX + 1);
	for (i = 0; i < sizeof(random); i++)
		snprintf(ret + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int make_recording(const char *folder, uint64_t epoch, struct recording_folder *ret)
{
	int r = make_id(ret->id);

	if (r < 0)
		return r;
	if (asprintf(&ret->path, "%s/rec_%s_%" PRIu64, folder, ret->id, epoch) < 0)
		return -ENOMEM;
	if (mkdir(ret->path, 0700) == 0)
		return 0;
	r = -errno;
	free(ret->path);
	ret->path = NULL;
	return r;
}

/* File systems that cannot lock still record. */
int recording_folder_open(const char *path, int *ret_fd)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		close(fd);
		return -EBUSY;
	}
	*ret_fd = fd;
	return 0;
}

int recording_folder_create(const char *folder, uint64_t wall_ns, struct recording_folder *ret)
{
	struct recording_folder f = {.fd = -1};
	uint64_t epoch = wall_ns ? wall_ns / 1000000000 : (uint64_t)time(NULL);
	int r = make_folders(folder), retry;

	if (r < 0)
		return r;
	f.made_parent = r > 0;
	r = -EEXIST;
	for (retry = 0; r == -EEXIST && retry < CREATE_RETRIES; retry++)
		r = make_recording(folder, epoch, &f);
	if (r == 0)
		r = recording_folder_open(f.path, &f.fd);
	if (r == 0) {
		*ret = f;
		return 0;
	}
	recording_folder_remove(&f, folder);
	free(f.path);
	return r;
}

void recording_folder_remove(const struct recording_folder *f, const char *folder)
{
	char name[SEGMENT_NAME_MAX];

	segment_name(0, name);
	if (f->fd >= 0)
		unlinkat(f->fd, name, 0);
	if (f->path)
		rmdir(f->path);
	if (f->made_parent)
		rmdir(folder);
}
