#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""aiohttp: streams and as many calls at once as asked for, all different or all the same."""
import asyncio
import os
import ssl
import sys

import aiohttp

base, what, count = os.environ[sys.argv[1]], sys.argv[2], int(sys.argv[3])


async def page(session, i):
	async with session.get(base + "/page", params={"i": str(i), "ms": "20"}) as r:
		return await r.text()


async def same(session, i):
	async with session.get(base + "/counter", params={"ms": "20"}) as r:
		return await r.text()


async def stream(session, i):
	parts = []
	async with session.post(base + "/v1/chat/completions", json={"i": i}) as r:
		async for line in r.content:
			parts.append(line)
	return b"".join(parts)


async def main():
	context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
	connector = aiohttp.TCPConnector(limit=0, ssl=context)
	timeout = aiohttp.ClientTimeout(total=40)
	async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
		call = {"page": page, "same": same, "stream": stream}[what]
		answers = await asyncio.gather(*(call(session, i) for i in range(count)))
		if what == "same":
			answers = sorted(answers, key=int)  # who came first is the race's to say
		for i, answer in enumerate(answers):
			print(i, answer)

asyncio.run(main())
