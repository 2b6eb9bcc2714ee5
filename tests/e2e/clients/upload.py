#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Uploads without a length: chunks from a generator, and twice, to see keep-alive survive it."""
import os
import sys

import requests

base = os.environ[sys.argv[1]]


def pieces():
	for i in range(300):
		yield b"piece %d " % i * 100


with requests.Session() as session:
	for _ in range(2):
		print(session.post(base + "/echo", data=pieces(), timeout=20).json())
	print(session.put(base + "/echo", data=b"\0\xff\r\n0\r\n\r\n", timeout=20).json())
