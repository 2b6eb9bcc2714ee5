#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What every kind of failure looks like to a client: its type, its errno, what had come before."""
import http.client
import os
import socket
import ssl
import sys
import urllib.parse

host, port = "localhost", int(os.environ[sys.argv[1] + "_PORT"])
closed = int(sys.argv[2])


def connection(port=port):
	if sys.argv[1] == "HTTPS":
		context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
		return http.client.HTTPSConnection(host, port, timeout=20, context=context)
	return http.client.HTTPConnection(host, port, timeout=20)


def attempt(path, **options):
	received = b""
	try:
		c = connection(**options)
		c.request("GET", path)
		r = c.getresponse()
		while True:
			data = r.read1(4096)
			if not data:
				break
			received += data
		print(path, r.status, "whole", len(received), hash_of(received), r.length)
	except (OSError, http.client.HTTPException) as e:
		print(path, type(e).__name__, getattr(e, "errno", None), len(received), hash_of(received))


def hash_of(data):
	import hashlib
	return hashlib.sha256(data).hexdigest()[:16]


attempt("/reset")
attempt("/reset?after=0")
attempt("/reset-at-once")
attempt("/cut")
attempt("/cut?after=1")
attempt("/cut-chunked")
attempt("/until-close")
attempt("/until-close?rude=1")
attempt("/json", port=closed)
attempt("/json")
for name in ("name.invalid", "localhost"):
	try:
		found = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
		print(name, sorted(a[4][0] for a in found))
	except socket.gaierror as e:
		print(name, e.errno, e)
