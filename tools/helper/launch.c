/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/launch.h"

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
#include "tools/helper/log.h"
#include "tools/helper/standby.h"

/* From the helper to the front, whole messages over a pipe. */
struct word {
	int32_t what; /* WORD_* */
	int32_t value;
	int32_t status;
};

/* WORD_SIGNAL: the helper got a signal too, so it was sent to the whole process group. */
enum { WORD_STARTED = 1, WORD_ENDED, WORD_SIGNAL };

/* What a terminal or a person sends to end or nudge a program. */
static const int passed_on[] = {
	SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGCONT, SIGALRM, SIGWINCH};

#define PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

/* How rrshim was started, which is how the program is to start. */
struct origin {
	struct sigaction passed_on[PASSED_ON], pipe, file_size;
	sigset_t mask;
};

static void note_origin(struct origin *o)
{
	for (size_t i = 0; i < PASSED_ON; i++)
		sigaction(passed_on[i], NULL, &o->passed_on[i]);
	sigaction(SIGPIPE, NULL, &o->pipe);
	sigaction(SIGXFSZ, NULL, &o->file_size);
	sigprocmask(SIG_SETMASK, NULL, &o->mask);
}

static void restore_origin(const struct origin *o)
{
	for (size_t i = 0; i < PASSED_ON; i++)
		sigaction(passed_on[i], &o->passed_on[i], NULL);
	sigaction(SIGPIPE, &o->pipe, NULL);
	sigaction(SIGXFSZ, &o->file_size, NULL);
	sigprocmask(SIG_SETMASK, &o->mask, NULL);
}

/* A standard descriptor that was closed would be one of ours by accident. Close-on-exec: the
 * program finds it closed again. */
static void fill_stdio(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return;
	}
}

/* ---- the helper's process ---- */

struct keeper {
	const struct launch *launch;
	struct helper *helper;
	struct event *child, *signals[PASSED_ON];
	int pipe;
	pid_t program;
};

static pid_t running_program; /* for launch_kill() */

static void tell(const struct keeper *k, int what, int value, int status)
{
	const struct word w = {what, value, status};

	/* A front that was killed needs no telling. */
	if (write(k->pipe, &w, sizeof(w)) < 0)
		log_debug(session, "the front is gone: %s", strerror(errno));
}

static void reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		helper_child_ended(k->helper, (uint32_t)pid, status);
	if (pid < 0 && errno == ECHILD)
		helper_no_children(k->helper);
}

static void on_child(evutil_socket_t fd, short what, void *arg)
{
	reap(arg);
}

static void on_group_signal(evutil_socket_t s, short what, void *arg)
{
	tell(arg, WORD_SIGNAL, (int)s, 0);
}

static void watch_signals(struct keeper *k)
{
	struct event_base *base = helper_base(k->helper);

	k->child = evsignal_new(base, SIGCHLD, on_child, k);
	event_add(k->child, NULL);
	for (size_t i = 0; i < PASSED_ON; i++) {
		k->signals[i] = evsignal_new(base, passed_on[i], on_group_signal, k);
		event_add(k->signals[i], NULL);
	}
}

static void unwatch_signals(struct keeper *k)
{
	event_free(k->child);
	for (size_t i = 0; i < PASSED_ON; i++)
		event_free(k->signals[i]);
}

static void on_root_ended(void *context, int status, size_t alive)
{
	struct keeper *k = context;
	int value = k->launch->ended(k->launch->context, status, alive);

	tell(k, WORD_ENDED, value, status);
	/* Whoever waits for the end of our output must not wait for the session's daemons. */
	if (alive > 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		close(null);
	}
}

/* Handlers do not survive the exec, but the program must not start with one of ours pending. */
static void default_signals(void)
{
	for (int n = 1; n < NSIG; n++) {
		struct sigaction now;

		if (sigaction(n, NULL, &now) == 0 && now.sa_handler != SIG_IGN &&
			now.sa_handler != SIG_DFL)
			signal(n, SIG_DFL);
	}
}

static bool by_trampoline(const struct launch *l, const struct session *s)
{
	return image_listenable(l->kind) && l->exe[0] && s->arena->trampoline[0];
}

/* "rrshim-trampoline CONTROL IMAGE ARGV…"; returns where that fails. */
static void exec_trampoline(const struct launch *l, const struct session *s)
{
	char control[PATH_MAX + sizeof(WIRE_CONTROL)];
	size_t n = 0;
	char **argv;

	while (l->argv[n])
		n++;
	argv = calloc(n + 4, sizeof(*argv));
	if (!argv)
		return;
	snprintf(control, sizeof(control), "%s/" WIRE_CONTROL, s->folder);
	argv[0] = s->arena->trampoline;
	argv[1] = control;
	argv[2] = (char *)l->exe;
	memcpy(argv + 3, l->argv, n * sizeof(*argv));
	execv(argv[0], argv);
	free(argv);
}

/* The program's side of the fork: everything as the front found it, and the preload. */
static void become_program(
	const struct keeper *k, const struct session *s, int report, const struct origin *origin)
{
	char entry[3 * PATH_MAX];
	const char *user = getenv("LD_PRELOAD");
	int error;

	default_signals();
	restore_origin(origin);
	/* A loader that cannot take the library would not start the program with it. */
	if (!image_refuses_preload(k->launch->kind)) {
		snprintf(entry, sizeof(entry), "%s/" WIRE_LIBRARY "%s%s", s->folder,
			user && *user ? ":" : "", user ? user : "");
		setenv("LD_PRELOAD", entry, 1);
	}
	if (by_trampoline(k->launch, s))
		exec_trampoline(k->launch, s);
	else
		execvp(k->launch->argv[0], k->launch->argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(LAUNCH_FAILED);
	_exit(error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTED);
}

/* 0, or the errno of the exec that failed. */
static int start_program(struct keeper *k, const struct origin *origin)
{
	int report[2], error = 0;

	if (pipe2(report, O_CLOEXEC) < 0)
		return errno;
	fflush(NULL);
	k->program = fork();
	if (k->program == 0)
		become_program(k, helper_session(k->helper), report[1], origin);
	close(report[1]);
	if (k->program < 0)
		error = errno;
	else if (read(report[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(report[0]);
	return error;
}

static void release_stdio(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (null > 2)
		close(null);
}

/* In replay every connection of the program is one of ours too. After the fork: the program's own
 * limit is the user's. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Ends a session whose program could not be started. */
static int not_started(struct keeper *k, int error)
{
	int value = error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_NOT_EXECUTED;

	fprintf(stderr, "rrshim: cannot run '%s': %s\n", k->launch->argv[0], strerror(error));
	waitpid(k->program, NULL, 0);
	helper_no_children(k->helper);
	tell(k, WORD_ENDED, value, -1);
	return value;
}

static int keep(const struct launch *l, int pipe, const struct origin *origin)
{
	struct keeper k = {.launch = l, .pipe = pipe};
	uint32_t image = l->kind;
	uint64_t started_ns;
	int error;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is the recording's end, not ours */
	for (size_t i = 0; i < PASSED_ON; i++)
		signal(passed_on[i], SIG_IGN);
	k.helper = l->make(l->context);
	if (!k.helper) {
		tell(&k, WORD_ENDED, LAUNCH_FAILED, -1);
		return LAUNCH_FAILED;
	}
	watch_signals(&k);
	helper_on_root_ended(k.helper, on_root_ended, &k);
	started_ns = helper_now_ns();
	error = start_program(&k, origin);
	running_program = k.program;
	if (by_trampoline(l, helper_session(k.helper)))
		image |= WIRE_EXEC_TRAMPOLINE;
	if (!error)
		helper_expect(k.helper, (uint32_t)k.program, image, l->exe, l->argv, started_ns);
	helper_set_root(k.helper, (uint32_t)k.program);
	if (error) {
		not_started(&k, error);
	} else {
		tell(&k, WORD_STARTED, k.program, 0);
		raise_descriptor_limit();
		release_stdio();
		reap(&k);
		helper_run(k.helper);
	}
	unwatch_signals(&k);
	helper_free(k.helper);
	return 0;
}

void launch_kill(void)
{
	if (running_program > 0)
		kill(running_program, SIGTERM);
}

/* ---- the front ---- */

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
	note_origin(&origin);
	if (pipe2(pipe, O_CLOEXEC) < 0) {
		fprintf(stderr, "rrshim: %s\n", strerror(errno));
		return LAUNCH_FAILED;
	}
	if (standby_new() < 0)
		fprintf(stderr, "rrshim: %s\n", strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (size_t i = 0; i < PASSED_ON; i++)
		sigaddset(&mask, passed_on[i]);
	fflush(NULL);
	helper = fork();
	if (helper == 0) {
		close(pipe[0]);
		standby_be_helper();
		r = keep(l, pipe[1], &origin);
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
