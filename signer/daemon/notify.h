/* Tells the service manager how it goes (sd_notify's protocol over $NOTIFY_SOCKET), without libsystemd. */
#ifndef CHIO_DAEMON_NOTIFY_H
#define CHIO_DAEMON_NOTIFY_H

/* Opens the socket that $NOTIFY_SOCKET names and forgets the variable; nothing happens when there is none. To be called
 * once, before the sandbox: the socket stays open. */
void chio_notify_open(void);

/* "READY=1", "STOPPING=1" ...; nothing happens when nobody listens. */
void chio_notify(const char *state);

#endif
