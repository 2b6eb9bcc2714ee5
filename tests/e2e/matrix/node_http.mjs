// SPDX-License-Identifier: Apache-2.0
import http from 'node:http';
import https from 'node:https';
import { script } from './script.mjs';

const { BASE } = process.env;
const { Agent, request } = BASE.startsWith('https') ? https : http;
const agent = new Agent({ keepAlive: true });

await script((method, target, body) => new Promise((resolve, reject) => {
	const outgoing = request(BASE + target, { method, agent }, (response) =>
		resolve({ status: response.statusCode, type: response.headers['content-type'], chunks: response }));
	outgoing.on('error', reject);
	outgoing.end(body);
}));
agent.destroy();
