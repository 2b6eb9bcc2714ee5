// SPDX-License-Identifier: Apache-2.0
//
// sdk_agent.mjs openai|anthropic PROMPT: a small agent over a vendor's SDK. It says who and where it
// is, as agents do, streams, runs the command it is told to and sends back what that printed.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir, hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const [vendor, prompt] = process.argv.slice(2);
const require = createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'));
const scratch = mkdtempSync(join(tmpdir(), 'agent-'));
const system = `You are an agent. Session ${randomUUID()}, process ${process.pid}.
Directory: ${process.cwd()}
Home: ${homedir()}
User: ${userInfo().username} on ${hostname()}
Scratch: ${scratch}
Now: ${new Date()} (${new Date().toLocaleDateString('en-US')}, ${Date.now()})`;
const parameters = { type: 'object', properties: { command: { type: 'string' } }, required: ['command'] };
const run = ({ command }) => execFileSync('bash', ['-c', command], { encoding: 'utf8' });

async function openai() {
	const client = new (require('openai'))({ maxRetries: 2 });
	const messages = [{ role: 'system', content: system }, { role: 'user', content: prompt }];
	const tools = [{ type: 'function', function: { name: 'bash', description: 'Runs a command', parameters } }];
	for (;;) {
		const stream = client.chat.completions.stream({ model: 'gpt-test', messages, tools, user: randomUUID() });
		const { message } = (await stream.finalChatCompletion()).choices[0];
		messages.push(message);
		if (!message.tool_calls?.length) return message.content;
		for (const { id, function: f } of message.tool_calls)
			messages.push({ role: 'tool', tool_call_id: id, content: run(JSON.parse(f.arguments)) });
	}
}

async function anthropic() {
	const client = new (require('@anthropic-ai/sdk').default)({ maxRetries: 2 });
	const messages = [{ role: 'user', content: prompt }];
	const tools = [{ name: 'bash', description: 'Runs a command', input_schema: parameters }];
	for (;;) {
		const { content } = await client.messages.stream({ model: 'claude-test', max_tokens: 500, system, messages,
			tools, metadata: { user_id: randomUUID() } }).finalMessage();
		messages.push({ role: 'assistant', content });
		const calls = content.filter((block) => block.type === 'tool_use');
		if (!calls.length) return content[0].text;
		messages.push({ role: 'user', content: calls.map(({ id, input }) =>
			({ type: 'tool_result', tool_use_id: id, content: run(input) })) });
	}
}

console.log(await { openai, anthropic }[vendor]());
