/* What a PIN must be before anything is changed for it. */
#ifndef CHIO_CORE_PIN_H
#define CHIO_CORE_PIN_H

#include "signer/core/call.h"

/* CHIO_E_PIN_LENGTH unless pin_min of the configuration to CHIO_PIN_MAX bytes. */
static inline enum chio_err chio_pin_length(struct chio_call *call, struct chio_slice pin) {
  if (pin.len >= call->core->config.pin_min && pin.len <= CHIO_PIN_MAX) return CHIO_OK;
  return chio_fail(&call->detail, CHIO_E_PIN_LENGTH, "a PIN has %u to %u bytes", call->core->config.pin_min,
                   CHIO_PIN_MAX);
}

#endif
