// SPDX-License-Identifier: Apache-2.0
// node's own clients: https with a kept connection and an authority of the program's choice, a POST,
// a stream by fetch, and the same from a worker thread.
"use strict";
const fs = require("fs");
const https = require("https");
const { Worker, isMainThread } = require("worker_threads");

const base = process.env.HTTPS;
const ca = fs.readFileSync(process.env.SSL_CERT_FILE);
const agent = new https.Agent({ ca, keepAlive: true, maxSockets: 1 });

function ask(path, body) {
	return new Promise((resolve, reject) => {
		const request = https.request(base + path, { agent, method: body ? "POST" : "GET" }, (answer) => {
			let text = "";
			answer.setEncoding("utf8");
			answer.on("data", (piece) => (text += piece));
			answer.on("end", () => resolve(`${answer.statusCode} ${text}`));
		});
		request.on("error", reject);
		request.end(body);
	});
}

async function stream(path) {
	const answer = await fetch(base + path, { method: "POST", body: "{}" });
	const pieces = [];
	for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) pieces.push(piece);
	return pieces.join("");
}

async function main() {
	const where = isMainThread ? "main" : "worker";
	console.log(where, await ask(`/json?where=${where}`));
	console.log(where, await ask(`/echo?where=${where}`, "x".repeat(100000)));
	console.log(where, await stream(`/v1/chat/completions?where=${where}`));
	agent.destroy();
	if (isMainThread) new Worker(__filename);
}

main();
