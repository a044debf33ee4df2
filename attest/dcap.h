/*
 * Intel's DCAP quotes as bytes: where things are. Intel SGX ECDSA Quote Library API, appendix A (v3, v4), and Intel TDX
 * DCAP Quoting Library API, appendix 3 (v4, v5). Integers are little-endian, ECDSA values big-endian.
 */
#ifndef CHIO_ATTEST_DCAP_H
#define CHIO_ATTEST_DCAP_H

#include <stdint.h>

#define CHIO_DCAP_HEADER_SIZE 48u
#define CHIO_DCAP_SIGNATURE_SIZE 64u
#define CHIO_DCAP_KEY_SIZE 64u
#define CHIO_DCAP_KEY_TYPE_P256 2u
#define CHIO_DCAP_TEE_SGX 0x00u
#define CHIO_DCAP_TEE_TDX 0x81u
#define CHIO_DCAP_USER_DATA_SIZE 20u

/* 939a7233-f79c-4ca9-940a-0db3957f0607, the vendor id of Intel's QE. */
#define CHIO_DCAP_QE_VENDOR \
  { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 }

/* Body types of v5 quotes, and the sizes of all bodies. */
enum chio_dcap_body {
  CHIO_DCAP_BODY_SGX = 1,
  CHIO_DCAP_BODY_TD10 = 2,
  CHIO_DCAP_BODY_TD15 = 3,
  CHIO_DCAP_BODY_TD15_EXT = 4
};
#define CHIO_DCAP_SGX_SIZE 384u
#define CHIO_DCAP_TD10_SIZE 584u
#define CHIO_DCAP_TD15_SIZE 648u
#define CHIO_DCAP_TD15_EXT_SIZE 885u

/* Certification data types. */
#define CHIO_DCAP_CERT_PCK_CHAIN 5u
#define CHIO_DCAP_CERT_QE_REPORT 6u

/* Offsets in an SGX report body (an enclave's, and the QE's). */
#define CHIO_SGX_CPUSVN 0u
#define CHIO_SGX_MISCSELECT 16u
#define CHIO_SGX_ATTRIBUTES 48u
#define CHIO_SGX_MRENCLAVE 64u
#define CHIO_SGX_MRSIGNER 128u
#define CHIO_SGX_CONFIGID 192u
#define CHIO_SGX_ISVPRODID 256u
#define CHIO_SGX_ISVSVN 258u
#define CHIO_SGX_CONFIGSVN 260u
#define CHIO_SGX_REPORT_DATA 320u

/* Offsets in a TD report body. */
#define CHIO_TD_TCB_SVN 0u
#define CHIO_TD_MRSEAM 16u
#define CHIO_TD_MRSIGNERSEAM 64u
#define CHIO_TD_SEAMATTRIBUTES 112u
#define CHIO_TD_ATTRIBUTES 120u
#define CHIO_TD_XFAM 128u
#define CHIO_TD_MRTD 136u
#define CHIO_TD_MRCONFIGID 184u
#define CHIO_TD_MROWNER 232u
#define CHIO_TD_MROWNERCONFIG 280u
#define CHIO_TD_RTMR0 328u
#define CHIO_TD_REPORT_DATA 520u
#define CHIO_TD_TCB_SVN_2 584u
#define CHIO_TD_MRSERVICETD 600u

#endif
