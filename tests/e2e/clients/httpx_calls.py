#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""httpx, sync or async: keep-alive, streams, parallel calls."""
import asyncio
import os
import sys

import httpx

base = os.environ[sys.argv[1]]
timeout = httpx.Timeout(20)


def sync():
	with httpx.Client(timeout=timeout) as client:
		for i in range(3):
			r = client.get(base + "/json", params={"i": i})
			print(r.status_code, r.headers["x-request-id"], r.json())
		print(client.post(base + "/echo", json={"messages": []}).json())
		print(client.get(base + "/gzip").text[:40])
		print(client.get(base + "/redirect", follow_redirects=True).json())
		with client.stream("POST", base + "/v1/chat/completions", json={"stream": True}) as r:
			for line in r.iter_lines():
				print(line.rstrip())


async def one(client, i):
	r = await client.get(base + "/page", params={"i": i, "ms": 10 * (i % 4)})
	return r.json()


async def stream(client, i):
	lines = []
	async with client.stream("POST", base + "/v1/chat/completions", json={"call": i}) as r:
		async for line in r.aiter_lines():
			lines.append(line.rstrip())
	return lines


async def parallel():
	async with httpx.AsyncClient(timeout=timeout) as client:
		for answer in await asyncio.gather(*(one(client, i) for i in range(12))):
			print(answer)
		for answer in await asyncio.gather(*(stream(client, i) for i in range(4))):
			print(answer)


if sys.argv[2] == "sync":
	sync()
else:
	asyncio.run(parallel())
