#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What each single read of a streamed answer brings."""
import os
import urllib.request

request = urllib.request.Request(os.environ["HTTPS"] + "/v1/chat/completions?chunks=12&delay=60", b"{}")
with urllib.request.urlopen(request, timeout=20) as response:
	while True:
		data = response.read1(65536)
		if not data:
			break
		print(len(data), data)
