/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/helper/origins_seen.h"

#include <criterion/criterion.h>
#include "shim/wire.h"

static bool is_told(const char *path)
{
	struct rings_record r = {.result = WIRE_ORIGIN_CREATED};
	enum origin_kind kind;
	struct span value;
	bool told = origins_from_record(&r, span_of(path), &kind, &value);

	cr_assert(!told || kind == ORIGIN_TEMPORARY);
	return told;
}

Test(origins_seen, random_names)
{
	/* mktemp's; one in two hundred is of capitals and digits alone */
	cr_expect(is_told("/tmp/tmp.5G1IYG3zmJ"));
	cr_expect(is_told("/media/scratch/tmp.1N09FSUW5P"));
	cr_expect(is_told("/tmp/tmpab_x91kq")); /* CPython's */
}

Test(origins_seen, names_people_give)
{
	cr_expect_not(is_told("/tmp/out"));
	cr_expect_not(is_told("/tmp/Makefile"));
	cr_expect_not(is_told("/tmp/CHANGELOG"));
	cr_expect_not(is_told("/tmp/20261121"));
	cr_expect_not(is_told("tmp.5G1IYG3zmJ"));
}
