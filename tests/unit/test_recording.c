/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/recording.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "storage/frame.h"
#include "tests/unit/sample_events.h"

/* ---- folders and files ---- */

static char root[64];

static void setup(void)
{
	strcpy(root, "/tmp/test_recording.XXXXXX");
	cr_assert_not_null(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void teardown(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(recording, .init = setup, .fini = teardown);

static char *segment_path(const char *path, unsigned number)
{
	static char name[256];

	snprintf(name, sizeof(name), "%s/events-%03u.rrz", path, number);
	return name;
}

static struct buffer read_whole(const char *path)
{
	struct buffer b = BUFFER(1 << 30);
	FILE *f = fopen(path, "re");
	struct stat st;

	cr_assert_not_null(f, "%s", path);
	fstat(fileno(f), &st);
	buffer_reserve(&b, (size_t)st.st_size);
	b.len = fread(b.data, 1, (size_t)st.st_size, f);
	fclose(f);
	return b;
}

static void write_file(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f, "%s", path);
	cr_assert_eq(fwrite(data, 1, len, f), len);
	fclose(f);
}

static void flip(const char *path, long offset)
{
	FILE *f = fopen(path, "r+e");
	int c;

	fseek(f, offset, SEEK_SET);
	c = fgetc(f);
	fseek(f, offset, SEEK_SET);
	fputc(c ^ 0x20, f);
	fclose(f);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static unsigned count_names(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	unsigned count = 0;

	while (dir && (e = readdir(dir)))
		count += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* ---- a stream of events that says at each place what must come next ---- */

#define BYTES_MAX (64 << 10)

static uint8_t noise[BYTES_MAX * 2];

static uint32_t mix(uint64_t n)
{
	n = (n + 1) * 0x9e3779b97f4a7c15ull;
	n ^= n >> 29;
	n *= 0xbf58476d1ce4e5b9ull;
	return (uint32_t)(n >> 32);
}

static void make_noise(void)
{
	for (size_t i = 0; i < sizeof(noise) && noise[0] == 0; i++)
		noise[sizeof(noise) - 1 - i] = i % 3 ? (uint8_t)mix(i) | 1 : 'a';
}

/* Event n of the test stream, n from 1: event 0 is EVENT_START. */
static struct trace_event stream_event(uint64_t n, size_t data_max)
{
	struct trace_event e = sample_event(n % 3 ? EVENT_DATA : 2 + n % (EVENT_TYPE_MAX - 2));

	make_noise();
	e.time_ns = n * 1000;
	e.channel = n;
	if (e.type == EVENT_DATA)
		e.data.bytes = (struct span){noise + mix(n) % BYTES_MAX, mix(n + 7) % data_max};
	return e;
}

#define STREAM_ERROR (-1000)

/* Events that can be read, all checked against the stream; in order, gaps allowed if `gaps`. */
static int64_t check_stream(struct recording *r, size_t data_max, bool gaps)
{
	uint64_t next = 0;
	int64_t count = 0;
	struct trace_event e;
	int got;

	while ((got = recording_next(r, &e, NULL)) > 0) {
		if (e.seq < next || (!gaps && e.seq != next))
			return STREAM_ERROR;
		if (e.seq > 0) {
			struct trace_event want = stream_event(e.seq, data_max);

			if (!same_event(&e, &want))
				return STREAM_ERROR - 1;
		} else if (e.type != EVENT_START) {
			return STREAM_ERROR - 2;
		}
		next = e.seq + 1;
		count++;
	}
	return got < 0 ? got : count;
}

static void append_stream(struct recording_writer *w, uint64_t from, uint64_t to, size_t data_max,
	unsigned flush_every)
{
	for (uint64_t n = from; n < to; n++) {
		struct trace_event e = stream_event(n, data_max);

		cr_assert_eq(recording_append(w, &e), 0);
		if (flush_every && n % flush_every == 0)
			cr_assert_eq(recording_flush(w), 0);
	}
}

static const struct recording_options plain = {.compression = 1, .wall_ns = 1790000000000000001ull};

/* Writes a recording of events 1..events-1 after the START; the caller frees the path. */
static char *make_recording(const struct recording_options *options, uint64_t events,
	size_t data_max, unsigned flush_every)
{
	struct recording_writer *w;
	char *path;

	cr_assert_eq(recording_writer_create(root, options, &w), 0);
	path = strdup(recording_writer_path(w));
	append_stream(w, 1, events, data_max, flush_every);
	cr_assert_eq(recording_writer_close(w), 0);
	return path;
}

static int64_t open_and_check(
	const char *path, size_t data_max, bool gaps, enum recording_health *ret_health)
{
	struct recording *r;
	int64_t count = recording_open(path, &r);

	if (count < 0)
		return count;
	count = check_stream(r, data_max, gaps);
	*ret_health = recording_health(r, NULL);
	recording_close(r);
	return count;
}

/* ---- tests ---- */

Test(recording, what_is_written_is_read_in_order)
{
	static const int levels[] = {RECORDING_RAW, 1, 3, -5};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct recording_options options = plain;
		struct recording_totals totals;
		enum recording_health health;
		struct recording *r;
		char *path;

		options.compression = levels[i];
		path = make_recording(&options, 500, BYTES_MAX, 0);
		cr_assert_eq(open_and_check(path, BYTES_MAX, false, &health), 500);
		cr_assert_eq(health, RECORDING_WHOLE);
		cr_assert_eq(recording_open(path, &r), 0);
		recording_totals(r, &totals);
		cr_assert_eq(totals.events, 500);
		cr_assert_eq((off_t)totals.bytes_stored, size_of(segment_path(path, 0)));
		cr_assert_eq(recording_wall_ns(r), plain.wall_ns);
		cr_assert_eq(strlen(recording_id(r)), 12);
		cr_assert_not_null(strstr(path, recording_id(r)));
		recording_close(r);
		free(path);
	}
}

Test(recording, a_new_one_says_when_and_who)
{
	struct recording_writer *w;
	struct recording *r;
	struct trace_event e;

	cr_assert_eq(recording_writer_create(root, &plain, &w), 0);
	/* Readable at once: a program killed before the first full frame still has its recording.
	 */
	cr_assert_eq(recording_open(recording_writer_path(w), &r), 0);
	cr_assert_eq(recording_next(r, &e, NULL), 1);
	cr_assert_eq(e.type, EVENT_START);
	cr_assert_eq(e.start.wall_ns, plain.wall_ns);
	cr_assert(span_equal(e.start.id, span_of(recording_writer_id(w))));
	cr_assert_eq(recording_next(r, &e, NULL), 0);
	recording_close(r);
	cr_assert_eq(recording_writer_close(w), 0);
}

Test(recording, folders_and_files_are_private)
{
	char folder[128];
	struct recording_writer *w;
	struct stat st;

	snprintf(folder, sizeof(folder), "%s/state/recordings", root);
	umask(0);
	cr_assert_eq(recording_writer_create(folder, &plain, &w), 0);
	stat(folder, &st);
	cr_assert_eq(st.st_mode & 07777, 0700);
	stat(recording_writer_path(w), &st);
	cr_assert_eq(st.st_mode & 07777, 0700);
	stat(segment_path(recording_writer_path(w), 0), &st);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_not_null(strstr(recording_writer_path(w), "_1790000000"));
	recording_writer_close(w);
}

Test(recording, creation_that_fails_leaves_nothing)
{
	struct rlimit limit = {10, RLIM_INFINITY};
	char folder[128];
	struct recording_writer *w;

	write_file(segment_path(root, 7), "x", 1);
	cr_assert_eq(recording_writer_create(segment_path(root, 7), &plain, &w), -ENOTDIR);
	snprintf(folder, sizeof(folder), "%s/recordings", root);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_eq(recording_writer_create(folder, &plain, &w), -EFBIG);
	cr_assert_eq(access(folder, F_OK), -1);
	mkdir(folder, 0700);
	cr_assert_eq(recording_writer_create(folder, &plain, &w), -EFBIG);
	cr_assert_eq(access(folder, F_OK), 0, "a folder that was there stays");
	cr_assert_eq(count_names(folder), 0);
}

Test(recording, ids_differ)
{
	char *a = make_recording(&plain, 1, 1, 0), *b = make_recording(&plain, 1, 1, 0);

	cr_assert_str_neq(a, b);
	free(a);
	free(b);
}

Test(recording, cut_at_every_byte_it_opens_up_to_the_last_whole_frame)
{
	char *path = make_recording(&plain, 12, 60, 3);
	char *file = strdup(segment_path(path, 0));
	struct buffer whole = read_whole(file);
	enum recording_health health;
	int64_t count, last = 0;

	for (size_t len = 0; len <= whole.len; len++) {
		write_file(file, whole.data, len);
		count = open_and_check(path, 60, false, &health);
		cr_assert_geq(count, last, "cut at %zu: %ld", len, (long)count);
		cr_assert(
			health == RECORDING_CUT || (count > last || len == 64 || len == whole.len),
			"cut at %zu", len);
		last = count;
	}
	cr_assert_eq(last, 12);
	cr_assert_eq(health, RECORDING_WHOLE);
	buffer_free(&whole);
	free(file);
	free(path);
}

Test(recording, a_bigger_one_cut_anywhere)
{
	struct recording_options options = plain;
	char *path, *file;
	struct buffer whole;
	enum recording_health health;

	options.compression = RECORDING_RAW;
	path = make_recording(&options, 300, 20000, 0);
	file = strdup(segment_path(path, 0));
	whole = read_whole(file);
	cr_assert_gt(whole.len, 1 << 20);
	/* Backwards, so that each cut is a mere ftruncate. */
	for (int i = 999; i >= 0; i--) {
		size_t len = whole.len / 1000 * (size_t)i + mix((uint64_t)i) % (whole.len / 1000);

		cr_assert_eq(truncate(file, (off_t)len), 0);
		cr_assert_geq(open_and_check(path, 20000, false, &health), 0, "cut at %zu", len);
		cr_assert_neq(health, RECORDING_DAMAGED);
	}
	buffer_free(&whole);
	free(file);
	free(path);
}

Test(recording, no_flipped_byte_delivers_a_wrong_event)
{
	static const int levels[] = {RECORDING_RAW, 1};

	for (size_t i = 0; i < 2; i++) {
		struct recording_options options = plain;
		enum recording_health health;
		char *path, *file;
		off_t size;

		options.compression = levels[i];
		path = make_recording(&options, 16, 100, 3);
		file = strdup(segment_path(path, 0));
		size = size_of(file);
		for (long at = 0; at < size; at++) {
			int64_t count;

			flip(file, at);
			count = open_and_check(path, 100, true, &health);
			/* A frame is three events; the first holds only START, the last is short.
			 */
			cr_assert_geq(count, 13, "byte %ld: %ld", at, (long)count);
			if (at < 64)
				cr_assert_eq(count, 16, "frames outlive their file header");
			cr_assert_eq(health, RECORDING_DAMAGED, "byte %ld", at);
			flip(file, at);
		}
		cr_assert_eq(open_and_check(path, 100, false, &health), 16);
		cr_assert_eq(health, RECORDING_WHOLE);
		free(file);
		free(path);
	}
}

Test(recording, lost_frames_are_counted_once)
{
	char *path = make_recording(&plain, 40, 100, 10);
	uint64_t lost;
	struct recording *r;
	struct trace_event e;

	/* In the payload of the last frame: its header is good, so only reading finds out. */
	flip(segment_path(path, 0), (long)size_of(segment_path(path, 0)) - 5);
	cr_assert_eq(recording_open(path, &r), 0);
	for (int i = 0; i < 3; i++) {
		while (recording_next(r, &e, NULL) > 0)
			;
		recording_rewind(r);
	}
	cr_assert_eq(recording_health(r, &lost), RECORDING_DAMAGED);
	cr_assert_eq(lost, 1);
	recording_close(r);
	free(path);
}

Test(recording, garbage_in_the_middle_is_stepped_over)
{
	char *path = make_recording(&plain, 100, 1000, 10);
	char *file = strdup(segment_path(path, 0));
	struct buffer whole = read_whole(file), junk = BUFFER(1 << 20);
	enum recording_health health;
	int64_t count;

	/* Bytes put in, most of them frame magics: nothing after them is where it says it is. */
	buffer_append(&junk, whole.data, whole.len / 2);
	for (int i = 0; i < 50000; i++)
		buffer_append(&junk, "RRZFRRZ", 7);
	buffer_append(&junk, whole.data + whole.len / 2, whole.len / 2);
	write_file(file, junk.data, junk.len);
	count = open_and_check(path, 1000, true, &health);
	cr_assert_geq(count, 1);
	cr_assert_lt(count, 100);
	cr_assert_eq(health, RECORDING_DAMAGED);

	/* Bytes overwritten, as a bad block does: only they are lost. */
	memset(whole.data + whole.len / 2, 0xa5, 2000);
	write_file(file, whole.data, whole.len);
	count = open_and_check(path, 1000, true, &health);
	cr_assert_geq(count, 70);
	cr_assert_lt(count, 100);
	cr_assert_eq(health, RECORDING_DAMAGED);
	buffer_free(&junk);
	buffer_free(&whole);
	free(file);
	free(path);
}

Test(recording, zeroes_at_the_end_are_a_cut)
{
	char *path = make_recording(&plain, 50, 1000, 10);
	enum recording_health health;

	truncate(segment_path(path, 0), size_of(segment_path(path, 0)) + 300000);
	cr_assert_eq(open_and_check(path, 1000, false, &health), 50);
	cr_assert_eq(health, RECORDING_CUT);
	free(path);
}

/* What a program that reads its own recording aloud leaves in a raw frame. */
Test(recording, a_recording_inside_a_recording_is_data)
{
	struct recording_options options = plain;
	struct recording_writer *w;
	char *inner, *outer;
	struct buffer bytes;
	struct recording *r;
	struct trace_event e = {.type = EVENT_DATA};
	uint64_t lost;
	unsigned seen = 0;

	options.compression = RECORDING_RAW;
	inner = make_recording(&options, 20, 100, 4);
	bytes = read_whole(segment_path(inner, 0));
	cr_assert_eq(recording_writer_create(root, &options, &w), 0);
	outer = strdup(recording_writer_path(w));
	e.data.bytes = (struct span){bytes.data, bytes.len};
	for (int i = 0; i < 3; i++) {
		recording_append(w, &e);
		recording_flush(w);
	}
	recording_writer_close(w);
	/* Where a frame's header is hit, the search for the next walks through its payload. */
	for (long at = 64; at < size_of(segment_path(outer, 0)); at++) {
		flip(segment_path(outer, 0), at);
		cr_assert_eq(recording_open(outer, &r), 0);
		while (recording_next(r, &e, NULL) > 0) {
			seen++;
			if (e.type == EVENT_DATA)
				cr_assert(span_equal(
					e.data.bytes, (struct span){bytes.data, bytes.len}));
			else
				cr_assert_eq(e.type, EVENT_START);
		}
		cr_assert_eq(recording_health(r, &lost), RECORDING_DAMAGED);
		recording_close(r);
		flip(segment_path(outer, 0), at);
	}
	cr_assert_gt(seen, 0);
	buffer_free(&bytes);
	free(inner);
	free(outer);
}

Test(recording, rotates_by_size)
{
	struct recording_options options = plain;
	enum recording_health health;
	unsigned segments;
	char *path, *third;

	options.compression = RECORDING_RAW;
	options.segment_bytes_max = 1 << 20;
	path = make_recording(&options, 400, BYTES_MAX, 0);
	segments = count_names(path);
	cr_assert_gt(segments, 5);
	for (unsigned i = 0; i < segments; i++)
		cr_assert_leq(size_of(segment_path(path, i)), 1 << 20);
	cr_assert_eq(open_and_check(path, BYTES_MAX, false, &health), 400);
	cr_assert_eq(health, RECORDING_WHOLE);

	/* Each file stands alone: one that is gone takes only its own events along. */
	unlink(segment_path(path, 2));
	cr_assert_lt(open_and_check(path, BYTES_MAX, true, &health), 400);
	cr_assert_eq(health, RECORDING_DAMAGED);
	/* One under another's name is not believed. */
	third = strdup(segment_path(path, 2));
	rename(segment_path(path, 3), third);
	cr_assert_gt(open_and_check(path, BYTES_MAX, true, &health), 0);
	cr_assert_eq(health, RECORDING_DAMAGED);
	free(third);
	free(path);
}

Test(recording, a_segment_smaller_than_a_frame_holds_one_frame)
{
	struct recording_options options = plain;
	enum recording_health health;
	char *path;

	options.segment_bytes_max = 1;
	path = make_recording(&options, 20, 100, 2);
	cr_assert_eq(count_names(path), 11);
	cr_assert_eq(open_and_check(path, 100, false, &health), 20);
	free(path);
}

static void reopen_and_append(const char *path, uint64_t from, uint64_t to, size_t data_max)
{
	struct recording_totals totals;
	struct recording_writer *w;

	cr_assert_eq(recording_writer_reopen(path, &plain, &w), 0);
	recording_writer_totals(w, &totals);
	cr_assert_eq(totals.events, from);
	append_stream(w, from, to, data_max, 0);
	cr_assert_eq(recording_writer_close(w), 0);
}

Test(recording, reopen_goes_on_after_the_last_whole_frame)
{
	char *path = make_recording(&plain, 12, 60, 3);
	char *file = strdup(segment_path(path, 0));
	struct buffer whole = read_whole(file);
	enum recording_health health;

	for (size_t len = 64; len <= whole.len; len += 7) {
		int64_t count;

		write_file(file, whole.data, len);
		count = open_and_check(path, 60, false, &health);
		if (count == 0)
			continue;
		reopen_and_append(path, (uint64_t)count, 15, 60);
		cr_assert_eq(open_and_check(path, 60, false, &health), 15, "cut at %zu", len);
		cr_assert_eq(health, RECORDING_WHOLE, "cut at %zu", len);
	}
	buffer_free(&whole);
	free(file);
	free(path);
}

Test(recording, reopen_does_not_trust_a_header_without_its_payload)
{
	char *path = make_recording(&plain, 12, 60, 3);
	char *file = strdup(segment_path(path, 0));
	enum recording_health health;

	flip(file, (long)size_of(file) - 1);
	reopen_and_append(path, 10, 14, 60);
	cr_assert_eq(open_and_check(path, 60, false, &health), 14);
	cr_assert_eq(health, RECORDING_WHOLE);
	free(file);
	free(path);
}

Test(recording, reopen_after_a_crash_at_rotation)
{
	char *path = make_recording(&plain, 12, 60, 3);
	char *next = strdup(segment_path(path, 1));
	struct buffer whole = read_whole(segment_path(path, 0));
	enum recording_health health;

	/* The next file was made, but its header is not all there. */
	write_file(next, whole.data, 20);
	cr_assert_eq(open_and_check(path, 60, false, &health), 12);
	cr_assert_eq(health, RECORDING_CUT);
	reopen_and_append(path, 12, 20, 60);
	cr_assert_gt(size_of(next), 64);
	cr_assert_eq(open_and_check(path, 60, false, &health), 20);
	cr_assert_eq(health, RECORDING_WHOLE);
	buffer_free(&whole);
	free(next);
	free(path);
}

Test(recording, has_one_writer_at_a_time)
{
	struct recording_writer *w, *second;

	cr_assert_eq(recording_writer_create(root, &plain, &w), 0);
	cr_assert_eq(recording_writer_reopen(recording_writer_path(w), &plain, &second), -EBUSY);
	recording_writer_close(w);
	cr_assert_eq(recording_writer_reopen(root, &plain, &second), -ENOMSG);
	cr_assert_eq(recording_writer_reopen("/nonexistent", &plain, &second), -ENOENT);
}

Test(recording, a_full_disk_keeps_what_was_written)
{
	struct rlimit limit = {700000, RLIM_INFINITY};
	struct recording_options options = plain;
	struct recording_writer *w;
	enum recording_health health;
	char *path;
	int r = 0;

	options.compression = RECORDING_RAW;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_eq(recording_writer_create(root, &options, &w), 0);
	path = strdup(recording_writer_path(w));
	for (uint64_t n = 1; r == 0 && n < 1000; n++) {
		struct trace_event e = stream_event(n, BYTES_MAX);

		r = recording_append(w, &e);
	}
	cr_assert_eq(r, -EFBIG);
	cr_assert_eq(recording_flush(w), -EFBIG);
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_eq(recording_flush(w), -EFBIG, "it does not start again with a hole");
	cr_assert_eq(recording_writer_close(w), -EFBIG);
	cr_assert_gt(size_of(segment_path(path, 0)), 200000);
	cr_assert_gt(open_and_check(path, BYTES_MAX, false, &health), 5);
	cr_assert_eq(health, RECORDING_WHOLE);
	free(path);
}

Test(recording, a_failed_rotation_keeps_what_was_written)
{
	struct recording_options options = plain;
	enum recording_health health;
	struct recording_writer *w;
	char *path;
	int r = 0;

	options.segment_bytes_max = 1000;
	cr_assert_eq(recording_writer_create(root, &options, &w), 0);
	path = strdup(recording_writer_path(w));
	write_file(segment_path(path, 2), "", 0);
	for (uint64_t n = 1; r == 0 && n < 1000; n++) {
		struct trace_event e = stream_event(n, 100);

		r = recording_append(w, &e);
		if (r == 0)
			r = recording_flush(w);
	}
	cr_assert_eq(r, -EEXIST);
	cr_assert_eq(recording_writer_close(w), -EEXIST);
	cr_assert_gt(open_and_check(path, 100, false, &health), 10);
	free(path);
}

Test(recording, a_newer_version_is_refused)
{
	char *path = make_recording(&plain, 12, 60, 3);
	struct buffer whole = read_whole(segment_path(path, 0));
	struct recording *r;

	whole.data[8] = 2;
	segment_header_seal((struct segment_header *)whole.data);
	write_file(segment_path(path, 0), whole.data, whole.len);
	cr_assert_eq(recording_open(path, &r), -EPROTONOSUPPORT);
	buffer_free(&whole);
	free(path);
}

Test(recording, what_is_not_a_recording)
{
	struct recording *r;

	cr_assert_eq(recording_open("/nonexistent", &r), -ENOENT);
	cr_assert_eq(recording_open(root, &r), -ENOMSG);
	write_file(segment_path(root, 0), noise, sizeof(noise));
	cr_assert_eq(recording_open(root, &r), -ENOMSG);
	unlink(segment_path(root, 0));
	cr_assert_eq(mkfifo(segment_path(root, 0), 0600), 0);
	cr_assert_eq(recording_open(root, &r), -ENOMSG);
	cr_assert_eq(recording_open(segment_path(root, 0), &r), -ENOTDIR);
}

struct seen {
	struct event_ref ref;
	uint64_t seq;
};

Test(recording, events_can_be_read_again_by_reference)
{
	enum { EVENTS = 2000 };
	struct seen *seen = calloc(EVENTS, sizeof(*seen));
	struct recording_options options = plain;
	struct recording *r;
	struct trace_event e, want;
	unsigned i = 0;
	char *path;

	options.segment_bytes_max = 2 << 20;
	path = make_recording(&options, EVENTS, 8000, 0);
	cr_assert_eq(recording_open(path, &r), 0);
	for (i = 0; recording_next(r, &e, &seen[i].ref) > 0; i++)
		seen[i].seq = e.seq;
	cr_assert_eq(i, EVENTS);
	recording_rewind(r);
	for (i = 0; i < EVENTS; i++) {
		unsigned pick = mix(i) % (EVENTS - 1) + 1;

		cr_assert_eq(recording_read(r, seen[pick].ref, &e), 0);
		want = stream_event(pick, 8000);
		cr_assert_eq(e.seq, pick);
		cr_assert(same_event(&e, &want));
		/* In between, the walk goes on where it was. */
		cr_assert_eq(recording_next(r, &e, NULL), 1);
		cr_assert_eq(e.seq, i);
	}
	cr_assert_eq(recording_next(r, &e, NULL), 0);
	seen[5].ref.offset++;
	cr_assert_eq(recording_read(r, seen[5].ref, &e), -EBADMSG);
	seen[6].ref.frame_offset++;
	cr_assert_eq(recording_read(r, seen[6].ref, &e), -EBADMSG);
	seen[7].ref.frame_offset = UINT64_MAX - 3;
	cr_assert_eq(recording_read(r, seen[7].ref, &e), -EBADMSG);
	seen[8].ref.segment = 12345;
	cr_assert_eq(recording_read(r, seen[8].ref, &e), -ENOENT);
	recording_close(r);
	free(seen);
	free(path);
}

Test(recording, events_of_many_megabytes)
{
	struct recording_writer *w;
	struct recording *r;
	size_t len = (16 << 20) - 100;
	uint8_t *bytes = malloc(len + 200);
	struct trace_event e = {.type = EVENT_DATA, .data.bytes = {bytes, len}};
	char *path;

	memset(bytes, 'x', len + 200);
	cr_assert_eq(recording_writer_create(root, &plain, &w), 0);
	path = strdup(recording_writer_path(w));
	append_stream(w, 1, 3, 100, 0);
	cr_assert_eq(recording_append(w, &e), 0);
	e.data.bytes.len = len + 200;
	cr_assert_eq(recording_append(w, &e), -E2BIG, "too large for any frame");
	e.data.bytes.len = len;
	cr_assert_eq(recording_append(w, &e), 0, "which does no harm to the next");
	cr_assert_eq(recording_writer_close(w), 0);
	cr_assert_eq(recording_open(path, &r), 0);
	for (int i = 0; i < 5; i++)
		cr_assert_eq(recording_next(r, &e, NULL), 1);
	cr_assert_eq(e.data.bytes.len, len);
	cr_assert_eq(recording_next(r, &e, NULL), 0);
	recording_close(r);
	free(bytes);
	free(path);
}

Test(recording, compression_can_change_on_the_way)
{
	enum recording_health health;
	struct recording_writer *w;
	char *path;

	cr_assert_eq(recording_writer_create(root, &plain, &w), 0);
	path = strdup(recording_writer_path(w));
	append_stream(w, 1, 50, 5000, 0);
	recording_set_compression(w, RECORDING_RAW);
	append_stream(w, 50, 300, 5000, 0);
	recording_set_compression(w, 5);
	append_stream(w, 300, 600, 5000, 0);
	cr_assert_eq(recording_writer_close(w), 0);
	cr_assert_eq(open_and_check(path, 5000, false, &health), 600);
	free(path);
}

/* Files that version 1 wrote: one START, then a sample of every type. They stay readable. */
Test(recording, goldens_of_version_1)
{
	static const char *const paths[] = {
		TEST_DATA "/golden/recording-v1-zstd", TEST_DATA "/golden/recording-v1-raw"};

	for (size_t i = 0; i < 2; i++) {
		struct trace_event e, want;
		struct recording *r;

		cr_assert_eq(recording_open(paths[i], &r), 0);
		cr_assert_eq(recording_next(r, &e, NULL), 1);
		cr_assert_eq(e.start.wall_ns, 1790000000000000001ull);
		cr_assert(span_equal(e.start.id, span_of(recording_id(r))));
		for (uint32_t type = 1; type <= EVENT_GAP; type++) {
			want = sample_event(type);
			if (type == EVENT_RESOLVE) /* a field they did not have yet */
				want.resolve.answer = (struct span){0};
			cr_assert_eq(recording_next(r, &e, NULL), 1);
			cr_assert(same_event(&e, &want), "type %u", type);
		}
		cr_assert_eq(recording_next(r, &e, NULL), 0);
		cr_assert_eq(recording_health(r, NULL), RECORDING_WHOLE);
		recording_close(r);
	}
}

/* A real full file system, where one can be mounted. */
Test(recording, a_full_file_system_keeps_what_was_written)
{
	struct recording_options options = plain;
	enum recording_health health;
	struct recording_totals totals;
	struct recording_writer *w;
	char *path;
	int r = 0;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", root, "tmpfs", 0, "size=2m") < 0)
		cr_skip_test("no tmpfs can be mounted here");
	options.compression = RECORDING_RAW;
	options.segment_bytes_max = 800000;
	cr_assert_eq(recording_writer_create(root, &options, &w), 0);
	path = strdup(recording_writer_path(w));
	for (uint64_t n = 1; r == 0 && n < 1000; n++) {
		struct trace_event e = stream_event(n, BYTES_MAX);

		r = recording_append(w, &e);
	}
	cr_assert_eq(r, -ENOSPC);
	recording_writer_totals(w, &totals);
	cr_assert_eq(recording_writer_close(w), -ENOSPC);
	cr_assert_eq(open_and_check(path, BYTES_MAX, false, &health), (int64_t)totals.events);
	cr_assert_gt(totals.events, 30);
	cr_assert_eq(health, RECORDING_WHOLE);
	free(path);
	umount(root);
}
