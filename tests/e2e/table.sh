# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the tables of what works are made from: each test that is a row or a cell of one leaves a
# file in the build folder, which tests/matrix_table reads. A stage that was not reached has failed.

CLIENTS_FOLDER=$("$TESTS/clients.sh" --where)
export CLIENTS_FOLDER

need_clients() {
	[[ -d $CLIENTS_FOLDER ]] || fail "'$CLIENTS_FOLDER' is not there: run tests/clients.sh"
	export PATH=$CLIENTS_FOLDER/bin:$PATH
}

# start_result TABLE NAME; then passed STAGE for each stage that did.
RESULT_FILE=
start_result() {
	mkdir -p "$BUILD/results/$1"
	RESULT_FILE=$BUILD/results/$1/$2
	: >"$RESULT_FILE"
}

passed() { # STAGE
	echo "$1" >>"$RESULT_FILE"
}
