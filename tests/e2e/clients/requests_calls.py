#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""requests: a keep-alive session, streams, urllib3's retries on 429, compressed bodies."""
import os
import sys

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

base = os.environ[sys.argv[1]]
session = requests.Session()
for i in range(3):
	r = session.get(base + "/json", params={"i": i}, timeout=20)
	print(r.status_code, r.headers["X-Request-Id"], r.json())
r = session.post(base + "/echo", json={"model": "m", "messages": [{"content": "hi"}]}, timeout=20)
print(r.json())
print(session.head(base + "/json", timeout=20).headers["X-Request-Id"])
print(session.get(base + "/gzip", timeout=20).text[:40])
print(repr(session.get(base + "/gzip-empty", timeout=20).text))
print(session.get(base + "/204", timeout=20).status_code)
print(session.get(base + "/redirect", timeout=20).text)
print(session.get(base + "/cookie?value=abc", timeout=20).json())
print(session.get(base + "/cookie?value=abc", timeout=20).json())
with session.post(base + "/v1/chat/completions", json={"stream": True}, stream=True, timeout=20) as r:
	for line in r.iter_lines():
		print(line)
with session.get(base + "/gzip-stream", stream=True, timeout=20) as r:
	for line in r.iter_lines():
		print(line)
retrying = requests.Session()
retry = Retry(total=4, backoff_factor=0.01, status_forcelist=[429, 500], allowed_methods=None)
for scheme in ("http://", "https://"):
	retrying.mount(scheme, HTTPAdapter(max_retries=retry))
print(retrying.get(base + "/flaky?fail=3&key=requests", timeout=20).json())
try:
	print("cut to", len(session.get(base + "/reset", timeout=20).content))
except requests.RequestException as e:
	print(type(e).__name__)
