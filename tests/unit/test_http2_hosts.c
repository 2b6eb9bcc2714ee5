/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include "replay/http2_hosts.h"

static struct exchange recorded[] = {
	{.protocol = TAPE_HTTP2, .tls = true, .authority = "api.test", .address = "10.0.0.1:443"},
	{.protocol = TAPE_HTTP2, .tls = true, .authority = "api.test", .address = "10.0.0.1:443"},
	{.protocol = TAPE_HTTP2,
		.tls = true,
		.authority = "local:8443",
		.address = "127.0.0.1:8443"},
	{.protocol = TAPE_HTTP1,
		.tls = true,
		.authority = "local:9443",
		.address = "127.0.0.1:9443"},
	{.protocol = TAPE_HTTP2, .tls = true, .authority = "[::1]:8443", .address = "[::1]:8443"},
	{.protocol = TAPE_HTTP2, .tls = true, .authority = "far.test", .address = "10.0.0.9:3128"},
	{.protocol = TAPE_HTTP2, .tls = false, .authority = "plain.test", .address = "10.0.0.2:80"},
};

static struct http2_hosts *hosts_of_all(void)
{
	static struct exchange *list[sizeof(recorded) / sizeof(*recorded)];
	static struct tape tape = {.exchanges = list};
	tape.exchange_count = sizeof(recorded) / sizeof(*recorded);
	for (size_t i = 0; i < tape.exchange_count; i++)
		list[i] = &recorded[i];
	return http2_hosts_new(&tape);
}

Test(http2_hosts, a_name_and_port_are_known_wherever_they_are_now)
{
	struct http2_hosts *h = hosts_of_all();
	cr_expect(http2_hosts_has(h, "api.test", "10.0.0.7", "10.0.0.7:443"));
	cr_expect(http2_hosts_has(h, "API.test", "10.0.0.7", "10.0.0.7:443"));
	cr_expect_not(http2_hosts_has(h, "api.test", "10.0.0.7", "10.0.0.7:8443"));
	cr_expect_not(http2_hosts_has(h, "api.tes", "10.0.0.7", "10.0.0.7:443"));
	cr_expect_not(http2_hosts_has(h, "api.test.evil", "10.0.0.7", "10.0.0.7:443"));
	cr_expect_not(http2_hosts_has(h, "other.test", "10.0.0.1", "10.0.0.1:443"));
	cr_expect_not(http2_hosts_has(h, "plain.test", "10.0.0.2", "10.0.0.2:443"));
	http2_hosts_free(h);
}

Test(http2_hosts, ports_of_one_host_differ)
{
	struct http2_hosts *h = hosts_of_all();
	cr_expect(http2_hosts_has(h, "local", "127.0.0.1", "127.0.0.1:8443"));
	cr_expect_not(http2_hosts_has(h, "local", "127.0.0.1", "127.0.0.1:9443"));
	http2_hosts_free(h);
}

Test(http2_hosts, through_a_proxy_its_address_counts)
{
	struct http2_hosts *h = hosts_of_all();
	cr_expect(http2_hosts_has(h, "far.test", "10.0.0.9", "10.0.0.9:3128"));
	http2_hosts_free(h);
}

Test(http2_hosts, without_a_name_host_or_address_tells)
{
	struct http2_hosts *h = hosts_of_all();
	cr_expect(http2_hosts_has(h, NULL, "api.test", "10.0.0.7:443"));
	cr_expect(http2_hosts_has(h, NULL, "10.0.0.1", "10.0.0.1:443"));
	cr_expect(http2_hosts_has(h, NULL, "::1", "[::1]:8443"));
	cr_expect_not(http2_hosts_has(h, NULL, "::1", "[::1]:9443"));
	cr_expect_not(http2_hosts_has(h, NULL, "10.0.0.3", "10.0.0.3:443"));
	http2_hosts_free(h);
}
