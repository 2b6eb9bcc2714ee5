#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asks an LLM endpoint, chat.py PROMPT [TIMES], and prints the answers or what went wrong."""
import json
import os
import sys

import requests

url = os.environ["HTTPS"] + "/v1/chat/completions"
for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 1):
	body = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": sys.argv[1]}]}
	r = requests.post(url, json=body, headers={"Authorization": "Bearer sk-test"}, timeout=20)
	print(r.status_code, r.headers.get("x-should-retry"))
	print(r.text)
	if r.status_code == 400:
		print(json.dumps(r.json(), sort_keys=True), file=sys.stderr)
