/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HELPER_LOG_H
#define HELPER_LOG_H

/*
 * RRSHIM_LOG: "debug", "trace", "ring=trace,control=debug", "debug,file=/path": what the helper is
 * doing, by component, on stderr or into a file. Silent by default.
 */
enum log_level { LOG_OFF, LOG_DEBUG, LOG_TRACE };

#define LOG_COMPONENTS(C) C(session) C(ring) C(process) C(control) C(peer) C(bridge) C(storage)

enum log_component {
#define C(name) LOG_##name,
	LOG_COMPONENTS(C)
#undef C
		LOG_COMPONENT_MAX
};

/* Reads the variable's value (NULL: silent). 0, or -EINVAL with nothing logged. */
int log_setup(const char *value);
int log_enabled(enum log_component component, enum log_level level);
void log_line(enum log_component component, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_debug(component, ...)                                                                  \
	(log_enabled(LOG_##component, LOG_DEBUG) ? log_line(LOG_##component, __VA_ARGS__) : (void)0)
#define log_trace(component, ...)                                                                  \
	(log_enabled(LOG_##component, LOG_TRACE) ? log_line(LOG_##component, __VA_ARGS__) : (void)0)

#endif
