/* The PEM form of a chio: URI is shared by the provider and the tools. */
#ifndef CHIO_PROVIDER_PEM_URI_H
#define CHIO_PROVIDER_PEM_URI_H

#include "signer/client/pem_uri.h"

#endif
