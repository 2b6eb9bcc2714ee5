/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/rules_private.h"

/*
 * The built-in rules: the files of replay/rules, as they are, in the program. The order is that of
 * this list. What they mask must never carry meaning: no prompt, model, tool, parameter.
 */
#define BUILTIN(X)                                                                                 \
	X(agents)                                                                                  \
	X(providers)                                                                               \
	X(sdks)                                                                                    \
	X(telemetry)

#define EMBED(name)                                                                                \
	__asm__(".pushsection .rodata\n"                                                           \
		"rules_builtin_" #name ": .incbin \"" RULES_FOLDER "/" #name ".yaml\"\n"           \
		"rules_builtin_" #name "_end: .byte 0\n"                                           \
		".popsection\n");                                                                  \
	extern const uint8_t rules_builtin_##name[], rules_builtin_##name##_end[];
BUILTIN(EMBED)

int rules_add_builtin(struct rules *r, struct rules_error *error)
{
#define ROW(name) {"built-in " #name ".yaml", rules_builtin_##name, rules_builtin_##name##_end},
	static const struct {
		const char *source;
		const uint8_t *text, *end;
	} files[] = {BUILTIN(ROW)};
	int result = 0;

	/* Each goes before those there are. */
	for (size_t i = sizeof(files) / sizeof(*files); i-- && !result;)
		result = rules_add(r, files[i].source,
			(struct span){files[i].text, (size_t)(files[i].end - files[i].text)},
			error);
	return result;
}
