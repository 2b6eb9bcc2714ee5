#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""race.py FIRST SECOND: the side call of an agent for a title and its first turn, to one endpoint:
"title turn" or "turn title", the second sent while the first is under way, or "both" at once.
"""
import os
import sys
import threading

import requests

ASKED = {"title": "Give this conversation a title: fix the build", "turn": "fix the build"}
answers, under_way = {}, threading.Event()


def ask(what):
	body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": ASKED[what]}]}
	r = requests.post(os.environ["HTTPS"] + "/v1/chat/completions?delay=30", json=body, stream=True,
		timeout=60)
	lines = r.iter_lines()
	answers[what] = [next(lines)]
	under_way.set()
	answers[what] += lines


threads = [threading.Thread(target=ask, args=(what,)) for what in
	(sys.argv[1:] if sys.argv[1] != "both" else ASKED)]
for thread in threads:
	thread.start()
	if sys.argv[1] != "both":
		under_way.wait(60)
for thread in threads:
	thread.join()
for what in sorted(ASKED):
	print(what, b"\n".join(answers[what]).decode())
