// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { script } from './script.mjs';

const axios = createRequire(join(process.env.CLIENTS_FOLDER, 'package.json'))('axios');

await script(async (method, url, data) => {
	const response = await axios({ baseURL: process.env.BASE, method, url, data, responseType: 'stream',
		headers: data ? { 'content-type': 'application/json' } : {}, validateStatus: () => true });
	return { status: response.status, type: response.headers['content-type'], chunks: response.data };
}, { codings: ['gzip', 'br'] });
