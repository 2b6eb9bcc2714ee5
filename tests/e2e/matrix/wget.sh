#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
call() {
	wget -q -O - --tries 1 --timeout 30 ${CA:+--ca-certificate="$CA"} "$@"
	echo "wget: $?"
}
call "$BASE/json" "$BASE/trailers"
call --post-data '{"b":1,"a":[1,2]}' "$BASE/echo"
call "$BASE/sse"
call --content-on-error "$BASE/error"
call --compression=gzip "$BASE/coded?coding=gzip"
call "$BASE/large" | sha256sum
for i in 0 1 2 3 4 5 6 7; do
	call "$BASE/page?i=$i&ms=$((40 - 5 * i))" >"page$i" &
done
wait
cat page0 page1 page2 page3 page4 page5 page6 page7
