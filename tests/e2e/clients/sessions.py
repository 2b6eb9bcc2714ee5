#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two conversations that differ in nothing but their ids, interleaved: sessions.py HOW ORDER.

HOW is "session": an id of their own, made up anew in every run, in a header and in the body; or
"batch": an id the server gave out, which is polled. ORDER says whose turn it is: "abba".
Prints what each of them was told.
"""
import os
import sys
import uuid

import requests

base = os.environ["HTTPS"]
how, order = sys.argv[1:]
told = {name: [] for name in sorted(set(order))}


def ask(identity):
	if how == "batch":
		return requests.get(base + "/page", params={"i": identity}, timeout=20)
	return requests.post(base + "/json", headers={"X-Session": identity}, timeout=20,
		json={"metadata": {"session": identity}, "messages": [{"role": "user", "content": "next"}]})


def identity_of(name):
	if how == "batch":
		return "batch_" + requests.get(base + "/page", params={"i": name}, timeout=20).json()["token"]
	return str(uuid.uuid4())


identities = {name: identity_of(name) for name in told}
for name in order:
	answer = ask(identities[name])
	told[name].append(answer.text.strip() if answer.ok else "refused %d" % answer.status_code)
for name, answers in told.items():
	print(name, *answers)
