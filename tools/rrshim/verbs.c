/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/rrshim/verb.h"

#include <stddef.h>

#define DIR_OPTION                                                                                 \
	"  -o, --dir DIR     folder with the recordings (default: $RRSHIM_DIR, else\n"             \
	"                    ./recordings)\n"
#define RULES_OPTION                                                                               \
	"      --rules FILE  what differs in every run, as rrshim.yaml(5) says; may be given\n"    \
	"                    more than once (default: ./rrshim.yaml, else\n"                       \
	"                    $XDG_CONFIG_HOME/rrshim/rrshim.yaml)\n"
#define HELP_OPTION "  -h, --help        this text\n"
#define REC_ARGUMENT                                                                               \
	"REC is a recording's id, the start of one, its folder, or \"last\" (the default).\n"
#define REPLAYED_ARGUMENT                                                                          \
	"REC is a recording's id, the start of one, its folder, or \"last\"; without it,\n"        \
	"that of the last replay is meant.\n"

const struct verb verbs[] = {
	{"record", verb_record, "run a program and record what it says to the network",
		"usage: rrshim record [OPTION]... [--] PROGRAM [ARG]...\n"
		"Runs PROGRAM unchanged and records its network traffic. The exit status is\n"
		"the program's own; 125 when rrshim itself fails, 126 or 127 when PROGRAM cannot\n"
		"be run or is not found.\n"
		"\n" DIR_OPTION
		"      --session ID, --task ID, --app-name NAME, --app-version VERSION\n"
		"                    kept in the recording's manifest\n"
		"      --config-file FILE          its SHA-256 is kept there, too\n"
		"      --compression none|zstd:N   (default: zstd:3)\n"
		"      --max-file-size MIB         begin a new file past this (default: 100)\n"
		"      --bridge auto|always|never  which TLS connections rrshim opens on their\n"
		"                    way: those it cannot read otherwise (default), all, none\n"
		"      --rules FILE  what replay will go by (see 'rrshim replay --help'): for the\n"
		"                    check at the end\n"
		"  -q, --quiet       no summary at the end\n" HELP_OPTION},
	{"replay", verb_replay, "run it again, answered from a recording, offline",
		"usage: rrshim replay [OPTION]... [REC] -- PROGRAM [ARG]...\n"
		"Runs PROGRAM with every connection answered from the recording. The exit\n"
		"status is the program's own; 86 when it asked for something the recording\n"
		"does not hold, unless --mode is warn.\n"
		"\n" REC_ARGUMENT "\n"
		"      --mode MODE   strict (default): what was not recorded fails; warn: what is\n"
		"                    near is answered like the nearest call; hybrid: that, and the\n"
		"                    rest goes to the real server and into a new recording\n"
		"      --on-mismatch fail|nearest|live, --on-missing fail|live\n"
		"                    the same one by one: a near call is recorded, or none\n"
		"      --live SELECTOR, --recorded SELECTOR\n"
		"                    such calls go to the real server, or never do; the last one\n"
		"                    that applies wins. SELECTOR: KEY=GLOB[,...] of host, path,\n"
		"                    method, provider, model, kind=llm|tool|http|dns; or a host\n"
		"      --set llm.model=NAME, header.NAME=VALUE, json.$.PATH=VALUE\n"
		"                    change requests on their way to the real server\n"
		"      --timing T    recorded (default): chunks leave as they came; none: at\n"
		"                    once; xN: N times as fast\n"
		"      --fault KIND[,after=PLACE][,host=GLOB][,path=GLOB][,call=N][,times=N]\n"
		"                    inject a fault into recorded answers; KIND: status=CODE,\n"
		"                    reset, cut, stall, stall=TIME (300ms, 5s, 2m), slow=Nx;\n"
		"                    PLACE: head, Nbytes, Nevents, Nlines; may be repeated\n" RULES_OPTION
		"      --fail-fast   end at the first request that is not in the recording\n"
		"      --from LABEL  begin at a checkpoint: calls recorded before count as served\n"
		"      --until LABEL end at a checkpoint: calls recorded after are not there\n"
		"      --require-all status 87 when recorded calls were not asked for\n"
		"      --max-age AGE[:refuse]\n"
		"                    warn of a recording older than 30d, 12h, 45m …; with\n"
		"                    ':refuse', status 88 and PROGRAM is not started\n"
		"      --report FILE write what was served and missed as JSON\n"
		"      --no-history  do not keep the report for 'rrshim mismatches' and 'stats'\n"
		"  -q, --quiet       no summary at the end\n" DIR_OPTION HELP_OPTION},
	{"mismatches", verb_mismatches, "list what a replay asked for in vain",
		"usage: rrshim mismatches [OPTION]... [REC]\n"
		"Lists what the last replay asked for and did not get: type, nearest recorded\n"
		"call, request, first difference; then the differences.\n"
		"\n" REPLAYED_ARGUMENT "\n"
		"      --replay N    the N-th last replay (default 1) of the ten that are kept;\n"
		"                    a file: what 'rrshim replay --report' wrote\n"
		"      --json        one object with an array of mismatches\n" DIR_OPTION
			HELP_OPTION},
	{"explain", verb_explain, "tell all about one mismatch, and what would make it match",
		"usage: rrshim explain [OPTION]... [REC] N\n"
		"Tells all about mismatch N of the last replay: what was asked for, what is near,\n"
		"every difference and why it counts, what differs and does not count, and the\n"
		"rule for rrshim.yaml that makes it match, where it is not another request.\n"
		"\n" REPLAYED_ARGUMENT "\n"
		"      --call N      instead: how recorded call N is known again\n"
		"      --rules FILE  for --call: rules to go by (default: rrshim.yaml)\n"
		"      --replay N    the N-th last replay (default 1), or the file of a report\n"
		"      --json        one object\n" DIR_OPTION HELP_OPTION},
	{"stats", verb_stats, "tell how the replays of a recording went",
		"usage: rrshim stats [OPTION]... [REC]\n"
		"Tells how much of what the last replay asked for was answered and how it was\n"
		"found, what was missed by type, what of the recording was used, and how long\n"
		"calls took when recorded and when replayed; then one line per replay kept.\n"
		"\n" REPLAYED_ARGUMENT "\n"
		"      --calls       one line per call, too\n"
		"      --replay N    the N-th last replay (default 1), or the file of a report\n"
		"      --json        one object\n" DIR_OPTION HELP_OPTION},
	{"ls", verb_ls, "list the recordings, newest last",
		"usage: rrshim ls [OPTION]...\n"
		"Lists the recordings in a folder, newest last.\n"
		"\n" DIR_OPTION "  -d DIR            the same as -o\n"
		"      --json        an array of objects\n" HELP_OPTION},
	{"show", verb_show, "tell about one recording, one line per exchange",
		"usage: rrshim show [OPTION]... [REC]\n"
		"Tells what was run and how it was captured, then one line per exchange:\n"
		"number, time, method, URL, status, response bytes, time to first byte,\n"
		"duration, notes.\n"
		"\n" REC_ARGUMENT "\n" DIR_OPTION
		"      --json        one object with an array of exchanges\n" HELP_OPTION},
	{"cat", verb_cat, "print the body of one message, byte for byte",
		"usage: rrshim cat [OPTION]... [REC] N\n"
		"Writes the body of exchange N's response to stdout, as it was received, with\n"
		"the transfer coding undone.\n"
		"\n" REC_ARGUMENT "\n"
		"      --request     the request instead\n"
		"      --response    the response (default)\n"
		"      --head        only the start line and headers\n"
		"      --raw         head, framing and body: every byte of the message\n"
		"      --decode      undo Content-Encoding: gzip, deflate, br, zstd (in memory,\n"
		"                    1 GiB at most)\n" DIR_OPTION HELP_OPTION},
	{"events", verb_events, "print every event of a recording",
		"usage: rrshim events [OPTION]... [REC]\n"
		"Prints what the traced programs did, in order.\n"
		"\n" REC_ARGUMENT "\n"
		"      --json        JSON Lines: one object per event\n"
		"      --type TYPE   only events of this type; may be given more than once\n"
		"      --no-data     leave payloads out\n" DIR_OPTION HELP_OPTION},
	{"rules", verb_rules, "tell which rules there are, and which apply to a call",
		"usage: rrshim rules [OPTION]... [[REC] N]\n"
		"Lists the rules that replay goes by, those that are heard first first: where\n"
		"each is from, what it matches, what it does. With N, an exchange of REC, or with\n"
		"any of --host, --path and --method: those that apply to such a call.\n"
		"\n" REC_ARGUMENT "\n"
		"      --host HOST[:PORT], --path PATH, --method METHOD (default: POST)\n" RULES_OPTION
		"      --check FILE  only say whether anything is wrong in FILE\n"
		"      --json        one object with an array of rules\n" DIR_OPTION HELP_OPTION},
	{"learn", verb_learn, "write rules from two recordings of one scenario",
		"usage: rrshim learn [OPTION]... A B\n"
		"Compares what was asked in two recordings of the same scenario and writes rules\n"
		"by which the requests of B match A, each with its evidence. What may mean\n"
		"something (words, models, tools, parameters) is listed and not masked, and the\n"
		"status is 1.\n"
		"\n"
		"A and B are ids of recordings, starts of them, or folders.\n"
		"\n"
		"  -o, --output FILE write the rules there, and not to stdout\n"
		"      --force PLACE leave this out whatever it holds: '$.metadata.note',\n"
		"                    'header x-run', 'query ts'; may be given more than once\n"
		"      --json        what was found as one object, to stdout; with --output\n" RULES_OPTION
		"  -d, --dir DIR     folder with the recordings (default: $RRSHIM_DIR, else\n"
		"                    ./recordings)\n" HELP_OPTION},
	{"checkpoint", verb_checkpoint, "name this point of the session that is being recorded",
		"usage: rrshim checkpoint [OPTION]... LABEL\n"
		"Called by any process of a session, names the moment, so that 'rrshim replay\n"
		"--from LABEL' can begin there and '--until LABEL' end there. In replay it does\n"
		"nothing. C programs call rrs_checkpoint(label, metadata) where it is there.\n"
		"\n"
		"      --metadata JSON   kept with it; 1,408 bytes at most\n" HELP_OPTION},
	{"recover", verb_recover, "bring a recording that was cut off to a proper end",
		"usage: rrshim recover [OPTION]... [REC]\n"
		"Completes a recording whose recorder was killed: keeps its whole frames,\n"
		"adds what was still in the session's memory, marks it recovered.\n"
		"\n" REC_ARGUMENT "\n" DIR_OPTION HELP_OPTION},
	{"check", verb_check, "ask a recording for everything that is in it",
		"usage: rrshim check [OPTION]... [REC]\n"
		"Asks for every recorded request again, in order, as replay would: each must get\n"
		"its own answer. Names the requests that were in flight together, got different\n"
		"answers, and have nothing that tells them apart. Recording does the same at its\n"
		"end. Status 1 when a request does not get its own answer.\n"
		"\n" REC_ARGUMENT "\n" DIR_OPTION RULES_OPTION
		"      --json        {requests, matched, ambiguous, failed}\n" HELP_OPTION},
	{"mock", verb_mock, "serve made-up answers of the LLM providers",
		"usage: rrshim mock [OPTION]...\n"
		"Answers like OpenAI (Chat Completions, Responses), Anthropic (Messages) and\n"
		"Gemini do, streaming or not, and has endpoints for trying out plain HTTP; GET /\n"
		"lists them. Ends with status 0 on SIGINT or SIGTERM.\n"
		"\n"
		"      --listen ADDR[:PORT]  address of all listeners (default 127.0.0.1)\n"
		"  -p, --port N              HTTP port (default 8080); 0: any free one\n"
		"      --tls                 that port speaks HTTPS, unless --tls-port is given\n"
		"      --tls-port N          HTTPS port; with --port also given: both\n"
		"      --ca-file FILE        write the CA certificate clients must trust (PEM)\n"
		"      --chunks N            pieces of a streamed answer (default 8)\n"
		"      --delay MS            wait between two of them (default 0)\n"
		"      --pid-file FILE       write the process id\n"
		"      --port-file FILE      write \"http PORT\" and \"https PORT\" lines\n"
		"  -h, --help                this text\n"
		"\n"
		"Request bodies are held in memory, so more than 64 MiB is answered with 413.\n"},
	{"doctor", verb_doctor, "check whether this machine can record and replay",
		"usage: rrshim doctor [OPTION]... [-- PROGRAM [ARG]...]\n"
		"Checks what recording and replaying need on this machine, and whether PROGRAM\n"
		"can be traced. Status 1 when something is wrong.\n"
		"\n" DIR_OPTION
		"      --json        one object with an array of checks\n" HELP_OPTION},
	{"version", verb_version, "print the version",
		"usage: rrshim version [--json]\n"
		"\n"
		"      --json        with the recording format and the libraries in use\n" HELP_OPTION},
	{0},
};
