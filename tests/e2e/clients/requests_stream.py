#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads an event stream with requests, two of them side by side."""
import sys
import threading

import requests

base = sys.argv[1]


def read(name, out):
	with requests.get(base + "/v1/messages?" + name, stream=True, timeout=20) as r:
		out.extend(line for line in r.iter_lines() if line)


outs = {"a": [], "b": []}
threads = [threading.Thread(target=read, args=item) for item in outs.items()]
for thread in threads:
	thread.start()
for thread in threads:
	thread.join()
for name, lines in outs.items():
	print(name, len(lines))
	for line in lines:
		print(line.decode())
