/* The simulated AMD-like PKI: which pairs it has. */
#ifndef CHIO_ATTEST_SIM_SNP_H
#define CHIO_ATTEST_SIM_SNP_H

enum { CHIO_SIM_SNP_ARK, CHIO_SIM_SNP_ASK, CHIO_SIM_SNP_VCEK, CHIO_SIM_SNP_PAIRS };

/* The simulated TCB, and its parts as one number of four bytes. */
#define CHIO_SIM_SNP_BOOTLOADER 10u
#define CHIO_SIM_SNP_TEE 0u
#define CHIO_SIM_SNP_SNP 25u
#define CHIO_SIM_SNP_MICROCODE 84u
#define CHIO_SIM_SNP_TCB                                                                                       \
  (CHIO_SIM_SNP_BOOTLOADER | CHIO_SIM_SNP_TEE << 8 | CHIO_SIM_SNP_SNP << 16 | CHIO_SIM_SNP_MICROCODE << 24)

#endif
