#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# one.sh FILE FUNCTION [ARGUMENT…]: runs one end-to-end test in the current directory.
set -eu -o pipefail
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export RRSHIM_DIR=$PWD/recordings
[[ -x $RRSHIM ]] || fail "'$RRSHIM' has not been built"
trap 'echo "FAILED: line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND"' ERR
set -E
# shellcheck disable=SC1090 # one of the test files
source "$1"
"${@:2}"
