/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/mark.h"

#include "shim/control.h"
#include "shim/start.h"

/* Safety: one question over the control socket (control.h); what it changes is errno alone. */

static int note(const char *label, size_t label_len, const char *metadata, size_t len)
{
	struct wire_request request;
	struct wire_reply reply;
	int r;

	control_begin(&request, WIRE_CALL_CHECKPOINT);
	memcpy(request.resolve.node, label, label_len);
	if (len)
		memcpy(request.resolve.message, metadata, len);
	request.resolve.count = (uint32_t)len;
	r = control_call(&request, &reply);
	return r < 0 ? r : -reply.error;
}

int rrs_checkpoint(const char *label, const char *metadata)
{
	size_t label_len = label ? strnlen(label, WIRE_RESOLVE_NAME) : 0;
	size_t len = metadata ? strnlen(metadata, WIRE_MESSAGE_BYTES + 1) : 0;
	int r;
	SAVE_ERRNO();

	if (label_len == 0 || label_len == WIRE_RESOLVE_NAME || len > WIRE_MESSAGE_BYTES)
		return -EINVAL;
	r = start_ready() ? note(label, label_len, metadata, len) : -ENOTCONN;
	RESTORE_ERRNO();
	return r;
}
