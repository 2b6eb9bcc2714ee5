/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/origins_seen.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "replay/shapes.h"

struct teller {
	int (*tell)(void *context, enum origin_kind kind, struct span value);
	void *context;
	int error;
};

static void tell(struct teller *t, enum origin_kind kind, const char *value)
{
	if (value && *value && !t->error)
		t->error = t->tell(t->context, kind, span_of(value));
}

static bool is_same_folder(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* As the kernel says it, and as the shell does, who came by way of a link. */
static void tell_folder(struct teller *t, const char *cwd)
{
	char real[PATH_MAX];
	const char *shells = getenv("PWD");

	if (!cwd)
		cwd = getcwd(real, sizeof(real));
	tell(t, ORIGIN_FOLDER, cwd);
	if (cwd && shells && shells[0] == '/' && strcmp(cwd, shells) != 0 &&
		is_same_folder(cwd, shells))
		tell(t, ORIGIN_FOLDER, shells);
}

static void tell_user(struct teller *t)
{
	const struct passwd *user = getpwuid(getuid());

	tell(t, ORIGIN_HOME, getenv("HOME"));
	tell(t, ORIGIN_USER, getenv("USER"));
	tell(t, ORIGIN_USER, getenv("LOGNAME"));
	if (!user)
		return;
	tell(t, ORIGIN_USER, user->pw_name);
	if (!getenv("HOME"))
		tell(t, ORIGIN_HOME, user->pw_dir);
}

static const char *const shared_folders[] = {"/tmp", "/var/tmp", "/dev/shm", "/private/tmp"};

static bool is_shared(const char *folder)
{
	for (size_t i = 0; i < sizeof(shared_folders) / sizeof(shared_folders[0]); i++) {
		size_t n = strlen(shared_folders[i]);

		if (strncmp(folder, shared_folders[i], n) == 0 &&
			strspn(folder + n, "/") == strlen(folder + n))
			return true;
	}
	return false;
}

int origins_of_session(const char *cwd,
	int (*told)(void *context, enum origin_kind kind, struct span value), void *context)
{
	struct teller t = {.tell = told, .context = context};
	const char *temporary = getenv("TMPDIR");
	char host[HOST_NAME_MAX + 1] = "";

	tell_folder(&t, cwd);
	tell_user(&t);
	if (gethostname(host, sizeof(host) - 1) == 0)
		tell(&t, ORIGIN_HOST, host);
	if (temporary && temporary[0] == '/' && !is_shared(temporary))
		tell(&t, ORIGIN_TEMPORARY, temporary);
	return t.error;
}

/* ---- records ---- */

#define WORD_MIN   8
#define PREFIX     "tmp" /* of CPython's names, before */
#define PREFIX_MIN 8     /* letters, digits and '_' */

static bool is_cpython_name(const char *name, size_t len)
{
	size_t n = strlen(PREFIX), at = n;

	if (len < n + PREFIX_MIN || strncmp(name, PREFIX, n) != 0)
		return false;
	while (at < len && (shapes_is_word((uint8_t)name[at]) || name[at] == '_'))
		at++;
	return at - n >= PREFIX_MIN;
}

/* A run of letters and digits that nobody would think of. */
static bool has_random_word(const char *name, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		size_t digits = 0, upper = 0, start = at;

		for (; at < len && shapes_is_word((uint8_t)name[at]); at++) {
			digits += name[at] >= '0' && name[at] <= '9';
			upper += name[at] >= 'A' && name[at] <= 'Z';
		}
		if (at - start >= WORD_MIN && digits + upper > 1 && digits < at - start &&
			upper < at - start)
			return true;
	}
	return false;
}

static bool is_random_name(struct span path)
{
	const char *slash = memrchr(path.data, '/', path.len);
	const char *name = slash ? slash + 1 : (const char *)path.data;
	size_t len = path.len - (size_t)(name - (const char *)path.data);

	return is_cpython_name(name, len) || has_random_word(name, len);
}

uint64_t origins_clock_value(struct span value)
{
	uint64_t ns;

	memcpy(&ns, value.data, sizeof(ns));
	return ns;
}

bool origins_from_record(const struct rings_record *r, struct span payload,
	enum origin_kind *ret_kind, struct span *ret)
{
	*ret = payload;
	switch (r->result) {
	case WIRE_ORIGIN_DRAW:
		*ret_kind = ORIGIN_RANDOM;
		return payload.len >= WIRE_DRAW_MIN && payload.len <= WIRE_DRAW_MAX;
	case WIRE_ORIGIN_TEMPORARY:
	case WIRE_ORIGIN_CREATED:
		*ret_kind = ORIGIN_TEMPORARY;
		return payload.len > 1 && payload.len < WIRE_PATH_MAX && payload.data[0] == '/' &&
			!memchr(payload.data, '\0', payload.len) &&
			(r->result == WIRE_ORIGIN_TEMPORARY || is_random_name(payload));
	case WIRE_ORIGIN_CLOCK:
		*ret_kind = ORIGIN_CLOCK;
		return payload.len == sizeof(uint64_t);
	default:
		return false;
	}
}
