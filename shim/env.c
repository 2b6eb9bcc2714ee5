/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/env.h"

#include "shim/start.h"

/* Safety: string functions on the caller's memory and ours. */

#define VARIABLE "LD_PRELOAD="

static bool separates(char c)
{
	return c == ':' || c == ' ';
}

/* One entry of the list names our library, by whatever path. */
static bool is_ours(const char *s, size_t n)
{
	static const char name[] = WIRE_LIBRARY;
	const size_t len = sizeof(name) - 1;

	return n >= len && memcmp(s + n - len, name, len) == 0 &&
		(n == len || s[n - len - 1] == '/');
}

/* Appends the entries of `value` that are not ours, ':' between them. */
static bool append_others(char *to, size_t size, size_t *at, const char *value)
{
	bool first = *at == 0 || to[*at - 1] == '=';

	for (size_t i = 0; value && value[i];) {
		size_t n = 0;

		while (value[i + n] && !separates(value[i + n]))
			n++;
		if (n > 0 && !is_ours(value + i, n)) {
			if (*at + n + 2 > size)
				return false;
			if (!first)
				to[(*at)++] = ':';
			memcpy(to + *at, value + i, n);
			*at += n;
			first = false;
		}
		i += n + (value[i + n] != '\0');
	}
	to[*at] = '\0';
	return true;
}

bool env_preload_entry(char *to, size_t size, const char *value)
{
	size_t n = strlen(start_preload_path()), at = sizeof(VARIABLE) - 1;

	if (at + n + 1 > size)
		return false;
	memcpy(to, VARIABLE, at);
	memcpy(to + at, start_preload_path(), n);
	at += n;
	return append_others(to, size, &at, value);
}

static bool entry_without_us(char *to, size_t size, const char *value)
{
	size_t at = sizeof(VARIABLE) - 1;

	memcpy(to, VARIABLE, at);
	return append_others(to, size, &at, value);
}

static const char *value_of(char *const envp[], size_t *ret_at, size_t *ret_count)
{
	const char *value = NULL;
	size_t n = 0;

	for (; envp && envp[n]; n++) {
		if (!value && strncmp(envp[n], VARIABLE, sizeof(VARIABLE) - 1) == 0) {
			value = envp[n] + sizeof(VARIABLE) - 1;
			*ret_at = n;
		}
	}
	*ret_count = n;
	return value;
}

bool env_keeps_us(char *const envp[])
{
	size_t at, count;
	const char *value = value_of(envp, &at, &count);

	for (size_t i = 0; value && value[i];) {
		size_t n = 0;

		while (value[i + n] && !separates(value[i + n]))
			n++;
		if (is_ours(value + i, n))
			return true;
		i += n + (value[i + n] != '\0');
	}
	return false;
}

size_t env_size(char *const envp[], const struct trust_env *trust)
{
	size_t at = 0, count = 0, n = 0;
	const char *value = value_of(envp, &at, &count);

	n = sizeof(VARIABLE) + strlen(start_preload_path()) + 1 + (value ? strlen(value) : 0) + 1;
	if (count > ENV_ENTRIES_MAX || n > ENV_VALUE_MAX)
		return 0;
	return (count + trust->count + 2) * sizeof(char *) + n;
}

/* The LD_PRELOAD entry to be, written to `to`; "" for none, NULL where the present one may stay. */
static const char *preload_entry(char *to, size_t size, const char *value, bool add)
{
	bool ok = start_preload_path()[0] != '\0';

	if (ok)
		ok = add ? env_preload_entry(to, size, value)
			 : value && entry_without_us(to, size, value);
	if (!ok || (value && strcmp(value, to + sizeof(VARIABLE) - 1) == 0))
		return NULL;
	return to[sizeof(VARIABLE) - 1] ? to : "";
}

char *const *env_prepare(
	void *memory, size_t size, char *const envp[], bool add, const struct trust_env *trust)
{
	size_t at = 0, count = 0, n = 0;
	const char *value = value_of(envp, &at, &count), *preload;
	char **list = memory, *entry = (char *)(list + count + trust->count + 2);

	if (size == 0)
		return envp;
	preload = preload_entry(entry, size - (size_t)(entry - (char *)memory), value, add);
	if (!preload && trust->count == 0)
		return envp;
	for (size_t i = 0; i < count; i++) {
		if (!value || i != at || !preload)
			list[n++] = (char *)trust_env_instead(trust, envp[i]);
		else if (preload[0])
			list[n++] = entry;
	}
	if (!value && preload)
		list[n++] = entry;
	for (size_t i = 0; i < trust->count; i++) {
		if (trust->entries[i].added)
			list[n++] = (char *)trust->entries[i].text;
	}
	list[n] = NULL;
	return list;
}
