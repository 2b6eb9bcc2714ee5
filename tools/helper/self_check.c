/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/self_check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "replay/match.h"

#define BYTES_MAX  (64ull << 20) /* captured; more takes longer than anyone waits for */
#define TIME_MS    2000
#define ANSWER_MAX (1u << 20)

static int check(const char *path, const struct rules *rules, json_t **ret)
{
	struct match_options options = {.recorded.rules = rules};
	struct recording *recording = NULL;
	struct tape *tape = NULL;
	int r = recording_open(path, &recording);

	r = r ? r : tape_load(recording, &tape);
	options.recorded.origins = tape ? tape->origins : NULL;
	r = r ? r : match_check(tape, &options, ret);
	tape_free(tape);
	recording_close(recording);
	return r;
}

int self_check_recording(const char *path, const struct rules *rules, json_t **ret)
{
	struct rules *builtin = NULL;
	int r = rules ? 0 : rules_new(&builtin);

	r = r ? r : check(path, rules ? rules : builtin, ret);
	rules_free(builtin);
	return r;
}

/* ---- apart ---- */

/* The process of its own: leaves nothing behind but what it writes. */
static void check_and_exit(const char *path, const struct rules *rules, int fd)
{
	json_t *checked = NULL;
	char *text = NULL;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (self_check_recording(path, rules, &checked) == 0)
		text = json_dumps(checked, JSON_COMPACT);
	for (size_t at = 0, len = text ? strlen(text) : 0; at < len;) {
		ssize_t n = write(fd, text + at, len - at);

		if (n < 0)
			break;
		at += (size_t)n;
	}
	_exit(0);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* 0 at the end of it, -ETIME, or -errno. */
static int read_until(int fd, int64_t end_ms, struct buffer *out)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end_ms - now_ms();
		char bytes[4096];
		ssize_t n;
		int r = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (r == 0)
			return -ETIME;
		n = r < 0 ? r : read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		r = buffer_append(out, bytes, (size_t)n);
		if (r)
			return r;
	}
}

static json_t *skipped(const char *why)
{
	return json_pack("{s:s}", "skipped", why);
}

static json_t *take_answer(pid_t pid, int fd)
{
	struct buffer answer = BUFFER(ANSWER_MAX);
	json_t *checked = NULL;
	int r = read_until(fd, now_ms() + TIME_MS, &answer);

	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (r == 0)
		checked = json_loadb((char *)answer.data, answer.len, 0, NULL);
	buffer_free(&answer);
	return checked ? checked : skipped(r == -ETIME ? "it took too long" : "it failed");
}

json_t *self_check_apart(const char *path, uint64_t bytes_captured, const struct rules *rules)
{
	json_t *checked;
	int fds[2];
	pid_t pid;

	if (bytes_captured > BYTES_MAX)
		return skipped("it is too large");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return skipped("it failed");
	pid = fork();
	if (pid == 0)
		check_and_exit(path, rules, fds[1]);
	close(fds[1]);
	checked = pid > 0 ? take_answer(pid, fds[0]) : skipped("it failed");
	close(fds[0]);
	return checked;
}

size_t self_check_failed(const json_t *checked)
{
	return json_array_size(json_object_get(checked, "failed"));
}

size_t self_check_ambiguous(const json_t *checked)
{
	return json_array_size(json_object_get(checked, "ambiguous"));
}
