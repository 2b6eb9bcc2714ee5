#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""gRPC by grpcio: its core speaks HTTP/2 and TLS by itself."""

import os

import grpc

target = "localhost:" + os.environ["GRPC_PORT"]
if os.environ["SCHEME"] == "https":
	with open(os.environ["SSL_CERT_FILE"], "rb") as f:
		channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(f.read()))
else:
	channel = grpc.insecure_channel(target)
with channel:
	unary = channel.unary_unary("/test.Matrix/Unary")
	answer, call = unary.with_call(b"one", timeout=30)
	print(answer.decode(), dict(call.trailing_metadata()).get("x-trailer"))
	for future in [unary.future(b"number %d" % i, timeout=30) for i in range(2, 6)]:
		print(future.result().decode())
	for part in channel.unary_stream("/test.Matrix/Stream")(b"go", timeout=30):
		print(part.decode())
	for part in channel.stream_stream("/test.Matrix/Chat")(iter([b"a", b"b", b"c"]), timeout=30):
		print(part.decode())
	try:
		channel.unary_unary("/test.Matrix/Fail")(b"x", timeout=30)
	except grpc.RpcError as error:
		print(error.code(), error.details())
