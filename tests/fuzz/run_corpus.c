/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * Runs a fuzz target over the files and folders of files given as arguments: its corpus is a
 * regression test for builds without a fuzzer.
 */
#define INPUT_BYTES_MAX (64l << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned run_file(const char *path, const struct stat *st)
{
	FILE *f = st->st_size <= INPUT_BYTES_MAX ? fopen(path, "re") : NULL;
	uint8_t *data = malloc(st->st_size ? (size_t)st->st_size : 1);
	unsigned ran = 0;

	if (f && data) {
		size_t len = fread(data, 1, (size_t)st->st_size, f);

		LLVMFuzzerTestOneInput(data, len);
		ran = 1;
	}
	if (f)
		fclose(f);
	free(data);
	return ran;
}

static unsigned run_path(const char *path)
{
	struct dirent *entry;
	unsigned ran = 0;
	struct stat st;
	char *name;
	DIR *dir;

	if (stat(path, &st) < 0)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return S_ISREG(st.st_mode) ? run_file(path, &st) : 0;
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || asprintf(&name, "%s/%s", path, entry->d_name) < 0)
			continue;
		ran += run_path(name);
		free(name);
	}
	if (dir)
		closedir(dir);
	return ran;
}

int main(int argc, char **argv)
{
	unsigned ran = 0;

	for (int i = 1; i < argc; i++)
		ran += run_path(argv[i]);
	printf("%u inputs\n", ran);
	return 0;
}
