/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/trust_env.h"

#include <limits.h>
#include "shim/control.h"
#include "shim/start.h"
#include "shim/trust_variables.h"

/* Safety: questions to the helper, and string functions on the caller's memory; all state is the
 * caller's. Works in vfork children. */

static const struct {
	const char *name; /* with the '=' */
	bool always;
	int flags;
} variables[] = {
#define X(name, always, flags) {name "=", always, flags},
	TRUST_VARIABLES(X)
#undef X
};

_Static_assert(sizeof(variables) / sizeof(variables[0]) <= TRUST_ENV_MAX, "each has an entry");

static const char *value_of(char *const envp[], const char *name, size_t len)
{
	for (; envp && *envp; envp++) {
		if (strncmp(*envp, name, len) == 0)
			return *envp + len;
	}
	return NULL;
}

/* Already one of the session's files: a parent was given it. */
static bool is_ours(const char *value)
{
	const char *path = start_preload_path();
	size_t n = strlen(path) - (sizeof(WIRE_LIBRARY) - 1);

	return strncmp(value, path, n) == 0;
}

/* The merged file in place of `value`, after `len` bytes of name. */
static __attribute__((noinline)) bool ask(
	struct trust_entry *to, size_t len, const char *value, int flags)
{
	struct wire_request request;
	struct wire_reply reply;

	control_begin(&request, WIRE_CALL_TRUST);
	request.resolve.flags = flags;
	if (!trust_make_absolute(request.resolve.node, value) ||
		control_call(&request, &reply) < 0 || reply.resolve.node[0] != '/' ||
		!memchr(reply.resolve.node, '\0', sizeof(reply.resolve.node)))
		return false;
	strcpy(to->text + len, reply.resolve.node);
	return true;
}

static void add(struct trust_env *to, char *const envp[], const char *name, bool always, int flags)
{
	struct trust_entry *e = &to->entries[to->count];
	size_t len = strlen(name);
	const char *value = value_of(envp, name, len);

	if ((!value && !always) || (value && is_ours(value)))
		return;
	e->name_len = len;
	e->added = !value;
	memcpy(e->text, name, len);
	if (ask(e, len, value ? value : "", flags))
		to->count++;
}

void trust_env_fill(struct trust_env *to, char *const envp[], bool own_tls)
{
	to->count = 0;
	if (!own_tls || !start_is_live() || start_arena()->ca_len == 0)
		return;
	SAVE_ERRNO();
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		add(to, envp, variables[i].name, variables[i].always, variables[i].flags);
	RESTORE_ERRNO();
}

const char *trust_env_instead(const struct trust_env *trust, const char *entry)
{
	for (size_t i = 0; i < trust->count; i++) {
		const struct trust_entry *e = &trust->entries[i];

		if (strncmp(entry, e->text, e->name_len) == 0)
			return e->text;
	}
	return entry;
}
