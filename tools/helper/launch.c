/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/launch_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tools/helper/standby.h"

const int launch_signals[LAUNCH_SIGNALS] = {
	SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCONT, SIGALRM, SIGWINCH};

/* A standard descriptor that was closed would be one of ours by accident. Close-on-exec: the
 * program finds it closed again. */
static void fill_stdio(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return;
	}
}

struct front {
	int pipe, signals;
	pid_t helper, program;
	bool helper_gone, standing_by;
	uint64_t group_ns[NSIG]; /* when the helper last got that signal as well */
	struct word last;        /* WORD_ENDED once it has come */
};

/* The same signal, sent to the group, reaches both of us within this. */
#define GROUP_NS 50000000u

static void on_word(struct front *f);

/* Waits a moment for the helper's word that it got this signal, too. */
static bool was_for_the_group(struct front *f, int s)
{
	const uint64_t until = helper_now_ns() + GROUP_NS;

	while (f->group_ns[s] + 2 * GROUP_NS < helper_now_ns()) {
		struct pollfd p = {f->pipe, POLLIN, 0};
		int64_t left = (int64_t)(until - helper_now_ns());

		if (left <= 0 || f->last.what == WORD_ENDED ||
			poll(&p, 1, (int)(left / 1000000) + 1) <= 0)
			return false;
		on_word(f);
	}
	f->group_ns[s] = 0;
	return true;
}

/*
 * What was sent to us alone is meant for the program. What was sent to the process group (Ctrl-C,
 * kill -INT -PGID) it has already, and must not get twice.
 */
static void pass_on(struct front *f, const struct signalfd_siginfo *si)
{
	int s = (int)si->ssi_signo;

	if (si->ssi_code != SI_KERNEL && f->program > 0 && !was_for_the_group(f, s))
		kill(f->program, s);
}

/* The helper was killed: the program, now our child, goes on unrecorded. */
static void adopt_program(struct front *f)
{
	int status;
	pid_t pid;

	if (f->program <= 0) {
		f->last = (struct word){WORD_ENDED, LAUNCH_FAILED, -1};
		return;
	}
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == f->program)
			f->last = (struct word){WORD_ENDED, -1, status};
	}
	/* The helper had reaped it and was killed before it could say how it ended. */
	if (pid < 0 && errno == ECHILD && f->last.what != WORD_ENDED)
		f->last = (struct word){WORD_ENDED, LAUNCH_FAILED, -1};
}

static void on_signal(struct front *f)
{
	struct signalfd_siginfo si;

	if (read(f->signals, &si, sizeof(si)) != sizeof(si))
		return;
	if (si.ssi_signo != SIGCHLD)
		pass_on(f, &si);
	else if (f->helper_gone)
		adopt_program(f);
}

static void on_word(struct front *f)
{
	struct word w;
	ssize_t n = read(f->pipe, &w, sizeof(w));

	if (n == sizeof(w) && w.what == WORD_STARTED) {
		f->program = w.value;
	} else if (n == sizeof(w) && w.what == WORD_SIGNAL) {
		if (w.value > 0 && w.value < NSIG)
			f->group_ns[w.value] = helper_now_ns();
	} else if (n == sizeof(w)) {
		f->last = w;
	} else if (n == 0) {
		close(f->pipe);
		f->pipe = -1;
		f->helper_gone = true;
		waitpid(f->helper, NULL, 0);
		fprintf(stderr,
			"rrshim: the recorder was killed; the program goes on; "
			"see 'rrshim recover'\n");
		adopt_program(f);
	}
}

/* While there is a helper, listeners come to be held; without one we answer in its place. */
static bool wait_once(struct front *f)
{
	const size_t count = f->helper_gone ? standby_count() : 0;
	struct pollfd *p = calloc(3 + count, sizeof(*p));
	bool ok;

	if (!p)
		return false;
	p[0] = (struct pollfd){f->signals, POLLIN, 0};
	p[1] = (struct pollfd){f->pipe, POLLIN, 0};
	p[2] = (struct pollfd){f->helper_gone ? -1 : standby_fd(), POLLIN, 0};
	for (size_t i = 0; i < count; i++)
		p[3 + i] = (struct pollfd){standby_listener(i), POLLIN, 0};
	ok = poll(p, 3 + count, -1) >= 0 || errno == EINTR;
	if (p[2].revents)
		standby_receive();
	if (p[1].revents)
		on_word(f);
	if (f->helper_gone)
		f->standing_by = standby_answer();
	if (f->last.what != WORD_ENDED && (p[0].revents & POLLIN))
		on_signal(f);
	free(p);
	return ok;
}

static void wait_for_end(struct front *f)
{
	while (f->last.what != WORD_ENDED && wait_once(f))
		;
}

/* What the program left behind must not wait for us, nor we for it. */
static void leave_a_standby(void)
{
	int null;

	fflush(NULL);
	if (fork() != 0)
		return;
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	standby_keep_answering();
	_exit(0);
}

/* As the program ended, so do we: a shell must not tell the difference. */
static int end_like(int status)
{
	struct rlimit no_core = {0, 0};
	sigset_t one;
	int s;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	s = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(s, SIG_DFL);
	sigemptyset(&one);
	sigaddset(&one, s);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	kill(getpid(), s);
	return 128 + s;
}

static int stand_in_front(pid_t helper, int pipe, const sigset_t *mask, bool *ret_started)
{
	struct front f = {.pipe = pipe, .helper = helper};

	f.signals = signalfd(-1, mask, SFD_CLOEXEC);
	if (f.signals < 0)
		return LAUNCH_FAILED;
	wait_for_end(&f);
	if (f.standing_by && standby_answer())
		leave_a_standby();
	if (getpid() == 1 && !f.helper_gone)
		waitpid(helper, NULL, 0); /* our end is the end of everything here */
	*ret_started = f.program > 0;
	if (f.last.what != WORD_ENDED)
		return LAUNCH_FAILED;
	return f.last.value >= 0 ? f.last.value : end_like(f.last.status);
}

/* Without a helper there is nothing left to do but to be the program. */
int launch_alone(const struct launch *l)
{
	int error;

	fprintf(stderr, "rrshim: '%s' runs unrecorded\n", l->argv[0]);
	execvp(l->argv[0], l->argv);
	error = errno;
	fprintf(stderr, "rrshim: cannot run '%s': %s\n", l->argv[0], strerror(error));
	return error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTED;
}

int launch_run(const struct launch *l)
{
	struct origin origin;
	bool started = false;
	int pipe[2], r;
	sigset_t mask;
	pid_t helper;

	fill_stdio();
	launch_note_origin(&origin);
	if (pipe2(pipe, O_CLOEXEC) < 0) {
		fprintf(stderr, "rrshim: %s\n", strerror(errno));
		return LAUNCH_FAILED;
	}
	if (standby_new() < 0)
		fprintf(stderr, "rrshim: %s\n", strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (size_t i = 0; i < LAUNCH_SIGNALS; i++)
		sigaddset(&mask, launch_signals[i]);
	fflush(NULL);
	helper = fork();
	if (helper == 0) {
		close(pipe[0]);
		standby_be_helper();
		r = launch_keep(l, pipe[1], &origin);
		_exit(r); /* the front's atexit handlers are the front's */
	}
	close(pipe[1]);
	standby_be_front();
	if (helper < 0) {
		fprintf(stderr, "rrshim: cannot start the helper: %s\n", strerror(errno));
		return LAUNCH_FAILED;
	}
	sigprocmask(SIG_BLOCK, &mask, NULL);
	r = stand_in_front(helper, pipe[0], &mask, &started);
	close(pipe[0]);
	if (r != LAUNCH_FAILED || started || !l->fails_open)
		return r;
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	return launch_alone(l);
}
