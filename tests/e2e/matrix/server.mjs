// SPDX-License-Identifier: Apache-2.0
//
// What every client of the matrix talks to: one script of answers over HTTP/1.1, HTTP/2 with and
// without TLS, WebSocket, gRPC, git, and a protocol of lines.
//
//     node server.mjs FOLDER CERTIFICATE KEY [GIT-FOLDER]
//
// Answers hold random ids, so a replay that reached a server cannot pass; they are runs of at least
// 16 hexadecimal digits, by which tests tell them from the rest. FOLDER/ports has lines of
// NAME PORT once it listens, FOLDER/log one JSON line per request.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import { createRequire } from 'node:module';
import net from 'node:net';
import { join } from 'node:path';
import tls from 'node:tls';
import zlib from 'node:zlib';

const [folder, certificate, key, gitFolder] = process.argv.slice(2);
const require = createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'));
const pair = { cert: readFileSync(certificate), key: readFileSync(key) };
const id = () => randomBytes(8).toString('hex');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
mkdirSync(folder, { recursive: true });

function note(record) {
	appendFileSync(join(folder, 'log'), JSON.stringify(record) + '\n');
}

// ---- HTTP ----

function send(response, status, headers, body) {
	response.writeHead(status, { 'x-request-id': id(), ...headers, 'content-length': Buffer.byteLength(body) });
	response.end(body);
}

const json = (response, status, value) =>
	send(response, status, { 'content-type': 'application/json' }, JSON.stringify(value) + '\n');

/* One frame of one raw block: no zstd encoder is needed for that. */
function zstdStored(data) {
	const head = Buffer.alloc(12);
	head.writeUInt32LE(0xfd2fb528, 0);
	head[4] = 0xa0; /* one segment, four bytes of content size */
	head.writeUInt32LE(data.length, 5);
	head.writeUIntLE((data.length << 3) | 1, 9, 3);
	return Buffer.concat([head, data]);
}

const CODINGS = { gzip: zlib.gzipSync, br: zlib.brotliCompressSync, zstd: zstdStored };

async function events(response, list, end) {
	response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': id() });
	for (const event of list) {
		response.write(typeof event === 'string' ? event : `data: ${JSON.stringify(event)}\n\n`);
		await sleep(5);
	}
	response.end(end);
}

function chat(response, model) {
	const head = { id: `chatcmpl-${id()}`, object: 'chat.completion.chunk', created: 1700000000, model };
	const chunk = (delta, reason) => ({ ...head, choices: [{ index: 0, delta, finish_reason: reason }] });
	return events(response, [...Array.from({ length: 20 }, (_, i) => chunk({ content: `word ${i} ${id()} ` }, null)),
		chunk({}, 'stop')], 'data: [DONE]\n\n');
}

function messages(response, model) {
	const usage = { input_tokens: 10, output_tokens: 20 };
	const event = (type, fields) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
	return events(response, [
		event('message_start', { message: { id: `msg_${id()}`, type: 'message', role: 'assistant', model,
			content: [], stop_reason: null, stop_sequence: null, usage } }),
		event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
		...Array.from({ length: 20 }, (_, i) => event('content_block_delta',
			{ index: 0, delta: { type: 'text_delta', text: `word ${i} ${id()} ` } })),
		event('content_block_stop', { index: 0 }),
		event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage }),
		event('message_stop', {})]);
}

/* git's own CGI program serves the repository. */
function git(url, request, body, response) {
	const cgi = spawn('git', ['http-backend'], { env: { PATH: process.env.PATH, GIT_PROJECT_ROOT: gitFolder,
		GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: url.pathname.slice(4), QUERY_STRING: url.search.slice(1),
		REQUEST_METHOD: request.method, CONTENT_TYPE: request.headers['content-type'] ?? '',
		CONTENT_LENGTH: String(body.length), GIT_PROTOCOL: request.headers['git-protocol'] ?? '',
		HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '' } });
	const parts = [];
	cgi.stdout.on('data', (part) => parts.push(part));
	cgi.on('close', () => {
		const out = Buffer.concat(parts), end = out.indexOf('\r\n\r\n');
		const fields = out.subarray(0, end).toString().split('\r\n').map((line) => line.split(': '));
		const headers = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]));
		const status = Number.parseInt(headers.status ?? '200', 10);
		delete headers.status;
		send(response, status, headers, out.subarray(end + 4));
	});
	cgi.stdin.end(body);
}

const ROUTES = {
	'/json': (r) => json(r, 200, { id: id() }),
	'/page': async (r, url) => {
		await sleep(Number(url.searchParams.get('ms')));
		json(r, 200, { page: url.searchParams.get('i'), token: id() });
	},
	'/echo': (r, url, request, body) => json(r, 200, { id: id(), length: body.length,
		digest: createHash('sha256').update(body).digest('base64').slice(0, 12) }),
	'/sse': (r) => events(r, Array.from({ length: 20 }, (_, i) => ({ i, word: id() })), 'data: [DONE]\n\n'),
	'/error': (r) => json(r, 500, { error: { message: 'it broke', id: id() } }),
	'/large': (r) => send(r, 200, { 'content-type': 'application/octet-stream' }, randomBytes(5 << 20)),
	'/trailers': (r) => {
		r.writeHead(200, { 'content-type': 'text/plain', trailer: 'x-sum' });
		r.write(`first ${id()}\n`);
		r.addTrailers({ 'x-sum': id() });
		setTimeout(() => r.end(`last ${id()}\n`), 5);
	},
	'/coded': (r, url) => {
		const coding = url.searchParams.get('coding');
		send(r, 200, { 'content-type': 'text/plain', 'content-encoding': coding },
			CODINGS[coding](Buffer.from(`${coding} ${id()}\n`.repeat(200))));
	},
	'/v1/chat/completions': (r, url, request, body) => chat(r, JSON.parse(body).model),
	'/v1/messages': (r, url, request, body) => messages(r, JSON.parse(body).model),
};

async function serve(request, response) {
	const parts = [];
	for await (const part of request) parts.push(part);
	const body = Buffer.concat(parts), url = new URL(request.url, 'http://localhost');
	note({ http: request.httpVersion, method: request.method, target: request.url, headers: request.headers });
	if (url.pathname.startsWith('/git/'))
		git(url, request, body, response);
	else if (ROUTES[url.pathname])
		await ROUTES[url.pathname](response, url, request, body);
	else
		json(response, 404, { error: { message: 'no such path', id: id() } });
}

const handler = (request, response) => serve(request, response).catch((error) => console.error(error));

// ---- WebSocket: greets, echoes, streams ----

const { WebSocketServer } = require('ws');
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });
function upgrade(request, socket, head) {
	note({ http: 'websocket', method: request.method, target: request.url, headers: request.headers });
	sockets.handleUpgrade(request, socket, head, (ws) => {
		ws.send(`hello ${id()}`);
		ws.on('message', async (data, isBinary) => {
			if (isBinary) {
				ws.send(Buffer.concat([randomBytes(8), data]));
				return;
			}
			ws.send(`echo ${id()} ${data}`);
			for (let i = 0; data.toString() === 'stream' && i < 20; i++) {
				ws.send(`part ${i} ${id()} ${'x'.repeat(i * 10)}`);
				await sleep(3);
			}
		});
	});
}

// ---- gRPC: messages are bytes, so that no description of them is needed ----

const grpc = require('@grpc/grpc-js');
const bytes = { serialize: (b) => b, deserialize: (b) => b };
const method = (name, requestStream, responseStream) => ({ path: `/test.Matrix/${name}`, requestStream, responseStream,
	requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize,
	responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize });
const reply = (text) => Buffer.from(`${text} ${id()}`);

function grpcServer() {
	const server = new grpc.Server();
	server.addService({ unary: method('Unary', false, false), stream: method('Stream', false, true),
		chat: method('Chat', true, true), fail: method('Fail', false, false) }, {
		unary: (call, done) => {
			note({ http: 'grpc', target: 'Unary' });
			const trailers = new grpc.Metadata();
			trailers.set('x-trailer', id());
			done(null, reply(`hello ${call.request}`), trailers);
		},
		stream: async (call) => {
			for (let i = 0; i < 20; i++) {
				call.write(reply(`part ${i}`));
				await sleep(3);
			}
			call.end();
		},
		chat: (call) => {
			call.on('data', (data) => call.write(reply(`echo ${data}`)));
			call.on('end', () => call.end());
		},
		fail: (call, done) => done({ code: grpc.status.FAILED_PRECONDITION, details: `not now ${id()}` }),
	});
	return server;
}

// ---- a protocol of lines: the server speaks first ----

function lines(socket) {
	let rest = '', count = 0;
	note({ http: 'lines' });
	socket.write(`220 ready ${id()}\n`);
	socket.on('data', (data) => {
		const all = (rest + data).split('\n');
		rest = all.pop();
		for (const line of all) {
			if (line === 'quit') {
				socket.end(`221 bye ${id()}\n`);
				return;
			}
			socket.write(`250 ${++count} ${line} ${id()}\n`);
		}
	});
	socket.on('error', () => {});
}

// ---- listening ----

const listen = (server) => new Promise((resolve) =>
	server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
const listenGrpc = (credentials) => new Promise((resolve, reject) =>
	grpcServer().bindAsync('127.0.0.1:0', credentials, (error, port) => error ? reject(error) : resolve(port)));

const secure = http2.createSecureServer({ ...pair, allowHTTP1: true }, handler).on('upgrade', upgrade);
const ports = {
	/* Apart, since this one ignores an Upgrade to h2c, as servers do. */
	http: await listen(http.createServer(handler)),
	ws: await listen(http.createServer(handler).on('upgrade', upgrade)),
	https: await listen(secure),
	h2c: await listen(http2.createServer(handler)),
	grpc: await listenGrpc(grpc.ServerCredentials.createInsecure()),
	grpcs: await listenGrpc(grpc.ServerCredentials.createSsl(null, [{ cert_chain: pair.cert, private_key: pair.key }])),
	lines: await listen(net.createServer(lines)),
	liness: await listen(tls.createServer(pair, lines).on('tlsClientError', () => {})),
};
writeFileSync(join(folder, 'ports.new'), Object.entries(ports).map(([name, port]) => `${name} ${port}\n`).join(''));
renameSync(join(folder, 'ports.new'), join(folder, 'ports'));
