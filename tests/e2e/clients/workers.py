#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Work shared out in every way Python has: threads, multiprocessing (fork), os.fork."""
import concurrent.futures
import multiprocessing
import os
import sys
import urllib.request

base, how = os.environ[sys.argv[1]], sys.argv[2]


def page(i):
	with urllib.request.urlopen("%s/page?i=%d&ms=10" % (base, i), timeout=20) as response:
		return response.read().decode()


def show(answers):
	for answer in answers:
		print(answer, end="")


if how == "threads":
	with concurrent.futures.ThreadPoolExecutor(8) as pool:
		show(pool.map(page, range(32)))
elif how == "processes":
	with multiprocessing.get_context("fork").Pool(4) as pool:
		show(pool.map(page, range(16)))
elif how == "executor":
	page(99)  # the parent has a connection of its own before it forks
	with concurrent.futures.ProcessPoolExecutor(4) as pool:
		show(pool.map(page, range(16)))
elif how == "fork":
	for i in range(4):
		reader, writer = os.pipe()
		pid = os.fork()
		if not pid:
			os.write(writer, page(i).encode())
			os._exit(i)
		os.close(writer)
		print(os.read(reader, 4096), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	print(page(4))
