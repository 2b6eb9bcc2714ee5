#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A WebSocket with permessage-deflate, by the package websockets."""

import asyncio
import os

import websockets


async def main():
	async with websockets.connect(os.environ["BASE"].replace("http", "ws", 1) + "/socket") as socket:
		print(await socket.recv())
		await socket.send("first")
		print(await socket.recv())
		await socket.send("stream")
		for _ in range(21):
			print(await socket.recv())
		await socket.send(b"\1\2\3")
		print((await socket.recv()).hex())


asyncio.run(main())
