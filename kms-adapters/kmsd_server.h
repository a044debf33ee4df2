/*
 * chio-kmsd's end of the socketpair: reads chiod's requests, hands each to a thread of its own (up to a limit), sends
 * the answers as they come. What finds no thread and no room to wait is answered CHIO_E_BUSY at once.
 */
#ifndef CHIO_KMS_KMSD_SERVER_H
#define CHIO_KMS_KMSD_SERVER_H

#include "kms-adapters/kmsd_backend.h"

#define CHIO_KMSD_THREADS_MAX 64u /* requests served at once */
#define CHIO_KMSD_QUEUE_MAX 64u   /* requests that wait for a thread */
#define CHIO_KMSD_REST_MS 1000u   /* so long what was begun may go on once chiod is gone */

/* Serves until chiod's end closes (CHIO_OK) or something comes that is not our protocol (CHIO_E_PROTOCOL ...). What was
 * begun then has CHIO_KMSD_REST_MS to end; threads may still wait for a KMS when it returns: the caller ends the
 * process. lock is called at LOCK. */
CHIO_MUST_CHECK enum chio_err chio_kmsd_serve(int fd, struct chio_kmsd *kmsd,
                                              enum chio_err (*lock)(struct chio_kmsd *kmsd,
                                                                    const struct chio_backend_lock_request *request,
                                                                    struct chio_detail *detail),
                                              struct chio_detail *detail);

#endif
