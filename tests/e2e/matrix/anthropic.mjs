// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { join } from 'node:path';

const Anthropic = createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'))('@anthropic-ai/sdk').default;
const client = new Anthropic({ baseURL: process.env.BASE, apiKey: 'sk-ant-not-a-key', maxRetries: 1 });
const ask = (content) => client.messages.stream({ model: 'claude-test', max_tokens: 100,
	messages: [{ role: 'user', content }] });

for await (const event of ask('one'))
	console.log(event.type, event.delta?.text ?? event.message?.id ?? '');
const all = await Promise.all(['two', 'three', 'four'].map((text) => ask(text).finalMessage()));
for (const message of all)
	console.log(message.id, message.content[0].text, message.stop_reason);
try {
	await client.models.list();
} catch (error) {
	console.log(error.constructor.name, error.status, error.message);
}
