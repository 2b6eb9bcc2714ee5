/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

int fail(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("rrshim: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return 1;
}

bool output_is_coloured(void)
{
	const char *no_color = getenv("NO_COLOR");

	return (!no_color || !*no_color) && isatty(STDOUT_FILENO);
}

size_t output_columns(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

const char *output_style(enum output_style style)
{
	static const char *const codes[] = {
		"\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[33m"};

	return output_is_coloured() ? codes[style] : "";
}

const char *output_plain(void)
{
	return output_is_coloured() ? "\033[0m" : "";
}

const char *output_bytes(char buf[static OUTPUT_TEXT_MAX], uint64_t bytes)
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes / 1000;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(buf, OUTPUT_TEXT_MAX, "%" PRIu64 " B", bytes);
		return buf;
	}
	while (value >= 999.5 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		value /= 1000;
		unit++;
	}
	snprintf(buf, OUTPUT_TEXT_MAX, value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return buf;
}

const char *output_duration(char buf[static OUTPUT_TEXT_MAX], uint64_t ns)
{
	uint64_t seconds = ns / 1000000000;

	if (ns < 1000000)
		snprintf(buf, OUTPUT_TEXT_MAX, "%" PRIu64 " us", ns / 1000);
	else if (ns < 1000000000)
		snprintf(buf, OUTPUT_TEXT_MAX, "%.*f ms", ns < 100000000, (double)ns / 1e6);
	else if (seconds < 60)
		snprintf(buf, OUTPUT_TEXT_MAX, "%.2f s", (double)ns / 1e9);
	else if (seconds < 3600)
		snprintf(buf, OUTPUT_TEXT_MAX, "%" PRIu64 "m%02" PRIu64 "s", seconds / 60,
			seconds % 60);
	else
		snprintf(buf, OUTPUT_TEXT_MAX, "%" PRIu64 "h%02" PRIu64 "m", seconds / 3600,
			seconds / 60 % 60);
	return buf;
}

const char *output_local_time(char buf[static OUTPUT_TEXT_MAX], int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&t, &tm) || strftime(buf, OUTPUT_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(buf, OUTPUT_TEXT_MAX, "-");
	return buf;
}

const char *output_rfc3339(char buf[static OUTPUT_TEXT_MAX + 8], uint64_t unix_ns)
{
	time_t t = (time_t)(unix_ns / 1000000000);
	struct tm tm;
	size_t at;

	if (!gmtime_r(&t, &tm))
		return "";
	at = strftime(buf, OUTPUT_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + at, OUTPUT_TEXT_MAX + 8 - at, ".%09" PRIu64 "Z", unix_ns % 1000000000);
	return buf;
}

void output_json_line(json_t *stolen)
{
	json_dumpf(stolen, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(stolen);
}

void output_json(json_t *stolen)
{
	json_dumpf(stolen, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(stolen);
}
