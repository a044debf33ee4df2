/*
 * OpenSSL's asynchronous jobs (ASYNC_start_job(3)): a call that runs inside one gives its thread back while it waits
 * for chiod, so that one thread of an event loop has many signatures under way. Without a job nothing changes.
 *
 * ASYNC_get_current_job answers for the libcrypto that this module is linked with. That is the application's own, which
 * loaded us, or else (one that has libcrypto linked in statically) it knows of no job, and calls wait as ever.
 *
 * Each wait context gets one descriptor, which stays in it until the application frees it: an epoll set in which the
 * connection and a timer stand while a call waits. The connection's own descriptor would go to another job, on another
 * thread, before the application has taken it out of its loop.
 */
#ifndef CHIO_PROVIDER_JOB_H
#define CHIO_PROVIDER_JOB_H

#include "signer/client/client.h"

/* For the clients of this provider. */
extern const struct chio_client_waiting chio_job_waiting;

/* Gives way for at most ms milliseconds; false at once when there is no job. */
bool chio_job_pause(int ms);

#endif
