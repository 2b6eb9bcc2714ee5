#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""on_disk.py FOLDER WORD…: looks for words in every file, as it is and inside zstd frames.

Knows nothing of the recording's format: any zstd frame found anywhere is decompressed.
"""
import ctypes
import ctypes.util
import os
import sys

zstd = ctypes.CDLL("libzstd.so.1")
size_t = ctypes.c_size_t
zstd.ZSTD_decompress.restype = zstd.ZSTD_findFrameCompressedSize.restype = size_t
zstd.ZSTD_decompress.argtypes = [ctypes.c_void_p, size_t, ctypes.c_char_p, size_t]
zstd.ZSTD_findFrameCompressedSize.argtypes = [ctypes.c_char_p, size_t]
zstd.ZSTD_isError.argtypes = [size_t]
MAGIC = b"\x28\xb5\x2f\xfd"


def frames(data):
	at = data.find(MAGIC)
	while at >= 0:
		rest = data[at:]
		size = zstd.ZSTD_findFrameCompressedSize(rest, len(rest))
		if not zstd.ZSTD_isError(size):
			out = ctypes.create_string_buffer(16 << 20)
			length = zstd.ZSTD_decompress(out, len(out), rest, size)
			if not zstd.ZSTD_isError(length):
				yield out.raw[:length]
		at = data.find(MAGIC, at + 1)


found = files = inside = 0
for folder, _, names in os.walk(sys.argv[1]):
	for name in names:
		path = os.path.join(folder, name)
		with open(path, "rb") as f:
			data = f.read()
		files += 1
		views = [data]
		for frame in frames(data):
			inside += 1
			views.append(frame)
		for view in views:
			for word in sys.argv[2:]:
				at = view.find(os.fsencode(word))
				if at >= 0:
					found += 1
					print("%s: %r" % (path, view[max(0, at - 60):at + 60]))
print("%d files, %d frames" % (files, inside))
if not files or not inside:
	sys.exit("nothing was searched")
sys.exit(found > 0)
