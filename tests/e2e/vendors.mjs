// SPDX-License-Identifier: Apache-2.0
//
// The vendors' API hosts, as far as agents notice: TLS with HTTP/2 and HTTP/1.1, the formats of
// Anthropic, OpenAI (Responses and Chat Completions) and Gemini, and a 404 for all else.
//
//     node vendors.mjs FOLDER CERTIFICATE KEY [--websocket] [--busy]
//
// It listens on port 443 of 127.0.0.1, so it wants a network namespace of its own. Without
// --websocket an attempt to open one is refused, which makes agents fall back to HTTP. With --busy
// the first question is answered with 429, the third with 500.
//
// The first question of a conversation that offers a shell tool is answered with a call of it, for
// the command that stands between <run> and </run> in the prompt; the tool's result with a text
// that quotes it. Ids and words differ in every answer. FOLDER/log has one JSON line per request,
// FOLDER/ready appears when it listens.
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import zlib from 'node:zlib';

const [folder, certificate, key, ...options] = process.argv.slice(2);
const SHELL_TOOLS = ['Bash', 'bash', 'run_shell_command', 'shell', 'exec_command', 'shell_command', 'exec'];
const id = (prefix, bytes = 12) => prefix + randomBytes(bytes).toString('hex');
const now = () => Math.floor(Date.now() / 1000);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
mkdirSync(folder, { recursive: true });

// ---- what is said ----

/* The command the conversation asks for, and whether its result is there already. */
function plan(conversation, tools, hasResult) {
	const text = JSON.stringify(conversation);
	const tool = tools.find((t) => SHELL_TOOLS.includes(t));
	const command = /<run>(.*?)<\/run>/.exec(text)?.[1];
	if (!command || !tool) return { text: `Nothing to run, ${id('word-', 4)}.` };
	if (hasResult) {
		const marker = /seed-[0-9a-f]+/.exec(text)?.[0] ?? 'no marker';
		return { text: `The tool said ${marker}; answer ${id('', 8)}.` };
	}
	return { tool, command: JSON.parse(`"${command}"`) };
}

/* The arguments by which each agent's tool takes a command. */
function toolArguments(tool, command) {
	switch (tool) {
	case 'shell': return { command: ['bash', '-c', command] };
	case 'exec_command': return { cmd: command };
	case 'shell_command': return { command };
	default: return { command, description: 'Run the command' };
	}
}

const pieces = (text) => text.match(/.{1,9}/gs) ?? [];

async function sendEvents(response, events) {
	response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8',
		'cache-control': 'no-cache', 'request-id': id('req_') });
	for (const [name, data] of events) {
		response.write((name ? `event: ${name}\n` : '') +
			`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
		await sleep(3);
	}
	response.end();
}

function sendJson(response, status, value) {
	response.writeHead(status, { 'content-type': 'application/json', 'request-id': id('req_') });
	response.end(JSON.stringify(value));
}

// ---- Anthropic ----

function anthropic(request, body, response) {
	const last = body.messages.at(-1);
	const hasResult = Array.isArray(last.content) && last.content.some((b) => b.type === 'tool_result');
	const say = plan(body.messages, (body.tools ?? []).map((t) => t.name), hasResult);
	const block = say.tool
		? { type: 'tool_use', id: id('toolu_'), name: say.tool, input: toolArguments(say.tool, say.command) }
		: { type: 'text', text: say.text };
	const stop = say.tool ? 'tool_use' : 'end_turn';
	const usage = { input_tokens: 100, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 20 };
	const message = { id: id('msg_'), type: 'message', role: 'assistant', model: body.model, content: [],
		stop_reason: null, stop_sequence: null, usage };
	if (!body.stream) {
		sendJson(response, 200, { ...message, content: [block], stop_reason: stop });
		return;
	}
	const event = (type, fields) => [type, { type, ...fields }];
	const deltas = say.tool
		? pieces(JSON.stringify(block.input)).map((p) => ({ type: 'input_json_delta', partial_json: p }))
		: pieces(say.text).map((p) => ({ type: 'text_delta', text: p }));
	sendEvents(response, [
		event('message_start', { message }),
		event('content_block_start', { index: 0,
			content_block: say.tool ? { ...block, input: {} } : { type: 'text', text: '' } }),
		event('ping', {}),
		...deltas.map((delta) => event('content_block_delta', { index: 0, delta })),
		event('content_block_stop', { index: 0 }),
		event('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage }),
		event('message_stop', {}),
	]);
}

// ---- OpenAI ----

/* Names of the tools a request offers; newer ones come as an item of the conversation. */
function responsesTools(body, input) {
	const more = input.filter((item) => item.type === 'additional_tools').flatMap((item) => item.tools);
	return [...(body.tools ?? []), ...more.flatMap((t) => t.type === 'namespace' ? t.tools : [t])]
		.map((t) => t.name ?? t.type);
}

function responsesItem(say) {
	if (say.tool === 'exec') /* a program that calls tools: one of codex */
		return { type: 'custom_tool_call', id: id('ctc_'), call_id: id('call_'), name: 'exec', status: 'completed',
			input: `const r = await tools.exec_command({cmd: ${JSON.stringify(say.command)}});\ntext(r.output);\n` };
	if (say.tool)
		return { type: 'function_call', id: id('fc_'), call_id: id('call_'), name: say.tool, status: 'completed',
			arguments: JSON.stringify(toolArguments(say.tool, say.command)) };
	return { type: 'message', id: id('msg_'), role: 'assistant', status: 'completed',
		content: [{ type: 'output_text', text: say.text, annotations: [] }] };
}

/* The whole response, and the events that lead to it when it is streamed. */
function makeResponse(body, input) {
	const hasResult = input.some((item) => /_call_output$/.test(item.type ?? ''));
	const say = plan(input, responsesTools(body, input), hasResult);
	const item = body.generate === false ? null : responsesItem(say);
	const whole = { id: id('resp_'), object: 'response', created_at: now(), status: 'completed',
		model: body.model, output: item ? [item] : [], error: null, incomplete_details: null,
		usage: { input_tokens: 100, input_tokens_details: { cached_tokens: 0 }, output_tokens: 20,
			output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 120 } };
	let number = 0;
	const event = (type, fields) => [type, { type, sequence_number: number++, ...fields }];
	const started = { ...whole, status: 'in_progress', output: [], usage: null };
	const events = [event('response.created', { response: started }),
		event('response.in_progress', { response: started })];
	if (item) {
		const at = { item_id: item.id, output_index: 0, content_index: 0 };
		events.push(event('response.output_item.added', { output_index: 0,
			item: { ...item, ...(item.content ? { content: [] } : {}), status: 'in_progress' } }));
		for (const delta of item.content ? pieces(say.text) : [])
			events.push(event('response.output_text.delta', { ...at, delta }));
		events.push(event('response.output_item.done', { output_index: 0, item }));
	}
	events.push(event('response.completed', { response: whole }));
	return { whole, events };
}

function responses(request, body, response) {
	const { whole, events } = makeResponse(body, Array.isArray(body.input) ? body.input : [body.input]);
	if (body.stream)
		sendEvents(response, events);
	else
		sendJson(response, 200, whole);
}

/* Over a WebSocket only what is new is sent, and the response it follows is named. */
const conversations = new Map();
async function responsesSocket(socket, data) {
	const body = JSON.parse(data);
	const input = [...(conversations.get(body.previous_response_id) ?? []), ...(body.input ?? [])];
	const { whole, events } = makeResponse(body, input);
	conversations.set(whole.id, [...input, ...whole.output]);
	for (const [, event] of events) {
		socket.send(JSON.stringify(event));
		await sleep(3);
	}
}

function chat(request, body, response) {
	const hasResult = body.messages.some((m) => m.role === 'tool');
	const say = plan(body.messages, (body.tools ?? []).map((t) => t.function?.name), hasResult);
	const call = say.tool && { id: id('call_'), type: 'function',
		function: { name: say.tool, arguments: JSON.stringify(toolArguments(say.tool, say.command)) } };
	const finish = call ? 'tool_calls' : 'stop';
	const head = { id: id('chatcmpl-'), created: now(), model: body.model };
	const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
	if (!body.stream) {
		const message = { role: 'assistant', content: call ? null : say.text, ...(call && { tool_calls: [call] }) };
		sendJson(response, 200, { ...head, object: 'chat.completion', usage,
			choices: [{ index: 0, message, finish_reason: finish }] });
		return;
	}
	const chunk = (delta, reason = null) => [null, { ...head, object: 'chat.completion.chunk',
		choices: [{ index: 0, delta, finish_reason: reason }] }];
	sendEvents(response, [
		chunk({ role: 'assistant', content: call ? null : '' }),
		...(call ? [chunk({ tool_calls: [{ index: 0, ...call }] })]
			: pieces(say.text).map((content) => chunk({ content }))),
		chunk({}, finish),
		[null, { ...head, object: 'chat.completion.chunk', choices: [], usage }],
		[null, '[DONE]'],
	]);
}

// ---- Gemini ----

function gemini(request, body, response) {
	const parts = (body.contents ?? []).flatMap((c) => c.parts ?? []);
	const tools = (body.tools ?? []).flatMap((t) => t.functionDeclarations ?? []).map((t) => t.name);
	const say = plan(body.contents, tools, parts.some((p) => p.functionResponse));
	const all = say.tool
		? [{ functionCall: { name: say.tool, args: toolArguments(say.tool, say.command) } }]
		: pieces(say.text).map((text) => ({ text }));
	const answer = (parts, last) => ({ responseId: id(''), modelVersion: 'gemini-mock',
		candidates: [{ index: 0, content: { role: 'model', parts }, ...(last && { finishReason: 'STOP' }) }],
		usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120 } });
	/* Asked for JSON (routing, loop checks), prose would not do. */
	if (body.generationConfig?.responseMimeType === 'application/json')
		all.splice(0, all.length, { text: '{"complexity_reasoning": "short", "complexity_score": 10, "reasoning": "short", "model_choice": "flash"}' });
	if (!request.path.includes('stream')) {
		sendJson(response, 200, answer(all, true));
		return;
	}
	sendEvents(response, all.map((part, i) => [null, answer([part], i === all.length - 1)]));
}

// ---- one request ----

const ROUTES = [
	['POST', /^\/v1\/messages$/, anthropic],
	['POST', /^\/v1\/messages\/count_tokens$/, (q, b, r) => sendJson(r, 200, { input_tokens: 100 })],
	['POST', /^\/v1\/responses$/, responses],
	['POST', /^\/v1\/chat\/completions$/, chat],
	['POST', /^\/v1beta\/models\/[^:]+:(g|streamG)enerateContent$/, gemini],
	['POST', /^\/v1beta\/models\/[^:]+:countTokens$/, (q, b, r) => sendJson(r, 200, { totalTokens: 100 })],
];

function decode(data, coding) {
	switch (coding) {
	case 'gzip': return zlib.gunzipSync(data);
	case 'br': return zlib.brotliDecompressSync(data);
	case 'deflate': return zlib.inflateSync(data);
	default: return data;
	}
}

/* The statuses that questions get before they are answered. */
const refusals = options.includes('--busy') ? [429, null, 500] : [];

function refuse(response) {
	const status = refusals.shift();
	if (!status) return false;
	response.setHeader('retry-after-ms', '5');
	sendJson(response, status, { error: { type: 'overloaded_error', message: `Busy, ${id('', 4)}` } });
	return true;
}

async function serve(stream, response) {
	const parts = [];
	for await (const part of stream) parts.push(part);
	const path = stream.url.split('?')[0];
	const headers = stream.headers;
	const text = decode(Buffer.concat(parts), headers['content-encoding']).toString();
	note(stream, stream.httpVersion, headers[':authority'] ?? headers.host ?? '', text);
	const route = ROUTES.find(([method, pattern]) => method === stream.method && pattern.test(path));
	if (!route) {
		sendJson(response, 404, { error: { type: 'not_found_error', message: 'Not found', id: id('') } });
		return;
	}
	if (refuse(response)) return;
	try {
		await route[2]({ path }, JSON.parse(text), response);
	} catch (error) {
		console.error(stream.url, error);
		sendJson(response, 400, { error: { type: 'invalid_request_error', message: String(error) } });
	}
}

const server = createSecureServer({ allowHTTP1: true, cert: readFileSync(certificate), key: readFileSync(key) },
	(stream, response) => serve(stream, response).catch((error) => console.error(error)));

function note(request, version, host, body) {
	appendFileSync(join(folder, 'log'), JSON.stringify({ time: Date.now(), http: version, host,
		method: request.method, target: request.url, headers: request.headers, body }) + '\n');
}

const WebSocketServer = options.includes('--websocket')
	&& createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'))('ws').WebSocketServer;
const sockets = WebSocketServer && new WebSocketServer({ noServer: true, perMessageDeflate: true });
server.on('upgrade', (request, socket, head) => {
	note(request, 'upgrade', request.headers.host, '');
	if (!sockets) {
		socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
		return;
	}
	sockets.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => {
		note(request, 'websocket', request.headers.host, data.toString());
		responsesSocket(ws, data);
	}));
});
server.on('sessionError', (error) => console.error('session', error.code));
server.on('tlsClientError', (error, socket) => console.error('tls', error.code, socket.servername));
server.listen(443, '127.0.0.1', () => writeFileSync(join(folder, 'ready'), ''));
