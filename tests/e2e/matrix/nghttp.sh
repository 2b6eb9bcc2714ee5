#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# nghttp: HTTP/2 streams side by side, in the order they end.
nghttp --no-dep "$BASE/json"
nghttp --no-dep "$BASE/sse"
for i in 0 1 2 3; do
	set -- "$@" "$BASE/page?i=$i&ms=$((120 - 30 * i))"
done
nghttp --no-dep "$@"
printf '{"b":1,"a":[1,2]}' >body
nghttp --no-dep -d body "$BASE/echo"
nghttp --no-dep "$BASE/large" | sha256sum
nghttp --no-dep -nv "$BASE/trailers" | grep -aoE 'x-sum: [0-9a-f]+' | tail -n 1
