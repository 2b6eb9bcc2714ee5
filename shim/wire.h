/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_WIRE_H
#define SHIM_WIRE_H

/*
 * The contract between librrshim.so and the helper: the arena they share and the control socket.
 * Both sides treat what they read here as hostile: lengths and positions are checked against the
 * compile-time geometry below, never against each other's word. Bump WIRE_VERSION on any change of
 * layout; both sides refuse a version that is not theirs.
 *
 * The session folder (0700, on tmpfs) holds:
 *   librrshim.so  a link to the library: whoever is preloaded by this path finds the session by it
 *   arena         struct wire_arena, WIRE_SLOTS slots, WIRE_RINGS ring heads, WIRE_RINGS rings
 *   control       a SOCK_SEQPACKET socket: one wire_request, one wire_reply, close
 */

#include <stdatomic.h>
#include <stdint.h>

#define WIRE_MAGIC   0x61727272u /* "rrra" */
#define WIRE_VERSION 5

#define WIRE_LIBRARY "librrshim.so"
#define WIRE_ARENA   "arena"
#define WIRE_CONTROL "control"

/* Session folders are in <tmpfs>/rrshim-<uid>/; a session that began without a launcher is linked
 * there as root-<pid of its first process>. */
#define WIRE_BASE      "rrshim-"
#define WIRE_ROOT_LINK "root-"

#define WIRE_SLOTS       1024
#define WIRE_RINGS       1024
#define WIRE_RING_BYTES  (512u * 1024)
#define WIRE_PAYLOAD_MAX (64u * 1024) /* of one record; more is split */
#define WIRE_CA_MAX      2048
#define WIRE_PATH_MAX    256

enum wire_mode { WIRE_RECORD = 1, WIRE_REPLAY = 2 };

/* Which connections the helper carries, where it can (ca_len is not 0). */
enum wire_bridge {
	WIRE_BRIDGE_AUTO = 0, /* those whose TLS no tap shows */
	WIRE_BRIDGE_ALWAYS,   /* all that carry TLS */
	WIRE_BRIDGE_NEVER
};

enum wire_state {
	WIRE_STARTING = 0,
	WIRE_LIVE = 1,  /* append, call */
	WIRE_CLOSED = 2 /* no more: record fails open, replay fails closed */
};

/* Offset 0 of the arena. */
struct wire_arena {
	uint32_t magic, version, mode, root_pid;
	uint32_t helper_pid, ca_len;
	uint32_t bridge, reserved; /* record: enum wire_bridge */
	uint64_t pid_namespace;    /* the helper's */
	_Atomic uint32_t state;
	uint8_t ca[WIRE_CA_MAX]; /* session CA certificate, DER; `ca_len` 0: there is none */
	/* The program that starts images no preload reaches; "": they cannot be listened to. */
	char trampoline[WIRE_PATH_MAX];

	/* Written by the helper, polled by programs only when they must wait. */
	_Alignas(64) _Atomic uint64_t beat; /* one more each time the helper looks */
	_Atomic uint32_t sleeping;          /* the helper waits for the doorbell */
	_Atomic uint32_t complete;          /* futex: WIRE_COMPLETE_* */
	/*
	 * Rings [0, rings_ready) have memory behind them. The rest is a hole: touching it where
	 * tmpfs is full would be a SIGBUS in the program.
	 */
	_Atomic uint32_t rings_ready;

	/* Written by programs. */
	_Alignas(64) _Atomic uint32_t doorbell; /* futex: wakes the helper */
	_Atomic uint32_t root_exiting;          /* the root waits for `complete` */
	_Atomic uint64_t stalled_beat;          /* the helper was given up on at this beat */
	_Atomic uint32_t slots_used;            /* no slot from here on was ever claimed */
	_Atomic uint64_t lost_records;          /* by processes that found no slot or ring */
};

enum { WIRE_COMPLETE_NO = 0, WIRE_COMPLETE_YES = 1, WIRE_COMPLETE_LATER = 2 };

enum wire_slot_state { WIRE_SLOT_FREE = 0, WIRE_SLOT_CLAIMED = 1, WIRE_SLOT_LIVE = 2 };

/* One traced process image. */
struct wire_slot {
	_Atomic uint32_t state;
	uint32_t pid, parent;
	uint32_t forked;        /* 1: a forked child without an exec of its own */
	uint64_t start_ns;      /* CLOCK_MONOTONIC */
	uint64_t pid_namespace; /* inode: pids of another namespace are not ours to watch */
	char exe[240];
	uint32_t argv_len;
	char argv[748]; /* NUL-separated, cut where it does not fit */
};

/* One single-producer ring; its thread owns `head`, the helper owns `tail`. */
struct wire_ring {
	_Atomic uint64_t owner; /* 0 free; else (slot + 1) << 32 | tid */
	_Atomic uint64_t lost_records, lost_bytes;
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
	_Atomic uint32_t space;   /* futex: bumped when the helper has made room */
	_Atomic uint32_t waiting; /* the producer waits on `space` */
};

/*
 * A record: this header, payload, padding to 32 bytes. It never wraps: a WIRE_PAD fills the end.
 * The commit word is a hash of the absolute position, stored last: consumed memory need not be
 * zeroed, and a stale lap never looks committed.
 */
struct wire_record {
	_Atomic uint32_t commit;
	uint32_t len; /* of the payload */
	uint16_t type;
	uint16_t flags;
	_Atomic int32_t result; /* of the call; WIRE_PENDING: an intent not settled */
	uint64_t time_ns;       /* CLOCK_MONOTONIC */
	uint64_t socket;        /* the kernel's socket cookie */
};

#define WIRE_PENDING INT32_MIN
#define WIRE_ALIGN   32u

static inline uint32_t wire_commit_word(uint64_t position)
{
	return (uint32_t)(position >> 5) * 2654435761u ^ 0x52520000u;
}

enum wire_flag { WIRE_CONTINUED = 1 /* the same call as the record before */ };

/*
 * A send or connect is announced by a WIRE_INTENT before the call; what happened follows in records
 * with the intent's time once it has returned (only then is the caller's memory known to be
 * readable), and the intent is settled last. A reader that merges rings by time waits a moment for
 * pending intents, so that a request comes before its answer even when another thread reads that.
 */

enum wire_type {
	WIRE_PAD = 1,
	WIRE_INTENT,
	WIRE_CONNECT,   /* struct wire_connect; result: 0 or −errno */
	WIRE_CONNECTED, /* result: final outcome of a connect in progress */
	WIRE_ADOPT,     /* struct wire_adopt: a connected socket met for the first time here */
	WIRE_SENT,      /* plaintext the kernel has taken */
	WIRE_RECEIVED,  /* plaintext */
	WIRE_HELLO,     /* a TLS ClientHello as sent: the socket carries TLS from here on */
	WIRE_TLS_SENT,  /* 32-byte client random, plaintext */
	WIRE_TLS_RECEIVED,
	WIRE_TLS_END,     /* 32-byte client random: close_notify was received */
	WIRE_END,         /* inbound side over: result 0 (FIN) or −errno */
	WIRE_SHUTDOWN,    /* the program shut its sending side */
	WIRE_CLOSE,       /* a descriptor of the socket was closed */
	WIRE_LISTEN,      /* struct wire_address */
	WIRE_UNSEEN,      /* result bytes passed that could not be copied (splice …) */
	WIRE_UNACCOUNTED, /* result bytes passed a socket that no hook saw any of */
	WIRE_RESOLVE,     /* struct wire_resolve */
	WIRE_EXEC,        /* struct wire_exec */
	WIRE_DNS,         /* struct wire_dns: a DNS message the program sent or was given */
	WIRE_ORIGIN, /* a value the program got that is another in every run; result: its kind */
	WIRE_TYPE_MAX
};

#define WIRE_RANDOM_BYTES 32

enum wire_origin {
	WIRE_ORIGIN_DRAW = 1,  /* random bytes */
	WIRE_ORIGIN_TEMPORARY, /* the path of a temporary file or folder: mkdtemp, mkstemp … */
	WIRE_ORIGIN_CREATED,   /* of a new one right in a folder for them, by whatever name */
	WIRE_ORIGIN_CLOCK,     /* Unix nanoseconds, 8 bytes: its clock is not the system's */
	WIRE_ORIGIN_MAX
};

/* A shorter draw may be anything. node draws its UUIDs as 2048 bytes; what is longer is a seed:
 * that of CPython's random is 2496. */
#define WIRE_DRAW_MIN 4
#define WIRE_DRAW_MAX 2048

struct wire_address {
	uint32_t len;
	uint8_t bytes[28]; /* sockaddr_in or sockaddr_in6 */
};

struct wire_connect {
	int32_t fd;
	struct wire_address address;
};

struct wire_adopt {
	int32_t fd;
	struct wire_address peer, local;
};

struct wire_exec {
	uint32_t pid;   /* of the process that becomes this image; 0: a child to be spawned */
	uint32_t image; /* enum image_kind, image.h; with WIRE_EXEC_TRAMPOLINE */
	uint32_t path_len, argv_len;
	/* path, then argv, NUL-separated */
};

#define WIRE_EXEC_TRAMPOLINE 0x100u /* started by way of the trampoline */

#define WIRE_RESOLVE_ADDRESSES 32
#define WIRE_RESOLVE_NAME      256
#define WIRE_MESSAGE_BYTES     1408 /* DNS servers send no more than 1232 at once */

/*
 * A question to the resolver and its answer; used as a record and as a reply.
 *
 * A WIRE_QUERY is one to a DNS server, as a call only: of class `flags` and type `protocol` for
 * `node`, or the query of `count` bytes in `message`. Its answer is in `message`, `count` bytes of
 * it (0: none came), `result` an h_errno.
 */
struct wire_resolve {
	uint32_t call; /* enum wire_resolve_call */
	int32_t flags, family, socktype, protocol;
	int32_t result; /* EAI_* or h_errno */
	int32_t error;  /* errno for EAI_SYSTEM */
	uint32_t count;
	char node[WIRE_RESOLVE_NAME], service[64], canonical[WIRE_RESOLVE_NAME];
	union {
		struct wire_resolved {
			int32_t family, socktype, protocol;
			struct wire_address address;
		} addresses[WIRE_RESOLVE_ADDRESSES];
		uint8_t message[WIRE_MESSAGE_BYTES];
	};
};

enum wire_resolve_call {
	WIRE_GETADDRINFO = 1,
	WIRE_GETHOSTBYNAME,
	WIRE_GETHOSTBYADDR,
	WIRE_GETNAMEINFO,
	WIRE_QUERY,
	WIRE_RESOLVE_CALL_MAX
};

/* What a program asked a DNS server or was told by it. On a socket (`name_len` 0) the message is
 * all that is known; libc's functions say what they were asked, and may not show an answer. */
struct wire_dns {
	int32_t klass, type;
	int32_t result; /* h_errno */
	int32_t error;  /* errno, for TRY_AGAIN */
	uint32_t name_len;
	/* name, then the message */
};

/* ---- control socket ---- */

enum wire_call {
	WIRE_CALL_CONNECT = 1, /* replay: where does this connect go? */
	WIRE_CALL_PEER,        /* replay: the address this socket means to be connected to */
	WIRE_CALL_LISTEN,      /* replay: a server of the session; connections to it stay live */
	WIRE_CALL_RESOLVE,
	WIRE_CALL_REFUSED, /* replay: an image that cannot be traced was not started */
	/* record: the socket handed over is to carry TLS that no tap will show. REDIRECT: connect a
	 * new socket from `source_port` to the port given; the helper has taken this one. */
	WIRE_CALL_BRIDGE,
	/* A file of certificates (resolve.node; empty: the system's, or none with WIRE_TRUST_ADDS
	 * in resolve.flags) with the session CA added: where it is comes back in resolve.node. */
	WIRE_CALL_TRUST,
	/* By the trampoline, of the image about to be started as this pid: how far it is. */
	WIRE_CALL_LISTENER,
	/* replay: DNS questions to `address` will come from `source_port`: where do they go? */
	WIRE_CALL_ASK,
	/* resolve.node names this point of the session; `count` bytes of JSON about it are in
	 * resolve.message. In replay it is acknowledged. */
	WIRE_CALL_CHECKPOINT,
	WIRE_CALL_MAX
};

/*
 * How far a trampoline is. Asks first: once the filter is there, the calls it asks about wait for
 * an answer. Then sendmsg() is one of those, so that the listener cannot be handed over; the helper
 * takes its copy.
 */
enum wire_listener {
	WIRE_LISTENER_ASK = 1, /* PASS: install it */
	WIRE_LISTENER_OPEN,    /* it is installed; `socket` is its descriptor */
	WIRE_LISTENER_COVERED, /* a listener of this session's was inherited */
	WIRE_LISTENER_NONE,    /* it cannot be had: `source_port` is the errno */
	WIRE_LISTENER_MAX
};

/* What connect() on descriptor −1 to the control socket fails with under a listener of this
 * session's; elsewhere with EBADF. */
#define WIRE_COVERED_ERRNO EALREADY

struct wire_request {
	uint32_t magic, version, call, pid;
	uint64_t socket;
	uint32_t source_port; /* host order; CONNECT, BRIDGE, ASK */
	uint32_t image;       /* enum image_kind; REFUSED. enum wire_listener; LISTENER */
	uint32_t again;       /* CONNECT: the same connect once more, by a socket pair */
	uint32_t peer;        /* set by the helper: the asker's pid in its own namespace */
	struct wire_address address;
	struct wire_resolve resolve; /* the question; REFUSED: node is the path */
};

/* The file named is added to what a program trusts by itself. */
#define WIRE_TRUST_ADDS 1

enum wire_verdict {
	WIRE_REDIRECT = 1, /* connect to 127.0.0.1 or [::1], `port` */
	WIRE_PASS,         /* connect as asked */
	WIRE_FAIL          /* fail with `error` */
};

struct wire_reply {
	uint32_t magic;
	uint32_t verdict;
	int32_t error;
	/* Host order; 0: that family is not to be had. PEER: those of the DNS server. */
	uint32_t port_v4, port_v6;
	struct wire_address address;
	struct wire_resolve resolve;
};

/* ---- geometry ---- */

#define WIRE_SLOTS_OFFSET 4096u
#define WIRE_HEADS_OFFSET (WIRE_SLOTS_OFFSET + WIRE_SLOTS * (uint64_t)sizeof(struct wire_slot))
#define WIRE_RINGS_OFFSET                                                                          \
	((WIRE_HEADS_OFFSET + WIRE_RINGS * (uint64_t)sizeof(struct wire_ring) + 4095u) & ~4095ull)
#define WIRE_ARENA_BYTES (WIRE_RINGS_OFFSET + WIRE_RINGS * (uint64_t)WIRE_RING_BYTES)

_Static_assert(sizeof(struct wire_arena) <= WIRE_SLOTS_OFFSET, "the arena head is one page");
_Static_assert(sizeof(struct wire_slot) == 1024, "slots are read by another process");
_Static_assert(sizeof(struct wire_ring) == 192, "ring heads are read by another process");
_Static_assert(sizeof(struct wire_record) == WIRE_ALIGN, "records are 32-byte aligned");
_Static_assert(sizeof(struct wire_address) == 32, "addresses are inside records");
_Static_assert(WIRE_RESOLVE_ADDRESSES * sizeof(struct wire_resolved) == WIRE_MESSAGE_BYTES,
	"a DNS message takes no more room than addresses do");
_Static_assert(sizeof(struct wire_resolve) % 4 == 0, "no padding in what crosses processes");

#endif
