#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""guard.py SECONDS COMMAND…: runs a test so that it ends, and nothing it started outlives it.

The guard is the reaper of orphaned descendants, so daemons that leave the process group or the
session are found as well. Exit status: the command's, or 124 when the time was up.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def descendants():
	parents = {}
	for name in os.listdir("/proc"):
		if name.isdigit():
			try:
				with open("/proc/%s/stat" % name) as f:
					parents[int(name)] = int(f.read().rsplit(")", 1)[1].split()[1])
			except OSError:
				pass
	found = {os.getpid()}
	while True:
		more = {pid for pid, parent in parents.items() if parent in found} - found
		if not more:
			return found - {os.getpid()}
		found |= more


def end_descendants():
	for _ in range(100):
		left = descendants()
		if not left:
			return
		for pid in left:
			try:
				os.kill(pid, signal.SIGKILL)
			except OSError:
				pass
		while True:
			try:
				if os.waitpid(-1, os.WNOHANG)[0] == 0:
					break
			except ChildProcessError:
				break
		time.sleep(0.02)


def on_alarm(number, frame):
	raise TimeoutError


def main():
	libc = ctypes.CDLL(None)
	libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
	signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
	signal.signal(signal.SIGALRM, on_alarm)
	try:
		child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)
		signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
		while True:
			pid, status = os.wait()
			if pid == child.pid:
				code = os.waitstatus_to_exitcode(status)
				sys.exit(code if code >= 0 else 128 - code)
	except TimeoutError:
		print("time is up after %s s; still running:" % sys.argv[1])
		for pid in sorted(descendants()):
			try:
				with open("/proc/%d/cmdline" % pid, "rb") as f:
					print("  %d %s" % (pid, f.read().replace(b"\0", b" ").decode("utf-8", "replace")))
			except OSError:
				pass
		sys.exit(124)
	finally:
		signal.setitimer(signal.ITIMER_REAL, 0)
		end_descendants()


if __name__ == "__main__":
	main()
