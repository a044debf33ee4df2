/* What a client may read of an object, stored or put together on the spot. */
#ifndef CHIO_CORE_VALUE_H
#define CHIO_CORE_VALUE_H

#include "signer/core/evidence.h"
#include "signer/core/object.h"

enum chio_value { CHIO_VALUE_THERE, CHIO_VALUE_SENSITIVE, CHIO_VALUE_MISSING };

/* Finds one attribute. Evidence is made in holder (which is emptied first) and borrowed from there, all else from the
 * object. Errors are those of chio_evidence_bundle; a missing or sensitive value is none. */
CHIO_MUST_CHECK enum chio_err chio_value_of(struct chio_evidence *evidence, const struct chio_object *object,
                                            uint32_t type, struct chio_buf *holder, enum chio_value *out_found,
                                            struct chio_slice *out_value);

/* Whether every row of the template is, byte for byte, an attribute of the object that may be read. */
bool chio_value_matches(struct chio_evidence *evidence, const struct chio_object *object, struct chio_attrs templ,
                        struct chio_buf *holder);

#endif
