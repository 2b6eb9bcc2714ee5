#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The calls every Python client makes: calls.py urllib|requests|httpx|httpx2|aiohttp."""

import asyncio
import concurrent.futures
import hashlib
import json
import os
import sys
import urllib.error
import urllib.request

BASE = os.environ["BASE"]


def tell(name, status, kind, body):
	if len(body) < 2000 and b"\0" not in body:
		shown = body.decode("latin-1").rstrip()
	else:
		shown = "%d bytes %s" % (len(body), hashlib.sha256(body).hexdigest())
	print("%s: %s %s\n%s" % (name, status, kind, shown))


def by_urllib(method, target, body):
	request = urllib.request.Request(BASE + target, body, method=method)
	try:
		answer = urllib.request.urlopen(request)
	except urllib.error.HTTPError as error:
		answer = error
	with answer:
		return answer.status, answer.headers["content-type"], answer.read()


def by_requests():
	import requests
	session = requests.Session()

	def call(method, target, body):
		with session.request(method, BASE + target, data=body, stream=True) as answer:
			data = b"".join(answer.iter_content(None))
		return answer.status_code, answer.headers["content-type"], data
	return call


def by_httpx():
	import httpx
	client = httpx.Client(timeout=60)

	def call(method, target, body):
		with client.stream(method, BASE + target, content=body) as answer:
			data = b"".join(answer.iter_bytes())
		return answer.status_code, answer.headers["content-type"], data
	return call


# By coroutines: threads that share an HTTP/2 connection of httpcore 0.16 lose it now and then.
def by_httpx2():
	import httpx
	client = httpx.AsyncClient(http2=True, http1=False, timeout=60)

	async def one(method, target, body):
		async with client.stream(method, BASE + target, content=body) as answer:
			data = b"".join([part async for part in answer.aiter_bytes()])
		return answer.status_code, answer.headers["content-type"], data
	return by_coroutines(asyncio.new_event_loop(), one, client.aclose)


def by_aiohttp():
	import aiohttp
	loop = asyncio.new_event_loop()
	session = loop.run_until_complete(new_session(aiohttp))

	async def one(method, target, body):
		async with session.request(method, BASE + target, data=body) as answer:
			return answer.status, answer.headers["content-type"], await answer.read()
	return by_coroutines(loop, one, session.close)


async def new_session(aiohttp):
	return aiohttp.ClientSession(trust_env=False)


def by_coroutines(loop, one, close):
	def call(*arguments):
		return loop.run_until_complete(one(*arguments))

	def together(targets):
		async def all_of_them():
			return await asyncio.gather(*[one("GET", t, None) for t in targets])
		return loop.run_until_complete(all_of_them())
	return call, together, lambda: loop.run_until_complete(close())


def by_threads(call):
	def together(targets):
		with concurrent.futures.ThreadPoolExecutor(len(targets)) as pool:
			return list(pool.map(lambda target: call("GET", target, None), targets))
	return together


def script(call, together):
	tell("get", *call("GET", "/json", None))
	tell("post", *call("POST", "/echo", b'{"b":1,"a":[1,2]}'))
	tell("large post", *call("POST", "/echo", json.dumps({"text": "a long text " * 20000}).encode()))
	tell("stream", *call("GET", "/sse", None))
	pages = together(["/page?i=%d&ms=%d" % (i, 40 - 5 * i) for i in range(8)])
	for i, page in enumerate(pages):
		tell("page %d" % i, *page)
	tell("error", *call("GET", "/error", None))
	tell("not found", *call("GET", "/nothing", None))
	tell("large", *call("GET", "/large", None))


def main():
	together, close = None, None
	if sys.argv[1] == "urllib":
		call = by_urllib
	elif sys.argv[1] == "requests":
		call = by_requests()
	elif sys.argv[1] == "aiohttp":
		call, together, close = by_aiohttp()
	elif sys.argv[1] == "httpx2":
		call, together, close = by_httpx2()
	else:
		call = by_httpx()
	script(call, together or by_threads(call))
	if close:
		close()


main()
