#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
set -- redis-cli -h localhost -p "$REDIS_PORT"
[ "$SCHEME" = https ] && set -- "$@" --tls --cacert "$CA"
"$@" SET key value
"$@" GET key
"$@" TIME
printf 'INCR n\nINCR n\nLPUSH list a b c\nLRANGE list 0 -1\nGET nothing\nBAD command\nACL GENPASS\n' | "$@"
"$@" INFO server | grep run_id
"$@" FLUSHALL
