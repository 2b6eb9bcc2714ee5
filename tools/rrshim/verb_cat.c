/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/rrshim/message.h"
#include "tools/rrshim/output.h"
#include "tools/rrshim/pick.h"

#define DECODED_BYTES_MAX (1u << 30)

enum { OPT_REQUEST = OPT_OWN, OPT_RESPONSE, OPT_HEAD, OPT_RAW, OPT_DECODE };

static const struct option options[] = {
	{"request", no_argument, NULL, OPT_REQUEST},
	{"response", no_argument, NULL, OPT_RESPONSE},
	{"head", no_argument, NULL, OPT_HEAD},
	{"raw", no_argument, NULL, OPT_RAW},
	{"decode", no_argument, NULL, OPT_DECODE},
	{"dir", required_argument, NULL, 'o'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct wish {
	struct verb_common common;
	const char *recording;
	uint64_t number;
	bool request, head, raw, decode;
};

static int to_stdout(void *context, struct span bytes)
{
	if (bytes.len == 0)
		return 0;
	return fwrite(bytes.data, 1, bytes.len, stdout) == bytes.len ? 0 : -EIO;
}

static int write_decoded(const struct tape *t, const struct tape_message *m)
{
	struct buffer body = BUFFER(DECODED_BYTES_MAX), out = BUFFER(DECODED_BYTES_MAX);
	struct span coding = http1_header(m->head, "content-encoding");
	int r;

	if (coding.len == 0)
		return message_each(t, m, false, to_stdout, NULL);
	r = tape_read_body(t, m, &body);
	if (r == 0)
		r = content_decode(coding, (struct span){body.data, body.len}, &out);
	if (r == 0)
		r = to_stdout(NULL, (struct span){out.data, out.len});
	buffer_free(&body);
	buffer_free(&out);
	return r;
}

static int write_message(const struct tape *t, const struct exchange *x, const struct wish *w)
{
	const struct tape_message *m = w->request ? &x->request : &x->response;
	int r = 0;

	if (w->raw && !w->request)
		r = to_stdout(NULL, x->interim);
	if (r == 0 && (w->raw || w->head))
		r = to_stdout(NULL, m->head->raw);
	if (r < 0 || w->head)
		return r;
	return w->decode ? write_decoded(t, m) : message_each(t, m, w->raw, to_stdout, NULL);
}

static int explain(const struct wish *w, int error)
{
	switch (-error) {
	case EIO:
		return fail("cat: cannot write to stdout: %s", strerror(errno));
	case EOPNOTSUPP:
		return fail("cat: exchange %" PRIu64
			    " has a content coding rrshim cannot undo; leave "
			    "out --decode",
			w->number);
	case E2BIG:
		return fail("cat: exchange %" PRIu64 " is too large to decode; leave out --decode",
			w->number);
	default:
		return fail(
			"cat: cannot read exchange %" PRIu64 ": %s", w->number, strerror(-error));
	}
}

static int cat_exchange(const struct tape *t, const struct wish *w)
{
	const struct exchange *x;
	int r;

	if (w->number == 0 || w->number > t->exchange_count)
		return fail("cat: no exchange '%" PRIu64 "': the recording has %zu", w->number,
			t->exchange_count);
	x = t->exchanges[w->number - 1];
	if (!(w->request ? x->request.head : x->response.head))
		return fail("cat: exchange %" PRIu64 " has no %s", w->number,
			w->request ? "request" : "response");
	r = write_message(t, x, w);
	return r < 0 ? explain(w, r) : 0;
}

static int run(const struct wish *w)
{
	struct recording *recording = NULL;
	struct tape *tape = NULL;
	int r = pick_recording("cat", pick_folder(w->common.folder), w->recording, &recording);

	if (r)
		return r;
	r = tape_load(recording, &tape);
	r = r < 0 ? pick_failed("cat", recording_path(recording), r) : cat_exchange(tape, w);
	tape_free(tape);
	recording_close(recording);
	return r;
}

static int parse_number(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno ? 0 : -EINVAL;
}

int verb_cat(int argc, char **argv)
{
	struct wish w = {0};
	int c, r;

	while ((c = getopt_long(argc, argv, "o:d:h", options, NULL)) != -1) {
		switch (c) {
		case OPT_REQUEST:
		case OPT_RESPONSE:
			w.request = c == OPT_REQUEST;
			break;
		case OPT_HEAD:
			w.head = true;
			break;
		case OPT_RAW:
			w.raw = true;
			break;
		case OPT_DECODE:
			w.decode = true;
			break;
		default:
			if (!verb_common_option(&w.common, c, argv, &r))
				return r;
		}
	}
	if (w.head + w.raw + w.decode > 1)
		return verb_misused("cat", "--head, --raw and --decode exclude each other");
	if (optind == argc || argc - optind > 2)
		return verb_misused("cat", "wants [REC] N");
	if (argc - optind == 2)
		w.recording = argv[optind];
	if (parse_number(argv[argc - 1], &w.number) < 0)
		return verb_misused("cat", "'%s' is not the number of an exchange", argv[argc - 1]);
	return run(&w);
}
