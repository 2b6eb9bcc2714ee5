#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# HTTP/2 without TLS, a connection for each call: curl 7.88 cannot use one of these again.
call() {
	curl -sS --max-time 30 --http2-prior-knowledge -w '\n%{http_version} %{http_code} %{content_type}\n' "$@" ||
		echo "curl: $?"
}
call "$BASE/json"
call "$BASE/echo" -d '{"b":1,"a":[1,2]}'
call "$BASE/error"
call "$BASE/nothing"
call "$BASE/trailers"
call -N "$BASE/sse"
call --compressed "$BASE/coded?coding=gzip" | tail -n 10
for i in 0 1 2 3 4 5 6 7; do
	call "$BASE/page?i=$i&ms=$((40 - 5 * i))" >"page$i" &
done
wait
cat page0 page1 page2 page3 page4 page5 page6 page7
curl -sS --max-time 30 --http2-prior-knowledge "$BASE/large" | sha256sum
