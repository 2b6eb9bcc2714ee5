// SPDX-License-Identifier: Apache-2.0
// A temporary folder of node's and random bytes in hexadecimal, in one request.
"use strict";
const crypto = require("crypto"), fs = require("fs"), http = require("http"), os = require("os");
const folder = fs.mkdtempSync(os.tmpdir() + "/");
const body = JSON.stringify({text: `wrote ${folder}/out.txt`, id: crypto.randomUUID()});
fs.rmdirSync(folder);
const request = http.request(process.env.HTTP + "/json", {
	method: "POST",
	headers: {"content-type": "application/json", "content-length": body.length},
}, (response) => response.pipe(process.stdout));
request.end(body);
