// SPDX-License-Identifier: Apache-2.0
// Names by node's own resolver (c-ares) and by libc's; then each name given.
const dns = require('dns').promises;

async function show(what, answer) {
	try {
		console.log(what, JSON.stringify(await answer));
	} catch (e) {
		console.log(what, e.code);
	}
}

(async () => {
	await show('a', dns.resolve4('host.test'));
	await show('aaaa', dns.resolve6('host.test'));
	await show('mx', dns.resolveMx('host.test'));
	await show('txt', dns.resolveTxt('host.test'));
	await show('srv', dns.resolveSrv('host.test'));
	await show('alias', dns.resolve4('alias.test', {ttl: true}));
	await show('cname', dns.resolveCname('alias.test'));
	await show('no data', dns.resolve6('counted.test'));
	await show('none', dns.resolve4('nothing.test'));
	await show('failure', dns.resolve4('broken.test'));
	await show('reverse', dns.reverse('192.0.2.9'));
	for (let i = 0; i < 3; i++)
		await show('in turn', dns.resolve4('counted.test'));
	await show('lookup', dns.lookup('host.test', {all: true, verbatim: true}));
	for (const name of process.argv.slice(2)) {
		await show(name, dns.resolve4(name));
		await show(name, dns.resolve6(name));
		await show(name, dns.resolveMx(name));
	}
})();
