// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const grpc = createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'))('@grpc/grpc-js');
const credentials = process.env.SCHEME === 'https'
	? grpc.credentials.createSsl(process.env.NODE_EXTRA_CA_CERTS ? readFileSync(process.env.NODE_EXTRA_CA_CERTS) : undefined)
	: grpc.credentials.createInsecure();
const client = new grpc.Client(`localhost:${process.env.GRPC_PORT}`, credentials);
const bytes = (b) => b;
const path = (name) => `/test.Matrix/${name}`;
const unary = (name, text) => new Promise((resolve) => {
	let trailers;
	const call = client.makeUnaryRequest(path(name), bytes, bytes, Buffer.from(text), (error, answer) =>
		setImmediate(() => resolve(error ? `${error.code} ${error.details}` : `${answer} ${trailers?.get('x-trailer')}`)));
	call.on('status', (status) => { trailers = status.metadata; });
});

console.log(await unary('Unary', 'one'));
console.log((await Promise.all([2, 3, 4, 5].map((i) => unary('Unary', `number ${i}`)))).join('\n'));
for await (const part of client.makeServerStreamRequest(path('Stream'), bytes, bytes, Buffer.from('go')))
	console.log(part.toString());
const chat = client.makeBidiStreamRequest(path('Chat'), bytes, bytes);
const words = ['a', 'b', 'c'];
chat.write(Buffer.from(words.shift()));
for await (const part of chat) {
	console.log(part.toString());
	if (words.length)
		chat.write(Buffer.from(words.shift()));
	else
		chat.end();
}
console.log(await unary('Fail', 'x'));
client.close();
