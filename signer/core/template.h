/*
 * What templates may say: each row against the table of attributes (signer/wire/attribute.def), then the whole against
 * itself. reference: PKCS #11 v3.1, 4.1.
 *
 * Every refusal names the attribute. Errors: CHIO_E_ATTRIBUTE_UNKNOWN (not in the table, or not for this class),
 * CHIO_E_ATTRIBUTE_VALUE (size or form), CHIO_E_ATTRIBUTE_READ_ONLY (not by this call), CHIO_E_TEMPLATE_INCONSISTENT
 * (two rows that differ, or rows that contradict each other or the call), CHIO_E_TEMPLATE_INCOMPLETE.
 */
#ifndef CHIO_CORE_TEMPLATE_H
#define CHIO_CORE_TEMPLATE_H

#include "signer/core/attr_set.h"
#include "signer/wire/attribute.h"

enum chio_template_use {
  CHIO_USE_CREATE = CHIO_ATTR_CREATE,
  CHIO_USE_GENERATE = CHIO_ATTR_GENERATE,
  CHIO_USE_COPY = CHIO_ATTR_COPY,
  CHIO_USE_SET = CHIO_ATTR_SET,
};

/* CHIO_IN_* of an object class that this token can hold; 0 for another. */
unsigned chio_class_bit(uint64_t class);

/* Each row alone, and duplicates (the same value twice is allowed). so: the security officer asks, who alone may set
 * CKA_TRUSTED to TRUE. */
CHIO_MUST_CHECK enum chio_err chio_template_check(struct chio_attrs templ, enum chio_template_use use, unsigned in,
                                                  bool so, struct chio_detail *detail);

/* Takes over the rows of a checked template but those that say how an object is made, and are nothing that it has. */
void chio_template_take(struct chio_attrs templ, struct chio_attr_set *set);

/* A number that must be what the call says when the template has it at all (CKA_CLASS, CKA_KEY_TYPE). */
CHIO_MUST_CHECK enum chio_err chio_template_expect(struct chio_attrs templ, uint32_t type, uint64_t value,
                                                   struct chio_detail *detail);

/* Adds what every stored object has: TOKEN FALSE, PRIVATE, MODIFIABLE, COPYABLE and DESTROYABLE TRUE, LABEL empty. */
void chio_template_default_storage(struct chio_attr_set *set, bool is_private);

/* Adds what every key, public key or private key has beyond that: dates, ID, SUBJECT, usage flags. When the template
 * names no usage flag at all, a public key may verify and a private key may sign; else what it does not name is FALSE.
 */
void chio_template_default_public_key(struct chio_attr_set *set);
void chio_template_default_private_key(struct chio_attr_set *set);

/* The whole of a private key that is being generated: EXTRACTABLE must not be TRUE (keys do not leave),
 * ALWAYS_AUTHENTICATE needs PRIVATE, a role must be a word, a lifetime must fit TOKEN. */
CHIO_MUST_CHECK enum chio_err chio_template_judge_private_key(const struct chio_attr_set *set,
                                                              struct chio_detail *detail);
/* The role of a key: CHIO_E_ATTRIBUTE_VALUE unless absent or 1 to 32 of a-z, 0-9 and '-'. */
CHIO_MUST_CHECK enum chio_err chio_template_judge_role(const struct chio_attr_set *set, struct chio_detail *detail);
/* The state that a key is born in: CHIO_E_ATTRIBUTE_VALUE unless absent, active or pre-active. */
CHIO_MUST_CHECK enum chio_err chio_template_judge_state(const struct chio_attr_set *set, struct chio_detail *detail);

/* Applies a checked template to the attributes of an object (C_SetAttributeValue, C_CopyObject): flags that go one way
 * only are refused on the way back. out_set borrows from both. */
CHIO_MUST_CHECK enum chio_err chio_template_change(struct chio_attrs old, struct chio_attrs templ,
                                                   struct chio_attr_set *out_set, struct chio_detail *detail);

#endif
