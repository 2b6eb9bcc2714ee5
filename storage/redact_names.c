/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/redact_impl.h"

#include <string.h>

/* Names are compared without case, '-' and '_', and as they are after percent-decoding. */
#define NAME_BYTES_MAX  64
#define WEAK_VALUE_MIN  16
#define TOKEN_VALUE_MIN 8

/* Parameters whose value is a secret whatever it looks like. */
static const char *const strong_names[] = {
	"apikey",
	"xapikey",
	"accesstoken",
	"refreshtoken",
	"idtoken",
	"authtoken",
	"sessiontoken",
	"password",
	"passwd",
	"pwd",
	"secret",
	"clientsecret",
	"secretkey",
	"privatekey",
	"accountkey",
	"subscriptionkey",
	"clientassertion",
	"codeverifier",
	"signature",
	"sig",
	"xamzsignature",
	"xamzcredential",
	"xamzsecuritytoken",
	"xgoogsignature",
	"xgoogcredential",
	"authorization",
};

/* Parameters whose value is a secret only if it looks like one. */
static const char *const weak_names[] = {
	"key",
	"code",
	"session",
	"sessionid",
	"sid",
	"credential",
	"csrf",
	"auth",
};

static const char *const variable_endings[] = {
	"key",
	"token",
	"secret",
	"password",
	"passwd",
	"passphrase",
	"credential",
	"credentials",
};

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte at *i, percent-decoded; *i moves past it. */
static uint8_t next_byte(struct span s, size_t *i)
{
	uint8_t c = s.data[(*i)++];

	if (c == '%' && s.len - *i >= 2) {
		int high = hex_value(s.data[*i]), low = hex_value(s.data[*i + 1]);

		if (high >= 0 && low >= 0) {
			*i += 2;
			return (uint8_t)(high << 4 | low);
		}
	}
	return c;
}

/* False for a name too long to be in any table. */
static bool normalise(struct span name, char ret[static NAME_BYTES_MAX])
{
	size_t len = 0, i = 0;

	while (i < name.len) {
		uint8_t c = next_byte(name, &i);

		if (c == '-' || c == '_')
			continue;
		if (len == NAME_BYTES_MAX - 1 || c == 0)
			return false;
		ret[len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	ret[len] = 0;
	return true;
}

static bool is_listed(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

#define IS_LISTED(name, names) is_listed(name, names, sizeof(names) / sizeof(names[0]))

/* [A-Za-z0-9_.~+/=-] and nothing else, at least WEAK_VALUE_MIN of them. */
static bool looks_secret(struct span value)
{
	size_t count = 0, i = 0;

	while (i < value.len) {
		uint8_t c = next_byte(value, &i);

		if (c == 0 || (!redact_is_word(c) && !strchr(".~+/=", c)))
			return false;
		count++;
	}
	return count >= WEAK_VALUE_MIN;
}

bool redact_is_strong_name(struct span name)
{
	char normal[NAME_BYTES_MAX];

	return normalise(name, normal) && IS_LISTED(normal, strong_names);
}

bool redact_is_secret_parameter(struct span name, struct span value)
{
	char normal[NAME_BYTES_MAX];

	if (value.len == 0 || !normalise(name, normal))
		return false;
	if (IS_LISTED(normal, strong_names))
		return true;
	if (strcmp(normal, "token") == 0)
		return value.len >= TOKEN_VALUE_MIN;
	return IS_LISTED(normal, weak_names) && looks_secret(value);
}

bool redact_is_secret_variable(struct span name)
{
	char normal[NAME_BYTES_MAX];
	size_t len, i;

	/* A long name is judged by its end. */
	if (name.len >= NAME_BYTES_MAX)
		name = redact_part(name, name.len - NAME_BYTES_MAX + 1, name.len);
	if (!normalise(name, normal))
		return false;
	len = strlen(normal);
	for (i = 0; i < sizeof(variable_endings) / sizeof(variable_endings[0]); i++) {
		size_t ending = strlen(variable_endings[i]);

		if (len >= ending && strcmp(normal + len - ending, variable_endings[i]) == 0)
			return true;
	}
	return false;
}
