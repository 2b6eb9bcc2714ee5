/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrshimd: the helper of a program that was started with LD_PRELOAD=librrshim.so alone. The library
 * starts it; people do not. Answers on descriptor 3: the session's folder, or '!' and why not.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tools/helper/log.h"
#include "tools/helper/record.h"
#include "tools/helper/standby.h"

#define REPORT_FD           3
#define COMPRESSION_DEFAULT 3
#define ARGV_MAX            4096

static void answer(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void answer(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vdprintf(REPORT_FD, format, ap);
	va_end(ap);
	close(REPORT_FD);
}

static int read_link(uint32_t pid, const char *name, char *to, size_t size)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	n = readlink(path, to, size - 1);
	to[n > 0 ? n : 0] = '\0';
	return n > 0 ? 0 : -errno;
}

/* The root's command line, as far as it goes. */
static int read_argv(uint32_t pid, char *text, size_t size, char **argv)
{
	char path[64];
	FILE *f;
	size_t n;
	int argc = 0;

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	f = fopen(path, "re");
	n = f ? fread(text, 1, size - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = '\0';
	for (size_t at = 0; at < n && argc < ARGV_MAX - 1; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	argv[argc] = NULL;
	return argc;
}

/* Where the program would have found ./recordings. */
static const char *recordings(const char *cwd)
{
	static char path[8192];
	const char *named = getenv("RRSHIM_DIR");

	if (named && named[0] == '/')
		return named;
	snprintf(path, sizeof(path), "%s/%s", cwd, named && *named ? named : "recordings");
	return path;
}

static int run(uint32_t root, const char *library)
{
	static char exe[4096], cwd[4096], text[1 << 16];
	static char *argv[ARGV_MAX];
	struct record_options options = {.compression = COMPRESSION_DEFAULT};
	struct helper_options o = {.library = library, .detached = true};
	struct redactor *redactor = redactor_new();
	struct record *record;
	struct helper *helper;

	options.argc = read_argv(root, text, sizeof(text), argv);
	options.argv = argv;
	if (read_link(root, "exe", exe, sizeof(exe)) == 0)
		options.exe = exe;
	if (read_link(root, "cwd", cwd, sizeof(cwd)) == 0)
		options.cwd = cwd;
	options.folder = recordings(cwd);
	record = redactor ? record_new(&options, redactor) : NULL;
	if (!record) {
		answer("!out of memory");
		return 1;
	}
	o.mode = record_mode(record);
	o.redactor = redactor;
	if (helper_new(&o, &helper) < 0) {
		answer("!cannot record into '%s'", options.folder);
		return 1;
	}
	helper_set_root(helper, root);
	answer("%s", helper_session(helper)->folder);
	helper_run(helper);
	helper_free(helper);
	record_free(record);
	redactor_free(redactor);
	/* Programs under a listener may outlive the session; their calls pass from now on. */
	standby_keep_answering();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"root", required_argument, NULL, 'r'},
		{"library", required_argument, NULL, 'l'},
		{0},
	};
	const char *library = NULL;
	uint32_t root = 0;
	sigset_t none;
	int c;

	/* Started with every signal blocked, on behalf of a program that may ignore some. */
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(077);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			root = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'l')
			library = optarg;
	}
	if (root == 0 || !library) {
		fprintf(stderr, "rrshimd: librrshim.so starts this; see rrshim(1)\n");
		return 2;
	}
	log_setup(getenv("RRSHIM_LOG"));
	(void)standby_new(); /* its own: there is no front */
	return run(root, library);
}
