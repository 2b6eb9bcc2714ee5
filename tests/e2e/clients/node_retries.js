// SPDX-License-Identifier: Apache-2.0
// A vendor's SDK meets failures and tries again by itself: what it comes to, and how often it asked.
'use strict';

async function main() {
	for (const [name, SDK] of [['openai', require('openai')], ['anthropic', require('@anthropic-ai/sdk')]]) {
		const client = new SDK.default({ baseURL: process.env.HTTPS, apiKey: 'sk-not-a-key', maxRetries: 3 });
		for (const status of [429, 500]) {
			const answer = await client.post(`/flaky?key=${name}${status}&fail=2&status=${status}`,
				{ body: { model: 'm', messages: [{ role: 'user', content: 'hi' }] } });
			console.log(name, status, JSON.stringify(answer));
		}
	}
}

main();
