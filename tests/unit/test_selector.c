/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include "replay/live_policy.h"

static const struct selector_facts message = {.kind = SELECTOR_LLM,
	.method = SPAN_LITERAL("POST"),
	.authority = SPAN_LITERAL("api.example.com:8443"),
	.path = SPAN_LITERAL("/v1/messages"),
	.model = SPAN_LITERAL("large-4-1"),
	.provider = "anthropic"};
static const struct selector_facts question = {
	.kind = SELECTOR_DNS, .authority = SPAN_LITERAL("api.example.com")};

static bool selects(const char *text, const struct selector_facts *facts)
{
	char why[SELECTOR_MESSAGE_MAX];
	struct selector s;
	bool does;

	cr_assert_eq(selector_parse(text, &s, why), 0, "%s: %s", text, why);
	does = selector_matches(&s, facts);
	selector_free(&s);
	return does;
}

Test(selector, every_part_has_to_hold)
{
	cr_expect(selects("kind=llm", &message));
	cr_expect(selects("kind=http", &message));
	cr_expect(selects("*.EXAMPLE.com", &message));
	cr_expect(selects("api.example.com:8443", &message));
	cr_expect(selects(
		"host=api.*,path=/v1/*,provider=anthropic,model=large-*,method=post", &message));
	cr_expect_not(selects("host=api.*,path=/v2/*", &message));
	cr_expect_not(selects("api.example.com:443", &message));
	cr_expect_not(selects("kind=tool", &message));
	cr_expect_not(selects("kind=dns", &message));
	cr_expect_not(selects("model=small*", &message));
}

Test(selector, what_is_not_known_matches_only_everything)
{
	cr_expect(selects("kind=dns,api.example.com", &question));
	cr_expect(selects("path=*", &question));
	cr_expect_not(selects("path=/v1/*", &question));
	cr_expect_not(selects("provider=a*", &question));
	cr_expect_not(selects("kind=http", &question));
}

Test(selector, nonsense_is_explained)
{
	static const char *const bad[] = {
		"planet=mars", "kind=file", "kind=", "host=", "host=a,host=b", ""};
	char why[SELECTOR_MESSAGE_MAX];
	struct selector s;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		cr_expect_eq(selector_parse(bad[i], &s, why), -EINVAL, "%s", bad[i]);
		cr_expect(why[0], "%s", bad[i]);
	}
}

static void add(struct live_policy *p, bool live, const char *selector)
{
	char why[SELECTOR_MESSAGE_MAX];

	cr_assert_eq(live_policy_add(p, live, selector, why), 0, "%s", why);
}

Test(live_policy, the_last_word_counts)
{
	struct live_policy p = {0};

	cr_expect(live_policy_is_closed(&p));
	cr_expect_eq(live_policy_choose(&p, &message), LIVE_IF_MISSED);
	add(&p, false, "kind=http");
	cr_expect(live_policy_is_closed(&p));
	add(&p, true, "kind=llm");
	cr_expect_not(live_policy_is_closed(&p));
	cr_expect_eq(live_policy_choose(&p, &message), LIVE_NOW);
	add(&p, false, "model=large*");
	cr_expect_eq(live_policy_choose(&p, &message), LIVE_NEVER);
	cr_expect_eq(live_policy_choose(&p, &question), LIVE_IF_MISSED);
	live_policy_free(&p);
}

Test(live_policy, names_mean_something_where_anything_may_be_live)
{
	struct live_policy p = {0};
	const struct span here = SPAN_LITERAL("api.example.com"), there = SPAN_LITERAL("b.test");

	add(&p, true, "kind=llm,host=*.example.com");
	cr_expect(live_policy_may_reach(&p, here));
	cr_expect_not(live_policy_may_reach(&p, there));
	add(&p, false, "path=/v1/*,host=api.example.com");
	cr_expect(live_policy_may_reach(&p, here), "other paths are live");
	add(&p, false, "kind=dns,host=api.*");
	cr_expect_not(live_policy_may_reach(&p, here));
	p.on_missing = MATCH_MISS_LIVE;
	cr_expect(live_policy_may_reach(&p, there));
	live_policy_free(&p);
}
