#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Says what day it is, as a prompt does. Prints the answer."""
import datetime
import os
import time
import urllib.request

text = "Today is %s (%d)." % (datetime.date.today().strftime("%B %d, %Y"), time.time())
request = urllib.request.Request(os.environ["HTTP"] + "/json", text.encode(), {"Content-Type": "text/plain"})
print(urllib.request.urlopen(request, timeout=20).read().decode())
