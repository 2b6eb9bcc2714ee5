// SPDX-License-Identifier: Apache-2.0
//
// One HTTP/2 connection for everything: streams side by side, trailers, PING.
import http2 from 'node:http2';
import { script } from './script.mjs';

const session = http2.connect(process.env.BASE);
session.on('error', (error) => {
	console.log('session:', error.message);
	process.exit(1);
});

await script((method, target, body) => new Promise((resolve, reject) => {
	const stream = session.request({ ':method': method, ':path': target, ...(body && { 'content-type': 'application/json' }) });
	stream.on('response', (headers) =>
		resolve({ status: headers[':status'], type: headers['content-type'], chunks: stream }));
	stream.on('error', reject);
	stream.end(body);
}));

await new Promise((resolve, reject) => session.ping((error) => error ? reject(error) : resolve()));
console.log('pinged');
const stream = session.request({ ':path': '/trailers' });
stream.on('trailers', (trailers) => console.log('trailers:', trailers['x-sum']));
for await (const chunk of stream) process.stdout.write(chunk);
session.close();
