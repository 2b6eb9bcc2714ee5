/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/launch_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tools/helper/log.h"

/* The helper's process: it starts the program, and stays while anything of the session does. */

void launch_note_origin(struct origin *o)
{
	for (size_t i = 0; i < LAUNCH_SIGNALS; i++)
		sigaction(launch_signals[i], NULL, &o->passed_on[i]);
	sigaction(SIGPIPE, NULL, &o->pipe);
	sigaction(SIGXFSZ, NULL, &o->file_size);
	sigprocmask(SIG_SETMASK, NULL, &o->mask);
}

static void restore_origin(const struct origin *o)
{
	for (size_t i = 0; i < LAUNCH_SIGNALS; i++)
		sigaction(launch_signals[i], &o->passed_on[i], NULL);
	sigaction(SIGPIPE, &o->pipe, NULL);
	sigaction(SIGXFSZ, &o->file_size, NULL);
	sigprocmask(SIG_SETMASK, &o->mask, NULL);
}

struct keeper {
	const struct launch *launch;
	struct helper *helper;
	struct event *child, *signals[LAUNCH_SIGNALS];
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
	for (size_t i = 0; i < LAUNCH_SIGNALS; i++) {
		k->signals[i] = evsignal_new(base, launch_signals[i], on_group_signal, k);
		event_add(k->signals[i], NULL);
	}
}

static void unwatch_signals(struct keeper *k)
{
	event_free(k->child);
	for (size_t i = 0; i < LAUNCH_SIGNALS; i++)
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

int launch_keep(const struct launch *l, int pipe, const struct origin *origin)
{
	struct keeper k = {.launch = l, .pipe = pipe};
	uint32_t image = l->kind;
	uint64_t started_ns;
	int error;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file size limit is the recording's end, not ours */
	for (size_t i = 0; i < LAUNCH_SIGNALS; i++)
		signal(launch_signals[i], SIG_IGN);
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
