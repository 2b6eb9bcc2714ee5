/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHIM_SYS_H
#define SHIM_SYS_H

/*
 * System calls made by the shim itself: never through libc, whose names the shim interposes, and
 * without touching errno. Each returns the kernel's value, −errno on failure. [any context]
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>

static inline long sys_call(long nr, long a, long b, long c, long d, long e, long f)
{
#if defined(__x86_64__)
	long ret;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#else
#error "rrshim knows x86-64 and aarch64"
#endif
}

#define SYS_PICK(nr, a, b, c, d, e, f, ...)                                                        \
	sys_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys(nr, ...) SYS_PICK(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

#define sys_open(path, flags)          sys(SYS_openat, -100 /* AT_FDCWD */, path, flags, 0)
#define sys_close(fd)                  sys(SYS_close, fd)
#define sys_pread(fd, buf, n, at)      sys(SYS_pread64, fd, buf, n, at)
#define sys_write(fd, buf, n)          sys(SYS_write, fd, buf, n)
#define sys_getpid()                   ((uint32_t)sys(SYS_getpid, 0))
#define sys_getppid()                  ((uint32_t)sys(SYS_getppid, 0))
#define sys_gettid()                   ((uint32_t)sys(SYS_gettid, 0))
#define sys_getsockopt(fd, l, o, v, n) sys(SYS_getsockopt, fd, l, o, v, n)

enum { SYS_FUTEX_WAIT = 0, SYS_FUTEX_WAKE = 1 }; /* shared between processes: not _PRIVATE */

static inline long sys_futex_wait(const void *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec ts = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};

	return sys(SYS_futex, word, SYS_FUTEX_WAIT, value, &ts);
}

static inline long sys_futex_wake(const void *word)
{
	return sys(SYS_futex, word, SYS_FUTEX_WAKE, INT32_MAX);
}

#endif
