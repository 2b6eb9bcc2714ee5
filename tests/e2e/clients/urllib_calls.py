#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""urllib: GET, POST, an error status, redirects, a stream read line by line."""
import os
import sys
import urllib.error
import urllib.request

base = os.environ[sys.argv[1]]


def call(path, data=None, headers={}):
	request = urllib.request.Request(base + path, data=data, headers=headers)
	try:
		with urllib.request.urlopen(request, timeout=20) as response:
			print(path, response.status, response.headers.get("X-Request-Id"), response.read())
	except urllib.error.HTTPError as e:
		print(path, e.code, e.read())


call("/json")
call("/echo", b'{"model":"m","messages":[{"role":"user","content":"hi"}]}',
	{"Content-Type": "application/json"})
call("/flaky?fail=1&key=urllib")
call("/flaky?fail=1&key=urllib")
call("/redirect?n=2")
call("/gzip")
call("/chunked")
call("/until-close?old=1")
call("/binary")
with urllib.request.urlopen(base + "/v1/chat/completions", data=b"{}", timeout=20) as response:
	for line in response:
		sys.stdout.buffer.write(line)
