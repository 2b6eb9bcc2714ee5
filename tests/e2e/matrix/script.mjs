// SPDX-License-Identifier: Apache-2.0
//
// The calls every JavaScript client makes, and how it tells about them.
//
// `call(method, target, body)` is the client: it resolves to { status, type, chunks }, `chunks`
// being an async iterable of the body's bytes.
import { createHash } from 'node:crypto';

async function collect(chunks) {
	const parts = [];
	for await (const chunk of chunks) parts.push(Buffer.from(chunk));
	return Buffer.concat(parts);
}

export function tell(name, { status, type }, body) {
	const shown = body.length < 2000 && !body.includes(0) ? body.toString('latin1').trimEnd()
		: `${body.length} bytes ${createHash('sha256').update(body).digest('hex')}`;
	console.log(`${name}: ${status} ${type}\n${shown}`);
}

export async function script(call, { codings = [] } = {}) {
	const one = async (name, ...args) => {
		const answer = await call(...args);
		tell(name, answer, await collect(answer.chunks));
	};
	await one('get', 'GET', '/json');
	await one('post', 'POST', '/echo', '{"b":1,"a":[1,2]}');
	await one('large post', 'POST', '/echo', JSON.stringify({ text: 'a long text '.repeat(20000) }));
	await one('stream', 'GET', '/sse');
	const pages = await Promise.all(Array.from({ length: 8 }, async (_, i) => {
		const answer = await call('GET', `/page?i=${i}&ms=${40 - 5 * i}`);
		return [answer, await collect(answer.chunks)];
	}));
	pages.forEach(([answer, body], i) => tell(`page ${i}`, answer, body));
	await one('error', 'GET', '/error');
	await one('not found', 'GET', '/nothing');
	await one('large', 'GET', '/large');
	for (const coding of codings)
		await one(coding, 'GET', `/coded?coding=${coding}`);
}
