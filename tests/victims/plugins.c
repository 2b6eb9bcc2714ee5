/* SPDX-License-Identifier: Apache-2.0 */
/* plugins PORT LIBRARY…: loads each in a scope of its own and has it fetch something over TLS. */
#include <dlfcn.h>
#include "victim.h"

int main(int argc, char *argv[])
{
	for (int i = 2; i < argc; i++) {
		void *library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
		if (!library)
			return fprintf(stderr, "%s\n", dlerror()), 1;
		int (*get)(int, int) = (int (*)(int, int))dlsym(library, "plugin_get");
		int failed = get(atoi(argv[1]), i);
		if (failed)
			return failed;
	}
	return 0;
}
