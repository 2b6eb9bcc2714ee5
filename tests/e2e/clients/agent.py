#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A small agent, agent.py PROMPT RUN: two turns, and things that are others in every run: a nonce in
a tool's output and in the metadata; by the number RUN a counter in a header, and steps."""
import json
import os
import random
import sys
import time

import requests

random.seed(time.time_ns())
url = os.environ["HTTPS"] + "/v1/chat/completions?delay=0"
# None of the letters is a hexadecimal digit: which rule is learned is not left to chance.
nonce = "".join(random.choice("ghjkm") + random.choice("2345679") for _ in range(4))
run = int(sys.argv[2])
messages = [{"role": "user", "content": sys.argv[1]}]
for turn in range(2):
	body = {"model": "gpt-4o", "stream": True, "messages": messages, "metadata": {"job": nonce}}
	r = requests.post(url, json=body, headers={"X-Calls": str(100 * run + turn)}, timeout=20)
	print(r.status_code)
	print(r.text)
	messages.append({"role": "assistant", "content": "run it"})
	messages.append({"role": "tool", "tool_call_id": "1", "content":
		"worker %s started\nexit after %d steps" % (nonce, 10 + 7 * run)})
