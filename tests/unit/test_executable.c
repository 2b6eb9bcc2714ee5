/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include "shim/executable.h"

/* Built with its symbols exported (ENABLE_EXPORTS). */
int exported_function(int x);
extern int exported_variable;
int exported_variable = 1;

int exported_function(int x)
{
	return x + exported_variable;
}

static int hidden_function(int x)
{
	return x - exported_variable;
}

Test(executable, nothing_before_it_is_looked_for)
{
	cr_assert_null(executable_symbol("exported_function"));
	cr_assert_not(executable_holds((void *)exported_function));
}

Test(executable, finds_what_it_exports)
{
	executable_find();
	cr_assert_eq(executable_symbol("exported_function"), (void *)exported_function);
	cr_assert(executable_holds((void *)exported_function));
	cr_assert(executable_holds((void *)hidden_function));
}

Test(executable, finds_nothing_else)
{
	void *(*volatile taken)(size_t) = malloc; /* so that it is in the symbol table */

	executable_find();
	cr_assert(taken);
	cr_assert_null(executable_symbol("malloc"));
	cr_assert_null(executable_symbol("hidden_function"));
	cr_assert_null(executable_symbol("exported_variable"));
	cr_assert_null(executable_symbol("exported_functio"));
	cr_assert_null(executable_symbol(""));
	cr_assert_not(executable_holds(NULL));
}
