// SPDX-License-Identifier: Apache-2.0
// node_miss.js WORD: asks both SDKs once, and prints what they raise.
const OpenAI = require("openai").OpenAI;
const Anthropic = require("@anthropic-ai/sdk").Anthropic;

const messages = [{ role: "user", content: process.argv[2] }];
const calls = {
  openai: () =>
    new OpenAI({ apiKey: "k", baseURL: process.env.HTTPS + "/v1" })
      .chat.completions.create({ model: "m", messages }),
  anthropic: () =>
    new Anthropic({ apiKey: "k", baseURL: process.env.HTTPS })
      .messages.create({ model: "m", max_tokens: 9, messages }),
};

(async () => {
  for (const [name, call] of Object.entries(calls)) {
    try {
      await call();
      console.log(name, "answered");
    } catch (e) {
      console.log(name, e.constructor.name, e.status, e.error?.error?.type ?? e.type, e.message);
    }
  }
})();
