#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Streams an answer and logs every byte of its body as soon as the call that brought it returns.

receive.py URL-VARIABLE PATH LOG
"""
import http.client
import os
import ssl
import sys

tls = sys.argv[1] == "HTTPS"
port = int(os.environ[sys.argv[1] + "_PORT"])
log = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
if tls:
	context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
	c = http.client.HTTPSConnection("localhost", port, context=context, timeout=20)
else:
	c = http.client.HTTPConnection("localhost", port, timeout=20)
c.request("POST", sys.argv[2], b"{}")
r = c.getresponse()
while True:
	data = r.read1(65536)
	if not data:
		break
	os.write(log, data)
print("done")
