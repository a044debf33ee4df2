/* Which build of a program runs. */
#ifndef CHIO_BASE_BUILD_ID_H
#define CHIO_BASE_BUILD_ID_H

#define CHIO_BUILD_ID_HEX 40u

/* The linker's build id of the program, or module, that this is part of, in hex (as `readelf -n` and debug symbol
 * servers have it; its first 40 digits); empty when it has none. */
void chio_build_id(char out[CHIO_BUILD_ID_HEX + 1]);

#endif
