/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/registrations.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include "shim/fdtab.h"
#include "shim/redirect.h"

/*
 * Safety: system calls, on descriptors that live for one function. /proc/thread-self, not
 * /proc/self: a thread may have a descriptor table of its own, and the first thread may be gone.
 */

#define FD_FOLDER   "/proc/thread-self/fd/"
#define INFO_FOLDER "/proc/thread-self/fdinfo/"
#define TASK_FOLDER "/proc/self/task/"

/* ---- reading /proc ---- */

struct entry64 {
	uint64_t inode;
	int64_t offset;
	unsigned short len;
	unsigned char type;
	char name[];
};

static int number_of(const char *name)
{
	int n = 0;

	if (*name < '0' || *name > '9')
		return -1;
	for (; *name >= '0' && *name <= '9'; name++)
		n = n * 10 + (*name - '0');
	return n;
}

/* Calls `f` for each numeric name in the folder until it says false. */
static bool each_number(
	const char *folder, bool (*f)(void *context, int folder_fd, int n), void *context)
{
	_Alignas(8) char buf[2048];
	long fd = sys_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
	bool go_on = fd >= 0;

	while (go_on && (n = sys(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; go_on && at < n;) {
			const struct entry64 *e = (const struct entry64 *)(buf + at);
			int number = number_of(e->name);

			at += e->len;
			if (number >= 0 && number != fd)
				go_on = f(context, (int)fd, number);
		}
	}
	if (fd >= 0)
		sys_close(fd);
	return go_on && n == 0;
}

static void append_number(char *to, const char *before, int n, const char *after)
{
	char digits[12];
	size_t at = strlen(before);
	int count = 0;

	memcpy(to, before, at);
	do {
		digits[count++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (count > 0)
		to[at++] = digits[--count];
	strcpy(to + at, after);
}

/* Skips blanks and "0x", then the number in that base; the position after it. */
static const char *parse(const char *s, uint64_t base, uint64_t *ret)
{
	uint64_t v = 0;

	while (*s == ' ')
		s++;
	if (s[0] == '0' && s[1] == 'x')
		s += 2;
	for (;; s++) {
		uint64_t digit = *s >= '0' && *s <= '9' ? (uint64_t)(*s - '0')
			: *s >= 'a' && *s <= 'f'        ? (uint64_t)(*s - 'a' + 10)
							: base;

		if (digit >= base)
			break;
		v = v * base + digit;
	}
	*ret = v;
	return s;
}

/* The number after `key` in the line. */
static bool field(const char *line, const char *key, uint64_t base, uint64_t *ret)
{
	const char *at = strstr(line, key);

	if (!at)
		return false;
	parse(at + strlen(key), base, ret);
	return true;
}

/* ---- one epoll instance ---- */

struct search {
	struct registrations *list;
	uint64_t inode;
	int fd;
};

/* "tfd: 5 events: 19 data: 5 pos:0 ino:1a2b sdev:8"; the number alone could be another file's. */
static bool take_line(struct search *s, int epoll, const char *line)
{
	struct registrations *list = s->list;
	uint64_t tfd, events, data, inode;

	if (!field(line, "tfd:", 10, &tfd) || !field(line, "events:", 16, &events) ||
		!field(line, "data:", 16, &data) || !field(line, "ino:", 16, &inode) ||
		inode != s->inode)
		return true;
	if (list->count == REGISTRATIONS_MAX)
		return false;
	list->entries[list->count++] = (struct registration){
		.epoll = epoll, .fd = (int)tfd, .events = (uint32_t)events, .data = data};
	return true;
}

static bool take_lines(struct search *s, int epoll, char *text, size_t *len)
{
	char *line = text, *end;

	while ((end = memchr(line, '\n', *len - (size_t)(line - text)))) {
		*end = '\0';
		if (!take_line(s, epoll, line))
			return false;
		line = end + 1;
	}
	*len -= (size_t)(line - text);
	memmove(text, line, *len);
	return true;
}

static bool read_epoll(struct search *s, int epoll)
{
	char path[sizeof(INFO_FOLDER) + 12], text[2048];
	bool ok = true;
	size_t len = 0;
	long fd, n;

	append_number(path, INFO_FOLDER, epoll, "");
	fd = sys_open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while (ok && len < sizeof(text) &&
		(n = sys(SYS_read, fd, text + len, sizeof(text) - len)) > 0) {
		len += (size_t)n;
		ok = take_lines(s, epoll, text, &len);
	}
	sys_close(fd);
	return ok && len == 0;
}

/* ---- all descriptors ---- */

static bool take_duplicate(struct search *s, int fd)
{
	struct registrations *list = s->list;

	if (list->fd_count == REGISTRATIONS_FDS)
		return false;
	list->fds[list->fd_count++] = fd;
	return true;
}

static bool is_epoll(int folder, int fd)
{
	static const char epoll[] = "anon_inode:[eventpoll]";
	char name[12], link[64];
	long n;

	append_number(name, "", fd, "");
	n = sys(SYS_readlinkat, folder, name, link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = '\0';
	return strcmp(link, epoll) == 0;
}

static bool look_at(void *context, int folder, int fd)
{
	struct search *s = context;
	struct stat st;

	/* Another connection, by the table: most of what a busy server has open. */
	if (fdtab_class(fdtab_get(fd)) > FD_SKIP &&
		fdtab_cookie(fdtab_get(fd)) != fdtab_cookie(fdtab_get(s->fd)))
		return true;
	if (sys(SYS_fstat, fd, &st) < 0)
		return true;
	/* A name is ten times as dear as a kind: only what may be an epoll instance is asked. */
	switch (st.st_mode & S_IFMT) {
	case S_IFSOCK:
		return st.st_ino != s->inode || take_duplicate(s, fd);
	case S_IFCHR:
	case S_IFIFO:
	case S_IFDIR:
	case S_IFBLK:
		return true;
	default:
		return !is_epoll(folder, fd) || read_epoll(s, fd);
	}
}

/* ---- threads that wait ---- */

#define POLLED_MAX 64

static bool polls(const struct registrations *list, uint64_t fds, uint64_t count)
{
	struct pollfd p;

	for (uint64_t i = 0; i < count && i < POLLED_MAX; i++) {
		if (!redirect_read(&p, (const struct pollfd *)(uintptr_t)fds + i, sizeof(p)))
			return false;
		for (size_t k = 0; k < list->fd_count; k++) {
			if (p.fd == list->fds[k])
				return true;
		}
	}
	return false;
}

/* The three sets of a select(), each as many bits as its first argument says. */
static bool selects(const struct registrations *list, const uint64_t sets[3], uint64_t count)
{
	uint64_t word;

	for (size_t k = 0; k < list->fd_count; k++) {
		uint64_t fd = (uint64_t)list->fds[k];

		for (int i = 0; fd < count && i < 3; i++) {
			const uint64_t *at = (const uint64_t *)(uintptr_t)sets[i] + fd / 64;

			if (sets[i] && redirect_read(&word, at, sizeof(word)) &&
				(word >> fd % 64 & 1))
				return true;
		}
	}
	return false;
}

static bool receives(const struct registrations *list, uint64_t fd)
{
	for (size_t k = 0; k < list->fd_count; k++) {
		if (fd == (uint64_t)list->fds[k])
			return true;
	}
	return false;
}

static bool waits(const struct registrations *list, uint64_t nr, const uint64_t arguments[4])
{
	uint64_t a = arguments[0], b = arguments[1];

	switch (nr) {
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
		return receives(list, a);
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
		return polls(list, a, b);
#ifdef SYS_select
	case SYS_select:
#endif
	case SYS_pselect6:
		return selects(list, arguments + 1, a);
	default:
		return false;
	}
}

/* "7 0x7ffd… 0x1 …": the call a thread is blocked in and its arguments; "running" otherwise. */
static bool leaves_alone(void *context, int folder, int tid)
{
	struct registrations *list = context;
	char path[24], text[256];
	const char *at = text;
	uint64_t nr, arguments[4];
	long fd, n;

	append_number(path, "", tid, "/syscall");
	fd = sys(SYS_openat, folder, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return true;
	n = sys(SYS_read, fd, text, sizeof(text) - 1);
	sys_close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (number_of(text) < 0)
		return true;
	at = parse(at, 10, &nr);
	for (int i = 0; i < 4; i++)
		at = parse(at, 16, &arguments[i]);
	return !waits(list, nr, arguments);
}

bool registrations_find(struct registrations *list, int fd)
{
	struct search s = {.list = list, .fd = fd};
	struct stat st;

	list->fd_count = list->count = 0;
	if (sys(SYS_fstat, fd, &st) < 0)
		return false;
	s.inode = st.st_ino;
	return each_number(FD_FOLDER, look_at, &s) && list->fd_count > 0 &&
		each_number(TASK_FOLDER, leaves_alone, list);
}

static long control(const struct registration *r, int what)
{
	struct epoll_event event = {.events = r->events, .data.u64 = r->data};

	return sys(SYS_epoll_ctl, r->epoll, what, r->fd, &event);
}

/* Two numbers of one epoll instance list the same registrations: it is removed by the first. */
void registrations_remove(struct registrations *list)
{
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].removed = control(&list->entries[i], EPOLL_CTL_DEL) == 0;
}

void registrations_restore(struct registrations *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].removed)
			control(&list->entries[i], EPOLL_CTL_ADD);
	}
}
