/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/fault.h"
#include "scratch_recording.h"

static struct scratch s;
static struct faults *f;

static void begin(void)
{
	scratch_begin(&s);
	f = faults_new();
}

static void end(void)
{
	faults_free(f);
	scratch_free(&s);
}

TestSuite(fault, .init = begin, .fini = end);

#define GET(path) "GET " path " HTTP/1.1\r\nHost: api.example.com:8080\r\n\r\n"
#define HEAD      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

static void record(const char *request, const char *response)
{
	static uint64_t channel;

	channel++;
	scratch_connect(&s, channel, "127.0.0.1:80", 0, channel * 10);
	scratch_out(&s, channel, request, channel * 10 + 1);
	scratch_in(&s, channel, response, channel * 10 + 5);
}

static void add(const char *spec)
{
	const char *problem = "";

	cr_assert_eq(faults_add(f, spec, &problem), 0, "%s: %s", spec, problem);
}

static struct fault_plan choose(size_t exchange)
{
	return faults_choose(f, s.tape, s.tape->exchanges[exchange]);
}

/* ---- the grammar ---- */

Test(fault, what_is_said_is_taken)
{
	static const char *const good[] = {"status=529", "status=500,times=2", "reset",
		"reset,after=head", "cut,after=3events", "cut,after=1event", "cut,after=1000bytes",
		"cut,after=2lines,host=*.example.com,path=/v1/*,call=3,times=2", "stall",
		"stall=300ms", "stall=5s,after=1000bytes", "stall=2m", "slow=10x", "slow=0.5x"};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		add(good[i]);
	scratch_load(&s);
}

Test(fault, what_is_not_understood_is_refused)
{
	static const char *const bad[] = {"", "nothing", "status", "status=", "status=99",
		"status=600", "status=5x", "reset=1", "cut=", "stall=", "stall=5", "stall=5h",
		"stall=-1s", "stall=0s", "stall=99999999m", "slow", "slow=", "slow=x", "slow=0x",
		"slow=nanx", "slow=10", "slow=1e9x", "cut,after", "cut,after=", "cut,after=3",
		"cut,after=0events", "cut,after=3things", "cut,after=-3bytes",
		"cut,after=99999999999bytes", "status=500,after=head", "slow=2x,after=1event",
		"cut,call=0", "cut,call=x", "cut,times=", "cut,times=-1", "cut,,", "cut,color=red",
		"cut,host", "cut,host="};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *problem = NULL;

		cr_expect_eq(faults_add(f, bad[i], &problem), -EINVAL, "'%s'", bad[i]);
		cr_expect(problem && *problem, "'%s'", bad[i]);
	}
	scratch_load(&s);
}

/* ---- whom it meets ---- */

Test(fault, host_and_path_are_patterns)
{
	static const struct {
		const char *spec;
		bool meets;
	} cases[] = {{"reset,host=api.example.com:8080", true},
		{"reset,host=api.example.com", true}, {"reset,host=*.example.com", true},
		{"reset,host=example.com", false}, {"reset,path=/v1/*", true},
		{"reset,path=/v1/chat", true}, {"reset,path=/v1/cha", false},
		{"reset,host=*,path=/v2*", false}};

	record(GET("/v1/chat?x=/v2"), HEAD "Content-Length: 1\r\n\r\nx");
	scratch_load(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		faults_free(f);
		f = faults_new();
		add(cases[i].spec);
		cr_expect_eq(choose(0).kind, cases[i].meets ? FAULT_RESET : FAULT_NONE, "%s",
			cases[i].spec);
	}
}

static void check_sequence(const char *spec, const char *expected)
{
	faults_free(f);
	f = faults_new();
	add(spec);
	for (size_t i = 0; expected[i]; i++)
		cr_expect_eq(choose(0).kind != FAULT_NONE, expected[i] == '!', "%s: %zu", spec, i);
}

Test(fault, which_calls_and_how_many)
{
	record(GET("/a"), HEAD "Content-Length: 1\r\n\r\nx");
	scratch_load(&s);
	check_sequence("reset", "!!!!");
	check_sequence("reset,times=2", "!!..");
	check_sequence("reset,call=2", ".!..");
	check_sequence("reset,call=2,times=2", ".!!.");
}

Test(fault, the_first_that_applies_and_all_are_counted)
{
	json_t *report;

	record(GET("/a"), HEAD "Content-Length: 1\r\n\r\nx");
	scratch_load(&s);
	add("status=529,times=2");
	add("reset,call=3");
	add("cut,after=5bytes");
	cr_expect_eq(choose(0).status, 529);
	cr_expect_eq(choose(0).status, 529);
	cr_expect_eq(choose(0).kind, FAULT_RESET);
	cr_expect_eq(choose(0).kind, FAULT_NONE);
	report = faults_report(f);
	for (size_t i = 0; i < 3; i++)
		cr_expect_eq(
			json_integer_value(json_object_get(json_array_get(report, i), "injected")),
			i == 0           ? 2
				: i == 1 ? 1
					 : 0);
	json_decref(report);
}

Test(fault, what_never_comes_whole_is_spared)
{
	static const struct {
		const char *spec;
		bool spares;
	} cases[] = {{"status=500", true}, {"reset,after=head", true}, {"cut", true},
		{"stall", true}, {"stall=1s", false}, {"slow=2x", false}};

	record(GET("/a"), HEAD "Content-Length: 1\r\n\r\nx");
	scratch_load(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		faults_free(f);
		f = faults_new();
		add(cases[i].spec);
		cr_expect_eq(choose(0).spares, cases[i].spares, "%s", cases[i].spec);
	}
}

/* ---- where ---- */

/* What is played of exchange 0 before the fault, its head left out; NULL: it has no such place. */
static const char *before(const char *spec)
{
	static struct buffer out;
	struct playback p;
	struct fault_plan plan;
	uint64_t time;

	faults_free(f);
	f = faults_new();
	add(spec);
	plan = choose(0);
	if (!plan.kind)
		return NULL;
	playback_start_content(&p, s.tape->exchanges[0]);
	p.stop = plan.stop;
	out.max = 1 << 16;
	buffer_reset(&out);
	while (!playback_at_stop(&p) && playback_peek(&p, &time))
		cr_assert_eq(playback_read(&p, s.recording, &out), 0);
	buffer_append(&out, "", 1);
	return (char *)out.data;
}

Test(fault, places_in_an_event_stream)
{
	/* Two chunks, of which the first ends within an event. */
	record(GET("/a"),
		HEAD "Transfer-Encoding: chunked\r\n\r\n"
		     "19\r\n: hello\n\ndata: one\r\n\r\ndat\r\n"
		     "11\r\na: two\n\ndata: 3\n\n\r\n0\r\n\r\n");
	scratch_load(&s);
	cr_expect_str_eq(before("cut,after=head"), "");
	cr_expect_str_eq(before("cut,after=1event"), ": hello\n\ndata: one\r\n\r\n");
	cr_expect_str_eq(before("cut,after=2events"), ": hello\n\ndata: one\r\n\r\ndata: two\n\n");
	cr_expect_str_eq(before("cut,after=3events"),
		": hello\n\ndata: one\r\n\r\ndata: two\n\ndata: 3\n\n");
	cr_expect_null(before("cut,after=4events"));
	cr_expect_str_eq(before("cut,after=1line"), ": hello\n");
	cr_expect_str_eq(before("cut,after=24bytes"), ": hello\n\ndata: one\r\n\r\nda");
	cr_expect_str_eq(before("cut,after=28bytes"), ": hello\n\ndata: one\r\n\r\ndata: ");
	cr_expect_null(before("cut,after=1000bytes"));
}

Test(fault, an_empty_answer_has_only_a_beginning)
{
	record(GET("/a"), "HTTP/1.1 204 No Content\r\n\r\n");
	scratch_load(&s);
	cr_expect_null(before("cut,after=head"));
	cr_expect_null(before("cut,after=1byte"));
	cr_expect_str_eq(before("cut"), "");
}

Test(fault, slow_is_of_what_was_recorded)
{
	struct fault_plan plan;

	record(GET("/a"), HEAD "Content-Length: 1\r\n\r\nx");
	scratch_load(&s);
	add("slow=10x");
	plan = choose(0);
	cr_expect_eq(fault_slow_due_ns(&plan, s.tape->exchanges[0], 1000,
			     s.tape->exchanges[0]->response.head_ns),
		1000 + 10 * 4 * MS);
}
