/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include "replay/websocket.h"

/*
 * The first byte says who speaks and what was agreed on, the second how the rest is cut up: the
 * messages must not depend on the cuts, and read the same when they are written again.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is)
{
	if (!is)
		abort();
}

static void note(struct buffer *out, const struct websocket_message *m)
{
	buffer_printf(out, "\n%d %zu %zu ", m->opcode, m->bytes.len, m->wire_bytes);
	buffer_append(out, m->bytes.data, m->bytes.len);
}

static void write_and_read(const struct websocket_message *m)
{
	struct websocket_terms terms = {.client_bits = 15, .server_bits = 15};
	struct websocket_reader *r = websocket_reader_new(&terms, false);
	struct buffer wire = BUFFER(WEBSOCKET_MESSAGE_MAX + 16);
	struct websocket_message again;
	struct span input;

	require(websocket_write(&wire, m->opcode, m->bytes) == 0);
	input = (struct span){wire.data, wire.len};
	require(websocket_read(r, &input, &again) == 1 && !input.len);
	require(again.opcode == m->opcode && span_equal(again.bytes, m->bytes));
	buffer_free(&wire);
	websocket_reader_free(r);
}

static struct buffer run(uint8_t control, struct span input, size_t step)
{
	struct websocket_terms terms = {
		control & 2, control & 4, control & 4, .client_bits = 15, .server_bits = 15};
	struct websocket_reader *r = websocket_reader_new(&terms, control & 1);
	struct buffer out = BUFFER(1 << 28);
	struct websocket_message m;
	int result = 0;

	for (size_t at = 0; at < input.len && result >= 0; at += step) {
		struct span piece = {
			input.data + at, input.len - at < step ? input.len - at : step};

		while ((result = websocket_read(r, &piece, &m)) == 1) {
			note(&out, &m);
			write_and_read(&m);
		}
		require(result < 0 || !piece.len);
	}
	buffer_printf(&out, "\n%d", result);
	websocket_reader_free(r);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer whole, cut;
	struct span input;

	if (size < 3)
		return 0;
	input = (struct span){data + 2, size - 2};
	whole = run(data[0], input, size);
	cut = run(data[0], input, 1 + data[1] % 32);
	require(span_equal((struct span){whole.data, whole.len}, (struct span){cut.data, cut.len}));
	buffer_free(&whole);
	buffer_free(&cut);
	return 0;
}
