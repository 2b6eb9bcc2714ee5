# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Group: matrix
# Needs: serial sanitizers=none
#
# The cells themselves are in e2e/matrix/; serial, so that this comes after them.

test_readme() {
	# What README.md says works is what the tests found.
	"$TESTS/matrix_table" --check "$BUILD/results" || fail "README.md does not say what was found"
}
