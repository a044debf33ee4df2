/* The chiod of with-chiod, killed and started again by a test program. */
#ifndef CHIO_TESTS_CHIOD_RUN_H
#define CHIO_TESTS_CHIOD_RUN_H

#include <stdbool.h>

/* SIGKILL; true once it is gone (or a zombie that nobody reaps), so that another may start. */
bool kill_chiod(void);

/* True once it is ready. */
bool start_chiod(void);

#endif
