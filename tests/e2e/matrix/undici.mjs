// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { script } from './script.mjs';

const { request } = createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'))('undici');

await script(async (method, target, body) => {
	const response = await request(process.env.BASE + target, { method, body });
	return { status: response.statusCode, type: response.headers['content-type'], chunks: response.body };
});
