// SPDX-License-Identifier: Apache-2.0
//
// A WebSocket with permessage-deflate: of the package `ws`, or of the runtime with --own.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';

const Socket = process.argv[2] === '--own' ? globalThis.WebSocket
	: createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'))('ws');
const socket = new Socket(process.env.BASE.replace(/^http/, 'ws') + '/socket');
socket.binaryType = 'arraybuffer';
let parts = 0;

socket.addEventListener('message', ({ data }) => {
	const binary = typeof data !== 'string';
	console.log(binary ? `binary ${Buffer.from(data).toString('hex')}` : data);
	if (!binary && data.startsWith('hello'))
		socket.send('first');
	else if (!binary && / first$/.test(data))
		socket.send('stream');
	else if (!binary && data.startsWith('part') && ++parts === 20)
		socket.send(new Uint8Array([1, 2, 3]));
	else if (binary)
		socket.close(1000, 'done');
});
socket.addEventListener('error', (event) => {
	console.log('error', event.message);
	process.exitCode = 1;
});
socket.addEventListener('close', ({ code, wasClean }) => console.log('closed', code, wasClean));
