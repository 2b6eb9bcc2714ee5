// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { join } from 'node:path';

const OpenAI = createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'))('openai');
const client = new OpenAI({ baseURL: `${process.env.BASE}/v1`, apiKey: 'sk-not-a-key', maxRetries: 1 });
const ask = (content) => client.chat.completions.create({ model: 'gpt-test', stream: true,
	messages: [{ role: 'user', content }] });

for await (const chunk of await ask('one'))
	console.log(chunk.id, chunk.choices[0].delta.content, chunk.choices[0].finish_reason);
const whole = async (content) => {
	let text = '';
	for await (const chunk of await ask(content)) text += chunk.choices[0].delta.content ?? '';
	return text;
};
console.log((await Promise.all(['two', 'three', 'four'].map(whole))).join('\n'));
try {
	await client.models.list();
} catch (error) {
	console.log(error.constructor.name, error.status, error.message);
}
