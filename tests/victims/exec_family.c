/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec_family [PORT]: starts itself in every way there is, with an empty environment but for
 * system() and popen(). Each child prints its arguments, what is in its environment but was not
 * given, and fetches a page of its own when there is a port.
 */
#include <spawn.h>
#include "victim.h"

extern char **environ;

static char port[16] = "0", number[16];
static char self[4096];

static int child_main(char *argv[])
{
	printf("%s %s:", argv[1], argv[2]);
	for (char **e = environ; e && *e; e++)
		if (strncmp(*e, "LD_PRELOAD=", 11) && strncmp(*e, "RRSHIM", 6) &&
			strncmp(*e, "PWD=", 4) && strncmp(*e, "OLDPWD=", 7) &&
			strncmp(*e, "SHLVL=", 6) && strncmp(*e, "_=", 2))
			printf(" %s", *e);
	printf("\n");
	if (atoi(argv[3]))
		print_page(atoi(argv[3]), atoi(argv[2]));
	return 0;
}

enum way {
	EXECVE,
	EXECV,
	EXECVP,
	EXECVPE,
	EXECL,
	EXECLP,
	EXECLE,
	FEXECVE,
	EXECVEAT,
	EXECVEAT_PATH,
	RAW_EXECVE,
	EXECVE_NULL,
	POSIX_SPAWN,
	POSIX_SPAWNP,
	POSIX_SPAWN_NULL,
	VFORK_EXECVE,
	WAY_MAX,
	SYSTEM = WAY_MAX,
	POPEN,
	WAYS
};

static const char *const names[] = {"execve", "execv", "execvp", "execvpe", "execl", "execlp",
	"execle", "fexecve", "execveat", "execveat-path", "raw-execve", "execve-null",
	"posix_spawn", "posix_spawnp", "posix_spawn-null", "vfork-execve", "system", "popen"};

static void start(enum way way, char *argv[])
{
	char *empty[] = {NULL}, *one[] = {"A=1", NULL};
	int fd;

	switch (way) {
	case EXECVE:
		execve(self, argv, empty);
		break;
	case EXECV:
		clearenv();
		execv(self, argv);
		break;
	case EXECVP:
		clearenv();
		execvp(self, argv);
		break;
	case EXECVPE:
		execvpe(self, argv, one);
		break;
	case EXECL:
		clearenv();
		execl(self, argv[0], argv[1], argv[2], argv[3], NULL);
		break;
	case EXECLP:
		clearenv();
		execlp(self, argv[0], argv[1], argv[2], argv[3], NULL);
		break;
	case EXECLE:
		execle(self, argv[0], argv[1], argv[2], argv[3], NULL, one);
		break;
	case FEXECVE:
		fd = open(self, O_RDONLY | O_CLOEXEC);
		fexecve(fd, argv, one);
		break;
	case EXECVEAT:
		fd = open(self, O_PATH | O_CLOEXEC);
		execveat(fd, "", argv, one, AT_EMPTY_PATH);
		break;
	case EXECVEAT_PATH:
		execveat(AT_FDCWD, self, argv, empty, 0);
		break;
	case RAW_EXECVE:
		syscall(SYS_execve, self, argv, one);
		break;
	case EXECVE_NULL:
		execve(self, argv, NULL);
		break;
	default:
		break;
	}
	_exit(126);
}

int main(int argc, char *argv[])
{
	if (argc == 4)
		return child_main(argv);
	if (argc > 1)
		snprintf(port, sizeof port, "%s", argv[1]);
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	self[len] = 0;
	for (int way = 0; way < WAYS; way++) {
		snprintf(number, sizeof number, "%d", way);
		char *args[] = {argv[0], (char *)names[way], number, port, NULL};
		char *empty[] = {NULL}, command[8192], line[1024];
		pid_t child = -1;
		int error = 0;

		fflush(stdout);
		switch (way) {
		case POSIX_SPAWN:
			error = posix_spawn(&child, self, NULL, NULL, args, empty);
			break;
		case POSIX_SPAWNP:
			error = posix_spawnp(&child, self, NULL, NULL, args, empty);
			break;
		case POSIX_SPAWN_NULL:
			error = posix_spawn(&child, self, NULL, NULL, args, NULL);
			break;
		case VFORK_EXECVE:
			child = vfork();
			if (!child) {
				execve(self, args, empty);
				_exit(126);
			}
			break;
		case SYSTEM:
		case POPEN:
			snprintf(command, sizeof command, "'%s' %s %s %s", self, args[1], args[2],
				args[3]);
			child = fork();
			if (!child && way == SYSTEM)
				_exit(WEXITSTATUS(system(command)));
			if (!child) {
				FILE *stream = popen(command, "r");
				while (stream && fgets(line, sizeof line, stream))
					fputs(line, stdout);
				_exit(fflush(stdout) || !stream || pclose(stream));
			}
			break;
		default:
			child = fork();
			if (!child)
				start((enum way)way, args);
		}
		if (error)
			printf("%s: %s\n", names[way], strerrorname_np(error));
		else
			wait_for(child);
	}
	return 0;
}
