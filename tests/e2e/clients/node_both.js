// SPDX-License-Identifier: Apache-2.0
// A TLS server and its client in one process, and one request to the world.
"use strict";
const fs = require("fs");
const https = require("https");

const ca = fs.readFileSync(process.env.SSL_CERT_FILE);

function ask(url) {
	return new Promise((resolve, reject) => {
		https.get(url, { ca, agent: false }, (answer) => {
			let text = "";
			answer.on("data", (piece) => (text += piece));
			answer.on("end", () => resolve(text));
		}).on("error", reject);
	});
}

const server = https.createServer(
	{ cert: fs.readFileSync("pki/server.pem"), key: fs.readFileSync("pki/server.key") },
	(request, answer) => answer.end(`live ${process.env.RUN} ${request.url}\n`),
);
server.listen(0, "127.0.0.1", async () => {
	fs.writeFileSync("inside", await ask(`https://localhost:${server.address().port}/inside`));
	console.log(await ask(process.env.HTTPS + "/json"));
	server.close();
});
