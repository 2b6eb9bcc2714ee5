# SPDX-License-Identifier: Apache-2.0
# Writes the export map from hooks.def: an anonymous one, since named version nodes would silently
# switch interposition off.
file(STRINGS ${TABLE} rows REGEX "^(HOOK|HOOK_LIB|HOOK_SCOPED|HOOK_VARIADIC|HOOK_ASM|ALIAS)\\(")
# Not a hook: what programs may call (mark.h).
set(names "\t\trrs_checkpoint;\n")
foreach(row ${rows})
	if(row MATCHES "^(HOOK_ASM|ALIAS)\\([a-z]+, ([A-Za-z0-9_]+)")
		string(APPEND names "\t\t${CMAKE_MATCH_2};\n")
	elseif(row MATCHES "^[A-Z_]+\\([a-z]+, [^(]*[ *], ([A-Za-z0-9_]+), \\(" OR
			row MATCHES "^[A-Z_]+\\([a-z]+, [^,(]+, ([A-Za-z0-9_]+), \\(")
		string(APPEND names "\t\t${CMAKE_MATCH_1};\n")
	else()
		message(FATAL_ERROR "hooks.def: cannot read: ${row}")
	endif()
endforeach()
file(WRITE ${MAP} "{\n\tglobal:\n${names}\tlocal:\n\t\t*;\n};\n")
