/*
 * Where a backend's credentials come from, in the order in which Amazon's tools look: environment, shared files, web
 * identity, container, instance; or one of them alone when the configuration says which. Fetched through a lease, so
 * that they are renewed ahead of their end by one thread.
 */
#ifndef CHIO_KMS_AWS_CREDENTIALS_H
#define CHIO_KMS_AWS_CREDENTIALS_H

#include "kms-adapters/adapter.h"
#include "kms-adapters/aws_source.h"
#include "kms-adapters/lease.h"

struct chio_aws_chain;

/* auth of the options: NULL (the order above), "environment", "file", "web-identity", "container", "instance".
 * The source is copied; its strings are borrowed until the free. CHIO_E_CONFIG: another word. */
CHIO_MUST_CHECK enum chio_err chio_aws_chain_new(const struct chio_aws_source *source, const char *auth,
                                                 struct chio_aws_chain **out_chain, struct chio_detail *detail);
void chio_aws_chain_free(struct chio_aws_chain *chain); /* NULL is accepted */

/* Blocks of aws_keys.h. Its get fails with CHIO_E_PERMISSION when no source is set up, and says what was looked for. */
struct chio_lease *chio_aws_chain_lease(struct chio_aws_chain *chain);

#endif
