// SPDX-License-Identifier: Apache-2.0
// node_packages.js axios|openai|anthropic: clients that programs have from the registry.
"use strict";
const base = process.env.HTTPS;

const clients = {
	async axios() {
		const axios = require("axios");
		console.log((await axios.get(base + "/json?n=1")).data);
		console.log((await axios.post(base + "/echo", { a: [1, 2] })).data);
	},

	async openai() {
		const { OpenAI } = require("openai");
		const client = new OpenAI({ apiKey: "sk-test", baseURL: base + "/v1" });
		const stream = await client.chat.completions.create({
			model: "gpt-4o", stream: true, messages: [{ role: "user", content: "hello" }],
		});
		for await (const chunk of stream) console.log(chunk.choices[0].delta.content);
	},

	async anthropic() {
		const { Anthropic } = require("@anthropic-ai/sdk");
		const client = new Anthropic({ apiKey: "sk-test", baseURL: base });
		const stream = client.messages.stream({
			model: "claude", max_tokens: 100, messages: [{ role: "user", content: "hello" }],
		});
		stream.on("text", (text) => console.log(text));
		console.log((await stream.finalMessage()).id);
	},
};

clients[process.argv[2]]();
