#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# openssl s_client, or a shell's /dev/tcp, and the protocol of lines.
if [ "$SCHEME" = https ]; then
	set -- openssl s_client -quiet -no_ign_eof -verify_return_error -connect "localhost:$LINES_PORT"
else
	set -- nc -q 5 127.0.0.1 "$LINES_PORT"
fi
{ sleep 0.5; printf 'one\ntwo\n'; sleep 0.3; printf 'quit\n'; sleep 0.5; } | "$@" 2>/dev/null
