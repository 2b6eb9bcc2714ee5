/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "storage/catalogue.h"
#include "storage/manifest.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"

static const struct option options[] = {
	{"json", no_argument, NULL, OPT_JSON},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* Bytes in a recording's files; its blobs are not looked into. */
static uint64_t folder_bytes(const char *path)
{
	uint64_t total = 0;
	DIR *dir = opendir(path);
	struct dirent *entry;
	struct stat st;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode))
			total += (uint64_t)st.st_size;
	}
	closedir(dir);
	return total;
}

/* A number of the manifest's totals, or null while there are none. */
static json_t *total(const json_t *manifest, const char *name)
{
	json_t *value = json_object_get(json_object_get(manifest, "totals"), name);

	return json_is_integer(value) ? json_incref(value) : json_null();
}

static json_t *entry_json(const struct catalogue_entry *entry)
{
	int error = 0;
	json_t *manifest = manifest_read(entry->path, &error);
	json_t *argv = json_object_get(manifest, "argv");
	const char *state = json_string_value(json_object_get(manifest, "state"));
	const char *created = json_string_value(json_object_get(manifest, "created"));
	json_t *parent = json_object_get(json_object_get(manifest, "parent"), "id");
	json_t *json = json_pack("{s:o, s:o, s:s, s:I, s:s?, s:o, s:o, s:o, s:o, s:o, s:I, s:O?}",
		"id", output_json_text(span_of(entry->id)), "path",
		output_json_text(span_of(entry->path)), "state", state ? state : "unreadable",
		"epoch", (json_int_t)entry->epoch, "created", created, "argv",
		json_is_array(argv) ? json_incref(argv) : json_array(), "exchanges",
		total(manifest, "exchanges"), "events", total(manifest, "events"), "duration_ns",
		total(manifest, "duration_ns"), "bytes_captured", total(manifest, "bytes_captured"),
		"bytes", (json_int_t)folder_bytes(entry->path), "parent", parent);

	json_decref(manifest);
	return json;
}

static const char *state_style(const char *state)
{
	if (strcmp(state, "complete") == 0)
		return output_style(OUTPUT_GREEN);
	return output_style(strcmp(state, "unreadable") == 0 ? OUTPUT_RED : OUTPUT_YELLOW);
}

/* The command as one line, no wider than what is left of a terminal's. */
static void print_command(const json_t *argv, size_t width)
{
	struct buffer line = BUFFER(1 << 20);
	json_t *word;
	size_t i;

	json_array_foreach(argv, i, word)(void)
		buffer_printf(&line, "%s%s", i ? " " : "", json_string_value(word) ?: "");
	output_safe((struct span){line.data, line.len}, width);
	putchar('\n');
	buffer_free(&line);
}

static void print_entry(const json_t *e)
{
	const char *state = json_string_value(json_object_get(e, "state"));
	json_t *exchanges = json_object_get(e, "exchanges"),
	       *ns = json_object_get(e, "duration_ns");
	char when[OUTPUT_TEXT_MAX], count[OUTPUT_TEXT_MAX] = "-", lasted[OUTPUT_TEXT_MAX] = "-";
	char size[OUTPUT_TEXT_MAX];
	size_t columns = output_columns();
	int used;

	if (json_is_integer(exchanges))
		snprintf(count, sizeof(count), "%" JSON_INTEGER_FORMAT,
			json_integer_value(exchanges));
	if (json_is_integer(ns))
		output_duration(lasted, (uint64_t)json_integer_value(ns));
	output_local_time(when, json_integer_value(json_object_get(e, "epoch")));
	output_bytes(size, (uint64_t)json_integer_value(json_object_get(e, "bytes")));
	used = printf("%s  %s  ", json_string_value(json_object_get(e, "id")), when);
	printf("%s%-9s%s", state_style(state), state, output_plain());
	used += 9 + printf("  %4s  %7s  %7s  ", count, lasted, size);
	if (json_is_string(json_object_get(e, "parent")))
		used += printf("child: ");
	print_command(json_object_get(e, "argv"),
		columns > (size_t)used + 9 ? columns - (size_t)used - 1
			: columns          ? 8
					   : 0);
}

static int list(const char *folder, bool as_json)
{
	struct catalogue catalogue = {0};
	json_t *all = json_array(), *entry;
	int r = catalogue_load(folder, &catalogue);
	size_t i;

	if (r < 0) {
		json_decref(all);
		return fail("ls: cannot read '%s': %s", folder, strerror(-r));
	}
	for (i = 0; i < catalogue.count; i++)
		json_array_append_new(all, entry_json(&catalogue.entries[i]));
	catalogue_free(&catalogue);
	if (as_json) {
		output_json(all);
		return 0;
	}
	json_array_foreach(all, i, entry) print_entry(entry);
	if (i == 0)
		fprintf(stderr, "no recordings in '%s'; 'rrshim record -- PROGRAM' makes one\n",
			folder);
	json_decref(all);
	return 0;
}

int verb_ls(int argc, char **argv)
{
	struct verb_common common = {0};
	int c, r;

	while ((c = getopt_long(argc, argv, "d:o:h", options, NULL)) != -1) {
		if (!verb_common_option(&common, c, argv, &r))
			return r;
	}
	if (optind < argc)
		return verb_misused("ls", "'%s' is one argument too many", argv[optind]);
	return list(pick_folder(common.folder), common.json);
}
