/* chio: URIs are shared by the provider and the tools. */
#ifndef CHIO_PROVIDER_URI_H
#define CHIO_PROVIDER_URI_H

#include "signer/client/uri.h"

#endif
