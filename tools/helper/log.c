/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {
#define C(name) #name,
	LOG_COMPONENTS(C)
#undef C
};

static enum log_level levels[LOG_COMPONENT_MAX];
static int log_fd = STDERR_FILENO;

static int level_of(const char *word, size_t n, enum log_level *ret)
{
	static const char *const words[] = {"off", "debug", "trace"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i]) == n && memcmp(word, words[i], n) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int open_file(const char *path, size_t n)
{
	char copy[4096];
	int fd;

	if (n >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, path, n);
	copy[n] = '\0';
	fd = open(copy, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	log_fd = fd;
	return 0;
}

/* "debug", "ring=trace" or "file=/path". */
static int apply(const char *word, size_t n)
{
	const char *equals = memchr(word, '=', n);
	size_t len = equals ? (size_t)(equals - word) : n;
	enum log_level level;

	if (equals && len == 4 && memcmp(word, "file", 4) == 0)
		return open_file(equals + 1, n - len - 1);
	if (level_of(equals ? equals + 1 : word, equals ? n - len - 1 : n, &level) < 0)
		return -EINVAL;
	for (size_t i = 0; i < LOG_COMPONENT_MAX; i++) {
		if (!equals) {
			levels[i] = level;
		} else if (strlen(names[i]) == len && memcmp(names[i], word, len) == 0) {
			levels[i] = level;
			return 0;
		}
	}
	return equals ? -EINVAL : 0;
}

int log_setup(const char *value)
{
	while (value && *value) {
		size_t n = strcspn(value, ",");
		int r = n > 0 ? apply(value, n) : 0;

		if (r < 0) {
			memset(levels, 0, sizeof(levels));
			return r;
		}
		value += n + (value[n] == ',');
	}
	return 0;
}

int log_enabled(enum log_component component, enum log_level level)
{
	return levels[component] >= level;
}

/* One write per line: lines of several helpers into one file stay whole. */
void log_line(enum log_component component, const char *format, ...)
{
	char line[1024];
	struct timespec ts;
	va_list ap;
	int n;

	clock_gettime(CLOCK_REALTIME, &ts);
	n = snprintf(line, sizeof(line), "rrshim[%d] %ld.%06ld %s: ", (int)getpid(),
		(long)ts.tv_sec, ts.tv_nsec / 1000, names[component]);
	va_start(ap, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n, format, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 1)
		n = (int)sizeof(line) - 1;
	line[n] = '\n';
	if (write(log_fd, line, (size_t)n + 1) < 0)
		return;
}
