// SPDX-License-Identifier: Apache-2.0
//
// fetch() of whatever runtime runs this: node, bun or deno.
import process from 'node:process';
import { script } from './script.mjs';

await script(async (method, target, body) => {
	const response = await fetch(process.env.BASE + target,
		{ method, body, headers: body ? { 'content-type': 'application/json' } : {} });
	return { status: response.status, type: response.headers.get('content-type'), chunks: response.body };
}, { codings: ['gzip', 'br'] });
