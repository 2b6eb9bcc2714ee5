#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# curl.sh OPTION…: the calls every client makes.
call() {
	curl -sS --max-time 30 -w '\n%{http_version} %{http_code} %{content_type}\n' "$@" || echo "curl: $?"
}
call "$@" "$BASE/json" "$BASE/echo" -d '{"b":1,"a":[1,2]}'
call "$@" "$BASE/json" "$BASE/error" "$BASE/nothing" "$BASE/trailers"
call "$@" -N "$BASE/sse"
call "$@" --compressed "$BASE/coded?coding=gzip" "$BASE/coded?coding=br" "$BASE/coded?coding=zstd" | tail -n 20
curl -sS --max-time 30 "$@" "$BASE/large" | sha256sum
# Debian's curl breaks off parallel transfers of HTTP/2 without TLS.
[ "$1" = --http2-prior-knowledge ] || set -- "$@" --parallel
for i in 0 1 2 3 4 5 6 7; do
	set -- "$@" "$BASE/page?i=$i&ms=$((40 - 5 * i))" -o "page$i"
done
curl -sS --max-time 30 "$@" || echo "curl: $?"
cat page0 page1 page2 page3 page4 page5 page6 page7
