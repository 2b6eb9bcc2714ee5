#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pipeline.py threads|coroutines COUNT: asks about COUNT documents at once, in an order of its own
in every run, the prompt the same but for the document: first for a summary, then, with that in the
history, for a critique. Each answer names what it answers (its length and digest): one that is
another document's ends the run. Prints the answers by document.
"""
import asyncio
import concurrent.futures
import hashlib
import json
import os
import random
import ssl
import sys
import uuid

how, count = sys.argv[1], int(sys.argv[2])
base = os.environ["HTTPS"]
PROMPT = "You are a careful reader. Summarise the document below in one sentence.\n" * 40


def text_of(number):
	words = random.Random(number).choices("stream event tape index frame shim ring".split(), k=300)
	return "Document %d: %s" % (number, " ".join(words))


def body_of(number, *history):
	messages = [{"role": "user", "content": PROMPT + text_of(number)}]
	for summary in history:
		messages += [{"role": "assistant", "content": summary},
			{"role": "user", "content": "Now a critique."}]
	return json.dumps({"model": "m", "messages": messages}).encode()


def headers():
	return {"Content-Type": "application/json", "X-Session-Id": str(uuid.uuid4())}


def own(number, body, answer):
	"""The answer's id, if it is the answer to this request."""
	if (answer["length"], answer["sha256"]) != (len(body), hashlib.sha256(body).hexdigest()):
		sys.exit("document %d got another's answer" % number)
	return answer["id"]


def by_thread(number):
	import requests
	with requests.Session() as session:
		first = body_of(number)
		summary = own(number, first, session.post(base + "/echo", first, headers=headers(),
			timeout=60).json())
		second = body_of(number, summary)
		return number, summary, own(number, second, session.post(base + "/echo", second,
			headers=headers(), timeout=60).json())


async def by_coroutine(session, number):
	async def ask(body):
		async with session.post(base + "/echo", data=body, headers=headers()) as response:
			return own(number, body, await response.json())
	summary = await ask(body_of(number))
	return number, summary, await ask(body_of(number, summary))


async def coroutines(order):
	import aiohttp
	context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
	connector = aiohttp.TCPConnector(limit=0, ssl=context)
	async with aiohttp.ClientSession(connector=connector) as session:
		return await asyncio.gather(*(by_coroutine(session, number) for number in order))


order = random.SystemRandom().sample(range(count), count)
if how == "threads":
	with concurrent.futures.ThreadPoolExecutor(16) as pool:
		answers = list(pool.map(by_thread, order))
else:
	answers = asyncio.run(coroutines(order))
for number, summary, critique in sorted(answers):
	print(number, summary, critique)
