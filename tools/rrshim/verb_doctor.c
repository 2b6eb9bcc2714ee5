/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tools/helper/launch.h"
#include "tools/helper/listener.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"
#include "tools/rrshim/program.h"
#include "tools/rrshim/tls_kind.h"

#define LOW_DISK_BYTES 1000000000u /* below it a recording may not fit */

static const struct option options[] = {
	{"dir", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* Findings, and whether any is bad. */
struct findings {
	json_t *list;
	bool bad;
};

static void add(struct findings *f, const char *what, bool good, const char *text)
{
	json_array_append_new(
		f->list, json_pack("{s:s, s:b, s:s}", "check", what, "ok", good, "finding", text));
	f->bad |= !good;
}

/* ---- this machine ---- */

static void check_library(struct findings *f)
{
	char path[4096];

	if (session_find_library(path, sizeof(path)) == 0)
		add(f, "library", true, path);
	else
		add(f, "library", false,
			"librrshim.so is not beside rrshim: build or install again");
}

static void check_session(struct findings *f)
{
	struct session s;
	char library[4096] = "/", text[512];
	int r;

	session_find_library(library, sizeof(library));
	r = session_create(&s, WIRE_RECORD, library);
	if (r < 0) {
		snprintf(text, sizeof(text),
			"no session folder can be made in /dev/shm or /tmp: %s", strerror(-r));
		add(f, "session", false, text);
		return;
	}
	snprintf(text, sizeof(text), "sessions live in %.*s",
		(int)(strrchr(s.folder, '/') - s.folder), s.folder);
	add(f, "session", true, text);
	session_close(&s, 1);
}

/* What programs that no preload reaches take. Its absence harms only those. */
static void check_seccomp(struct findings *f)
{
	struct seccomp_notif_sizes sizes;
	char path[4096];

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		add(f, "seccomp", false,
			"this kernel has no user notification: static programs run unrecorded");
	else if (listeners_find_trampoline(path, sizeof(path)) < 0)
		add(f, "seccomp", false,
			"rrshim-trampoline is missing: static programs run unrecorded");
	else
		add(f, "seccomp", true, "static programs can be redirected");
}

/* The folder itself, or the one it would be made in. */
static void check_recordings(struct findings *f, const char *folder)
{
	char text[4400], size[OUTPUT_TEXT_MAX], parent[4096];
	struct statvfs v;

	snprintf(parent, sizeof(parent), "%s", folder);
	while (access(parent, F_OK) < 0 && strrchr(parent, '/'))
		*strrchr(parent, '/') = '\0';
	if (access(parent, F_OK) < 0)
		strcpy(parent, ".");
	if (access(parent, W_OK | X_OK) < 0) {
		snprintf(text, sizeof(text), "'%s' cannot be written: %s", parent, strerror(errno));
		add(f, "recordings", false, text);
		return;
	}
	if (statvfs(parent, &v) < 0)
		return;
	output_bytes(size, (uint64_t)v.f_bavail * v.f_frsize);
	snprintf(text, sizeof(text), "%s, %s free", folder, size);
	add(f, "recordings", (uint64_t)v.f_bavail * v.f_frsize >= LOW_DISK_BYTES, text);
}

/* ---- the program ---- */

static void check_program(struct findings *f, const char *name)
{
	char path[4096], text[8300];
	enum image_kind kind = program_find(name, path, sizeof(path));
	bool traced;

	if (!path[0] || access(path, X_OK) < 0) {
		snprintf(text, sizeof(text), "'%s' is not to be found, or not executable", name);
		add(f, "program", false, text);
		return;
	}
	traced = !image_untraceable(kind) || image_listenable(kind);
	snprintf(text, sizeof(text), "'%s' %s%s", path,
		!traced                          ? "cannot be traced: "
			: image_listenable(kind) ? "is traced by a seccomp listener: "
						 : "can be traced",
		image_untraceable(kind) ? image_reason(kind) : "");
	add(f, "program", traced, text);
	if (traced)
		add(f, "tls", true, tls_kind_of(path));
}

static void print(const struct findings *f)
{
	json_t *x;
	size_t i;

	json_array_foreach(f->list, i, x) printf("%s%-4s%s %-10s %s\n",
		output_style(json_is_true(json_object_get(x, "ok")) ? OUTPUT_GREEN : OUTPUT_RED),
		json_is_true(json_object_get(x, "ok")) ? "ok" : "bad", output_plain(),
		json_string_value(json_object_get(x, "check")),
		json_string_value(json_object_get(x, "finding")));
}

int verb_doctor(int argc, char **argv)
{
	struct findings f = {.list = json_array()};
	const char *folder = NULL;
	bool json = false;
	int c;

	while ((c = getopt_long(argc, argv, "+o:d:jh", options, NULL)) != -1) {
		switch (c) {
		case 'o':
		case 'd':
			folder = optarg;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			json_decref(f.list);
			return verb_help("doctor");
		default:
			json_decref(f.list);
			return verb_bad_option("doctor", argv);
		}
	}
	check_library(&f);
	check_session(&f);
	check_seccomp(&f);
	check_recordings(&f, pick_folder(folder));
	if (optind < argc)
		check_program(&f, argv[optind]);
	if (json) {
		output_json(json_pack("{s:b, s:o}", "ok", !f.bad, "checks", f.list));
	} else {
		print(&f);
		json_decref(f.list);
	}
	return f.bad;
}
