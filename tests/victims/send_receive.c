/* SPDX-License-Identifier: Apache-2.0 */
/* send_receive PORT [unseen]: one page by each call that sends and each that receives. */
#include <sys/sendfile.h>
#include "victim.h"

/* The last two of each are what no hook sees: stdio and splice move the bytes inside libc and
 * kernel. */
enum {
	WRITE,
	WRITEV,
	SEND,
	SENDTO,
	SENDMSG,
	SENDMMSG,
	PWRITEV2,
	SENDFILE,
	RAW,
	STDIO,
	SPLICE,
	SENDS
};
enum {
	READ,
	READV,
	RECV,
	RECVFROM,
	RECVMSG,
	RECVMMSG,
	PREADV2,
	PEEK_FIRST,
	RAW_READ,
	STDIO_READ,
	SMALL,
	READS
};

static ssize_t send_by(int how, int fd, char *data, size_t len)
{
	struct iovec iov[2] = {{data, 10}, {data + 10, len - 10}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	struct mmsghdr two[2];
	int p[2];
	ssize_t n;

	switch (how) {
	case WRITEV:
		return writev(fd, iov, 2);
	case SEND:
		return send(fd, data, len, MSG_NOSIGNAL);
	case SENDTO:
		return sendto(fd, data, len, 0, NULL, 0);
	case SENDMSG:
		return sendmsg(fd, &message, 0);
	case SENDMMSG:
		memset(two, 0, sizeof two);
		two[0].msg_hdr = (struct msghdr){.msg_iov = &iov[0], .msg_iovlen = 1};
		two[1].msg_hdr = (struct msghdr){.msg_iov = &iov[1], .msg_iovlen = 1};
		n = sendmmsg(fd, two, 2, 0);
		return n == 2 ? (ssize_t)(two[0].msg_len + two[1].msg_len) : -1;
	case PWRITEV2:
		return pwritev2(fd, iov, 2, -1, 0);
	case STDIO: {
		FILE *stream = fdopen(dup(fd), "w");
		n = (ssize_t)fwrite(data, 1, len, stream);
		return fclose(stream) ? -1 : n;
	}
	case SENDFILE: {
		int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
		off_t offset = 0;
		if (file < 0 || write(file, data, len) < 0)
			die("O_TMPFILE");
		n = sendfile(fd, file, &offset, len);
		close(file);
		return n;
	}
	case SPLICE:
		if (pipe(p) || write(p[1], data, len) < 0)
			die("pipe");
		n = splice(p[0], NULL, fd, NULL, len, 0);
		close(p[0]);
		close(p[1]);
		return n;
	case RAW:
		return syscall(SYS_sendto, fd, data, len, 0, NULL, 0);
	default:
		return write(fd, data, len);
	}
}

static ssize_t receive_by(int how, int fd, char *buffer, size_t size)
{
	size_t part = size > 20 ? 20 : size;
	struct iovec iov[2] = {{buffer, part}, {buffer + part, size - part}};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = 2};
	struct mmsghdr one = {.msg_hdr = message};
	struct sockaddr_in from;
	socklen_t len = sizeof from;

	switch (how) {
	case READV:
		return readv(fd, iov, 2);
	case RECV:
		return recv(fd, buffer, size, 0);
	case RECVFROM:
		return recvfrom(fd, buffer, size, 0, (struct sockaddr *)&from, &len);
	case RECVMSG:
		return recvmsg(fd, &message, 0);
	case RECVMMSG:
		return recvmmsg(fd, &one, 1, 0, NULL) == 1 ? (ssize_t)one.msg_len : -1;
	case PREADV2:
		return preadv2(fd, iov, 2, -1, 0);
	case PEEK_FIRST:
		if (recv(fd, buffer, size, MSG_PEEK) < 0)
			return -1;
		return recv(fd, buffer, size, 0);
	case SMALL:
		return read(fd, buffer, size < 7 ? size : 7);
	case RAW_READ:
		return syscall(SYS_recvfrom, fd, buffer, size, 0, NULL, NULL);
	default:
		return read(fd, buffer, size);
	}
}

int main(int argc, char *argv[])
{
	int port = atoi(argv[1]);

	bool unseen = argc > 2;

	for (int way = unseen ? STDIO : 0; way < (unseen ? SENDS : STDIO); way++) {
		char buffer[8192];
		int fd = connect_port(port);
		size_t len = page_request(buffer, sizeof buffer, port, way), got = 0;
		ssize_t n;

		if (send_by(way, fd, buffer, len) != (ssize_t)len)
			die("send");
		if (way == STDIO_READ) {
			FILE *stream = fdopen(dup(fd), "r");
			got = fread(buffer, 1, sizeof buffer - 1, stream);
			fclose(stream);
		} else {
			while ((n = receive_by(way, fd, buffer + got, sizeof buffer - 1 - got)) > 0)
				got += (size_t)n;
			if (n < 0)
				die("receive");
		}
		buffer[got] = 0;
		close(fd);
		printf("way %d: %s", way, page_body(buffer));
	}
	return 0;
}
