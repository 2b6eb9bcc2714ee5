#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a program has from where it runs and from getrandom, in one request; argument: what it also
says. Prints the answer. $UNSENT names a file for random bytes that are not sent."""
import base64
import json
import os
import secrets
import sys
import tempfile
import urllib.request
import uuid

with tempfile.TemporaryDirectory() as folder:
	if "UNSENT" in os.environ:
		with open(os.environ["UNSENT"], "wb") as f:
			f.write(os.urandom(24))
	body = {
		"uuid": str(uuid.uuid4()),
		"short": uuid.uuid4().hex[:12],
		"text": "run %s wrote %s/out.txt" % (secrets.token_hex(4), folder),
		"base64": base64.b64encode(os.urandom(9)).decode(),
		"number": int.from_bytes(os.urandom(8), "big"),
		"folder": os.getcwd() + "/src/main.c",
		"slug": os.getcwd().replace("/", "-"),
		"home": os.path.expanduser("~/.config"),
		"note": sys.argv[1],
	}
	request = urllib.request.Request(
		os.environ["HTTP"] + "/json", json.dumps(body).encode(), {"Content-Type": "application/json"})
	print(urllib.request.urlopen(request, timeout=20).read().decode())
