/* What the tests of the client share: a fake signer, a client of it, children that sign. Includes cmocka for the tests. */
#ifndef CHIO_TESTS_CLIENT_RIG_H
#define CHIO_TESTS_CLIENT_RIG_H

#include "signer/client/client.h"
#include "tests/unit/fake_signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>

/* The signer of the test under way. */
extern struct fake_signer fake;

int set_up(void **state);
int set_up_without_door(void **state);
int tear_down(void **state);
#define WITH_SIGNER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* A client with more time than any test needs. */
struct chio_client *client_of(const char *endpoints);

/* Signs the text and compares what comes back: no asserts, because children call it too. */
enum chio_err sign(struct chio_client *client, const char *text, struct chio_detail *detail);
/* For a client with so little time that a busy machine may need more of it: signs until the time was enough. */
enum chio_err sign_at_last(struct chio_client *client);
enum chio_err key_pair(struct chio_client *client);

/* What the signer does with the next messages, so many times. */
void do_deed(enum fake_deed deed, int times);

/* The signer again, in a child that is this user: the listener's user is the one who calls listen(2). The caller kills it
 * and waits for it. */
pid_t serve_as(uid_t uid);

/* The end of a child: its exit status, or more than 1000. */
int wait_for(pid_t child);
/* How a child ends. */
void leave(struct chio_client *client, int status);

#endif
