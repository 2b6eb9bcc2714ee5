/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/announcements.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void expect_taken(struct announcements *a, int family, uint16_t port, const char *address)
{
	struct announcement got;
	cr_assert_eq(announcements_take(a, family, port, 0, &got), 0, "%s", address);
	cr_expect_str_eq(got.address, address);
	free(got.address);
	free(got.name);
}

static int take(struct announcements *a, int family, uint16_t port, uint64_t now_ns)
{
	struct announcement got;
	return announcements_take(a, family, port, now_ns, &got);
}

Test(announcements, each_lets_one_connection_in)
{
	struct announcements *a = announcements_new();
	announcements_add(a, AF_INET, 4000, "192.0.2.1:80", "host", 0, 0);
	announcements_add(a, AF_INET, 4000 + 1024, "192.0.2.2:80", NULL, 0, 0);
	expect_taken(a, AF_INET, 4000, "192.0.2.1:80");
	cr_expect_eq(take(a, AF_INET, 4000, 0), -ENOENT);
	expect_taken(a, AF_INET, 4000 + 1024, "192.0.2.2:80");
	announcements_free(a);
}

Test(announcements, a_newer_one_replaces_the_older)
{
	struct announcements *a = announcements_new();
	announcements_add(a, AF_INET, 4000, "192.0.2.1:80", "host", 0, 0);
	announcements_add(a, AF_INET, 4000, "192.0.2.9:80", "other", 0, 0);
	expect_taken(a, AF_INET, 4000, "192.0.2.9:80");
	cr_expect_eq(take(a, AF_INET, 4000, 0), -ENOENT);
	announcements_free(a);
}

Test(announcements, the_listeners_family_goes_first)
{
	struct announcements *a = announcements_new();
	announcements_add(a, AF_INET6, 4000, "[2001:db8::1]:80", NULL, 0, 0);
	announcements_add(a, AF_INET, 4000, "192.0.2.1:80", NULL, 0, 0);
	expect_taken(a, AF_INET, 4000, "192.0.2.1:80");
	expect_taken(a, AF_INET, 4000, "[2001:db8::1]:80");
	announcements_free(a);
}

Test(announcements, they_are_forgotten_after_their_life)
{
	struct announcements *a = announcements_new();
	announcements_add(a, AF_INET, 4000, "192.0.2.1:80", NULL, 0, 0);
	announcements_add(a, AF_INET, 4001, "192.0.2.1:80", NULL, 0, ANNOUNCEMENT_LIFE_NS);
	cr_expect_eq(take(a, AF_INET, 4000, ANNOUNCEMENT_LIFE_NS + 1), -ENOENT);
	struct announcement got;
	cr_assert_eq(announcements_take(a, AF_INET, 4001, ANNOUNCEMENT_LIFE_NS + 1, &got), 0);
	cr_expect_null(got.name);
	free(got.address);
	announcements_free(a);
}
