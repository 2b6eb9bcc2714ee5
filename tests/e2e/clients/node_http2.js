// SPDX-License-Identifier: Apache-2.0
// node_http2.js server FOLDER: writes FOLDER/port. node_http2.js PORT: three requests, one session.
"use strict";
const fs = require("fs");
const http2 = require("http2");

function serve(folder) {
	const server = http2.createSecureServer({
		cert: fs.readFileSync("pki/server.pem"),
		key: fs.readFileSync("pki/server.key"),
	});
	server.on("stream", (stream, headers) => {
		stream.respond({ ":status": 200, "content-type": "text/plain" });
		stream.end(`${headers[":path"]} ${Math.random()}\n`);
	});
	server.listen(0, "127.0.0.1", () => fs.writeFileSync(`${folder}/port`, `${server.address().port}\n`));
}

function ask(session, path) {
	return new Promise((resolve, reject) => {
		const stream = session.request({ ":path": path });
		let text = "";
		stream.setEncoding("utf8");
		stream.on("data", (piece) => (text += piece));
		stream.on("end", () => resolve(text));
		stream.on("error", reject);
		stream.end();
	});
}

async function call(port) {
	const session = http2.connect(`https://localhost:${port}`, { ca: fs.readFileSync("pki/ca.pem") });
	for (const text of await Promise.all(["/a", "/b", "/c"].map((path) => ask(session, path))))
		process.stdout.write(text);
	session.close();
}

if (process.argv[2] === "server") serve(process.argv[3]);
else call(process.argv[2]);
