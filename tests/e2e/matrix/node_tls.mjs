// SPDX-License-Identifier: Apache-2.0
//
// The protocol of lines over TCP or TLS.
import net from 'node:net';
import tls from 'node:tls';

const options = { host: 'localhost', port: Number(process.env.LINES_PORT), servername: 'localhost' };
const socket = process.env.SCHEME === 'https' ? tls.connect(options) : net.connect({ ...options, host: '127.0.0.1' });
const say = ['one', 'two', 'three', 'quit'];
let rest = '';

socket.on('data', (data) => {
	const lines = (rest + data).split('\n');
	rest = lines.pop();
	for (const line of lines) {
		console.log(line);
		if (say.length)
			socket.write(`${say.shift()}\n`);
	}
});
socket.on('end', () => console.log('end'));
socket.on('error', (error) => {
	console.log('error', error.code);
	process.exitCode = 1;
});
