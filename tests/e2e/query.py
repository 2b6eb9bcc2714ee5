#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""query.py FILE EXPRESSION: prints a Python expression over `d`, the file's JSON."""

import json
import sys


def walk(value):
	"""Every object in `value`, itself included."""
	if isinstance(value, dict):
		yield value
	for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
		yield from walk(inner)


def load(path):
	with open(path, encoding="utf-8", errors="surrogateescape") as f:
		text = f.read()
	try:
		return json.loads(text)
	except ValueError:
		return [json.loads(line) for line in text.split("\n") if line.strip()]


print(eval(sys.argv[2].replace("\n", " "), {"d": load(sys.argv[1]), "walk": walk, "json": json}))
