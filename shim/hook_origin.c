/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/inline.h"
#include "shim/origin.h"
#include "shim/real.h"

/*
 * Random bytes and temporary names. Safety: origin.c's; what the calls return, and errno, is the
 * real functions'. Those of libc call each other inside it, where no hook is: nothing is told
 * twice.
 */

ssize_t shim_getrandom(void *buf, size_t n, unsigned int flags)
{
	ssize_t r = real.getrandom(buf, n, flags);

	if (r > 0)
		origin_drew(buf, (size_t)r);
	return r;
}

int shim_getentropy(void *buf, size_t n)
{
	int r = real.getentropy(buf, n);

	if (r == 0)
		origin_drew(buf, n);
	return r;
}

void shim_arc4random_buf(void *buf, size_t n)
{
	real.arc4random_buf(buf, n);
	origin_drew(buf, n);
}

/* The main program's own: node, whose OpenSSL all of its random bytes come from. */
int inline_EVP_RAND_generate(void *context, unsigned char *out, size_t n, unsigned int strength,
	int prediction_resistance, const unsigned char *input, size_t input_len)
{
	int r = inline_original.EVP_RAND_generate(
		context, out, n, strength, prediction_resistance, input, input_len);

	if (r > 0)
		origin_drew(out, n);
	return r;
}

static char *made(char *path)
{
	if (path)
		origin_made(path);
	return path;
}

char *shim_mkdtemp(char *path)
{
	return made(real.mkdtemp(path));
}

char *shim_tmpnam(char *path)
{
	return made(real.tmpnam(path));
}

char *shim_tempnam(const char *folder, const char *prefix)
{
	return made(real.tempnam(folder, prefix));
}

int shim_mkdir(const char *path, mode_t mode)
{
	int r = real.mkdir(path, mode);

	if (r == 0)
		origin_created(path);
	return r;
}

int shim_mkdirat(int dir, const char *path, mode_t mode)
{
	int r = real.mkdirat(dir, path, mode);

	if (r == 0)
		origin_created(path);
	return r;
}
