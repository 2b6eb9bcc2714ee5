/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/provenance.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Which commit a folder has checked out, by gitrepository-layout(5), without running git: a
 * recorder must not start programs of its own, and git may not be there.
 */
#define LINE_BYTES_MAX   4096
#define PACKED_BYTES_MAX (256ll << 20)
#define REF_DEPTH_MAX    5
#define BRANCH_PREFIX    "refs/heads/"

struct git {
	char *dir;    /* this work tree's: HEAD */
	char *common; /* shared by all work trees: refs, packed-refs */
};

static FILE *open_in(const char *folder, const char *name)
{
	char *path = NULL;
	struct stat st;
	FILE *f = NULL;
	int fd;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	free(path);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= PACKED_BYTES_MAX)
		f = fdopen(fd, "re");
	if (!f)
		close(fd);
	return f;
}

static void chomp(char *line)
{
	size_t len = strlen(line);

	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = 0;
}

/* The first line of a file, without its end. */
static bool read_line(const char *folder, const char *name, char ret[static LINE_BYTES_MAX])
{
	FILE *f = open_in(folder, name);
	bool got;

	if (!f)
		return false;
	got = fgets(ret, LINE_BYTES_MAX, f) != NULL;
	fclose(f);
	if (got)
		chomp(ret);
	return got;
}

static char *join(const char *folder, const char *path)
{
	char *joined;

	if (path[0] == '/')
		return strdup(path);
	return asprintf(&joined, "%s/%s", folder, path) < 0 ? NULL : joined;
}

static bool is_sha(const char *s)
{
	size_t len = strspn(s, "0123456789abcdef");

	return (len == 40 || len == 64) && s[len] == 0;
}

/* git-check-ref-format(1), as far as it keeps a name inside the refs folder. */
static bool is_safe_ref(const char *ref)
{
	return strncmp(ref, "refs/", 5) == 0 && !strstr(ref, "..");
}

static bool find_packed(const struct git *git, const char *ref, char ret[static LINE_BYTES_MAX])
{
	FILE *f = open_in(git->common, "packed-refs");
	bool found = false;
	char *space;

	if (!f)
		return false;
	while (!found && fgets(ret, LINE_BYTES_MAX, f)) {
		chomp(ret);
		space = strchr(ret, ' ');
		if (!space || strcmp(space + 1, ref) != 0)
			continue;
		*space = 0;
		found = true;
	}
	fclose(f);
	return found;
}

/* Follows "ref: …" from HEAD to a commit; *ret_branch is the first ref's branch, the caller's. */
static bool resolve(const struct git *git, char line[static LINE_BYTES_MAX], char **ret_branch)
{
	int depth;

	for (depth = 0; depth < REF_DEPTH_MAX && strncmp(line, "ref:", 4) == 0; depth++) {
		char *ref = strdup(line + 4 + strspn(line + 4, " \t"));
		bool found;

		if (!ref || !is_safe_ref(ref)) {
			free(ref);
			return false;
		}
		if (depth == 0 && strncmp(ref, BRANCH_PREFIX, strlen(BRANCH_PREFIX)) == 0)
			*ret_branch = strdup(ref + strlen(BRANCH_PREFIX));
		found = read_line(git->dir, ref, line) || read_line(git->common, ref, line) ||
			find_packed(git, ref, line);
		free(ref);
		if (!found)
			return false;
	}
	return is_sha(line);
}

/* `.git` is the folder itself, or a file that says where it is (work trees, submodules). */
static char *git_dir(const char *folder)
{
	char line[LINE_BYTES_MAX];
	char *path = join(folder, ".git");
	struct stat st;

	if (path && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return path;
	free(path);
	if (!read_line(folder, ".git", line) || strncmp(line, "gitdir:", 7) != 0)
		return NULL;
	return join(folder, line + 7 + strspn(line + 7, " \t"));
}

static bool git_open(const char *folder, struct git *ret)
{
	char line[LINE_BYTES_MAX];

	ret->dir = git_dir(folder);
	if (!ret->dir)
		return false;
	if (read_line(ret->dir, "commondir", line))
		ret->common = join(ret->dir, line);
	else
		ret->common = strdup(ret->dir);
	return ret->common && read_line(ret->dir, "HEAD", line);
}

static void git_close(struct git *git)
{
	free(git->dir);
	free(git->common);
	*git = (struct git){0};
}

static json_t *describe(const struct git *git)
{
	char line[LINE_BYTES_MAX], *branch = NULL;
	json_t *about = json_object();

	if (read_line(git->dir, "HEAD", line) && resolve(git, line, &branch))
		json_object_set_new(about, "sha", json_string(line));
	if (branch)
		json_object_set_new(about, "branch", provenance_text(branch));
	free(branch);
	return about;
}

/* The nearest repository upward is the one git itself would use, nested ones included. */
json_t *provenance_git(const char *folder)
{
	char *path = strdup(folder), *slash;
	struct git git = {0};
	json_t *about = NULL;

	while (path && !about) {
		if (git_open(*path ? path : "/", &git))
			about = describe(&git);
		git_close(&git);
		slash = strrchr(path, '/');
		if (!slash || !*path)
			break;
		*slash = 0;
	}
	free(path);
	return about;
}
