/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tools/helper/overlay.h"

static struct session_ca *ca;
static struct exchange one = {.authority = "api.test:8443", .address = "192.0.2.7:8443"},
		       v6 = {.authority = "six.test", .address = "[2001:db8::1]:443"},
		       literal = {.authority = "192.0.2.9", .address = "192.0.2.9:80"},
		       hostile = {.authority = "a b\n10.0.0.1 c", .address = "192.0.2.1:80"};
static struct exchange *exchanges[] = {&one, &one, &v6, &literal, &hostile};
static struct tape_name name = {.node = "named.test",
	.event = {
		.resolve = {.count = 1, .addresses = {{.family = AF_INET, .ip = {192, 0, 2, 8}}}}}};
static struct tape tape = {
	.exchanges = exchanges, .exchange_count = 5, .names = &name, .name_count = 1};
static struct overlay *overlay;
static char text[8 << 20];

static void setup(void)
{
	ca = session_ca_new();
	overlay = overlay_new(&tape, ca);
	cr_assert_not_null(overlay);
}

static void teardown(void)
{
	overlay_free(overlay);
	session_ca_free(ca);
}

TestSuite(overlay, .init = setup, .fini = teardown);

static const char *content(const char *path)
{
	int fd = overlay_open(overlay, (uint32_t)syscall(SYS_gettid), path);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return NULL;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	cr_assert_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(fd);
	text[len] = '\0';
	return text;
}

Test(overlay, hosts_has_every_name_once)
{
	const char *hosts = content("/etc/hosts"), *first;

	cr_assert_not_null(hosts);
	first = strstr(hosts, "192.0.2.7 api.test\n");
	cr_assert_not_null(first);
	cr_assert_null(strstr(first + 18, "api.test"));
	cr_assert_not_null(strstr(hosts, "2001:db8::1 six.test\n"));
	cr_assert_not_null(strstr(hosts, "192.0.2.8 named.test\n"));
	cr_assert_null(strstr(hosts, "192.0.2.9"));
	cr_assert_null(strstr(hosts, "10.0.0.1"));
}

Test(overlay, nobody_is_asked)
{
	cr_assert_str_eq(content("/etc/resolv.conf"),
		"nameserver 127.0.0.1\noptions timeout:0 attempts:1\n");
	cr_assert_eq(strncmp(content("/etc/nsswitch.conf"), "hosts: files dns\n", 17), 0);
	cr_assert_null(strstr(text + 1, "\nhosts:"));
}

Test(overlay, other_files_are_themselves)
{
	cr_assert_null(content("/etc/passwd"));
	cr_assert_null(content("hosts"));
	cr_assert_null(content("/etc/ssl/no-such-bundle.pem"));
}
