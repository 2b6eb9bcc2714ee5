/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/http1_private.h"

#include <errno.h>
#include <string.h>

enum start_state {
	START_METHOD,
	START_TARGET,
	START_REQUEST_VERSION,
	START_REQUEST_MINOR,
	START_RESPONSE_VERSION,
	START_RESPONSE_MINOR,
	START_STATUS,
	START_REASON,
	START_CR_OR_LF,
	START_LF
};

static const char http_version[] = "HTTP/1.";

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_token(uint8_t c)
{
	if (is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

static int enter(struct http1_start *s, enum start_state state)
{
	s->state = state;
	s->at = 0;
	return -EAGAIN;
}

static int line_end(struct http1_start *s, uint8_t c)
{
	if (c == '\n')
		return 0;
	return c == '\r' ? enter(s, START_LF) : -EBADMSG;
}

static int step_method(struct http1_start *s, uint8_t c)
{
	if (c == ' ' && s->at)
		return enter(s, START_TARGET);
	return is_token(c) && s->at++ < HTTP1_METHOD_BYTES_MAX ? -EAGAIN : -EBADMSG;
}

static int step_target(struct http1_start *s, uint8_t c)
{
	if (c == ' ' && s->at)
		return enter(s, START_REQUEST_VERSION);
	if (c <= ' ' || c == 0x7f)
		return -EBADMSG;
	s->at = 1;
	return -EAGAIN;
}

static int step_version(struct http1_start *s, uint8_t c, enum start_state next)
{
	if (c != (uint8_t)http_version[s->at])
		return -EBADMSG;
	return http_version[++s->at] ? -EAGAIN : enter(s, next);
}

static int step_minor(struct http1_start *s, uint8_t c, enum start_state next)
{
	if (!s->at++)
		return is_digit(c) ? -EAGAIN : -EBADMSG;
	if (next == START_CR_OR_LF)
		return line_end(s, c);
	return c == ' ' ? enter(s, next) : -EBADMSG;
}

static int step_status(struct http1_start *s, uint8_t c)
{
	if (s->at++ < 3)
		return is_digit(c) ? -EAGAIN : -EBADMSG;
	/* Real servers leave the reason out, with its space or without. */
	return c == ' ' ? enter(s, START_REASON) : line_end(s, c);
}

static int step_reason(uint8_t c)
{
	if (c == '\n')
		return 0;
	return c ? -EAGAIN : -EBADMSG;
}

void http1_start_begin(struct http1_start *s, enum http1_role role)
{
	enter(s, role == HTTP1_REQUEST ? START_METHOD : START_RESPONSE_VERSION);
}

int http1_start_step(struct http1_start *s, uint8_t c)
{
	switch (s->state) {
	case START_METHOD:
		return step_method(s, c);
	case START_TARGET:
		return step_target(s, c);
	case START_REQUEST_VERSION:
		return step_version(s, c, START_REQUEST_MINOR);
	case START_REQUEST_MINOR:
		return step_minor(s, c, START_CR_OR_LF);
	case START_RESPONSE_VERSION:
		return step_version(s, c, START_RESPONSE_MINOR);
	case START_RESPONSE_MINOR:
		return step_minor(s, c, START_STATUS);
	case START_STATUS:
		return step_status(s, c);
	case START_REASON:
		return step_reason(c);
	default:
		return c == '\n' ? 0 : -EBADMSG;
	}
}
