/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "storage/buffer.h"
#include "storage/provenance.h"

#define MANIFEST_NAME      "manifest.json"
#define MANIFEST_BYTES_MAX (64u << 20)

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The new file replaces the old one whole, whatever happens on the way. */
static int replace(int folder, const char *text)
{
	char temporary[64];
	int fd, r;

	snprintf(temporary, sizeof(temporary), MANIFEST_NAME ".%ld", (long)getpid());
	fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (close(fd) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(folder, temporary, folder, MANIFEST_NAME) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(folder, temporary, 0);
	return r;
}

int manifest_write(const char *folder, json_t *manifest, const char *state)
{
	char *text;
	int fd, r;

	if (json_object_set_new(manifest, "format", json_integer(MANIFEST_FORMAT)) < 0 ||
		json_object_set_new(manifest, "state", json_string(state)) < 0)
		return -ENOMEM;
	text = json_dumps(manifest, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	if (!text)
		return -ENOMEM;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : replace(fd, text);
	if (fd >= 0)
		close(fd);
	free(text);
	return r;
}

static int read_file(const char *path, struct buffer *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = 0;
	char chunk[4096];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (r == 0 && (n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n > 0)
			r = buffer_append(ret, chunk, (size_t)n);
		else if (errno != EINTR)
			r = -errno;
	}
	close(fd);
	return r;
}

json_t *manifest_read(const char *folder, int *ret_error)
{
	struct buffer text = BUFFER(MANIFEST_BYTES_MAX);
	json_t *manifest = NULL;
	char *path;
	int r;

	r = asprintf(&path, "%s/" MANIFEST_NAME, folder) < 0 ? -ENOMEM : 0;
	if (r == 0) {
		r = read_file(path, &text);
		free(path);
	}
	if (r == 0) {
		manifest = json_loadb((const char *)text.data, text.len, 0, NULL);
		if (!json_is_object(manifest)) {
			json_decref(manifest);
			manifest = NULL;
			r = -EBADMSG;
		}
	}
	buffer_free(&text);
	if (ret_error)
		*ret_error = r;
	return manifest;
}

/* The length of the UTF-8 sequence at s that JSON can hold, 0 if it is none (RFC 3629). */
static size_t utf8_length(const unsigned char *s)
{
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
		(s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

json_t *provenance_text(const char *bytes)
{
	struct buffer text = BUFFER(MANIFEST_BYTES_MAX);
	json_t *string = NULL;
	int r = 0;

	while (*bytes && r == 0) {
		size_t len = utf8_length((const unsigned char *)bytes);

		if (len)
			r = buffer_append(&text, bytes, len);
		else
			r = buffer_printf(&text, "\\x%02x", (unsigned char)*bytes);
		bytes += len ? len : 1;
	}
	if (r == 0)
		string = json_stringn(text.len ? (const char *)text.data : "", text.len);
	buffer_free(&text);
	return string;
}

static json_t *arguments(int argc, char *const argv[])
{
	json_t *array = json_array();

	for (int i = 0; i < argc; i++)
		json_array_append_new(array, provenance_text(argv[i]));
	return array;
}

static json_t *host(void)
{
	struct utsname u;

	if (uname(&u) < 0)
		return NULL;
	return json_pack(
		"{s:s, s:s, s:s}", "os", u.sysname, "release", u.release, "machine", u.machine);
}

static json_t *rfc3339(uint64_t wall_ns)
{
	time_t seconds = (time_t)(wall_ns / 1000000000);
	char date[64], text[96];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return NULL;
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%06uZ", date, (unsigned)(wall_ns % 1000000000 / 1000));
	return json_string(text);
}

/* jansson does not set a NULL: what could not be found out is left out. */
json_t *manifest_provenance(int argc, char *const argv[], const char *exe, uint64_t wall_ns)
{
	json_t *m = json_object();
	char *cwd = getcwd(NULL, 0);

	json_object_set_new(m, "created", rfc3339(wall_ns));
	json_object_set_new(m, "argv", arguments(argc, argv));
	json_object_set_new(m, "cwd", cwd ? provenance_text(cwd) : NULL);
	json_object_set_new(m, "exe", exe ? provenance_exe(exe) : NULL);
	json_object_set_new(m, "git", cwd ? provenance_git(cwd) : NULL);
	json_object_set_new(m, "host", host());
	json_object_set_new(m, "rrshim", json_string(RRSHIM_VERSION));
	free(cwd);
	return m;
}
