/* The three entry points, and the tables they hand out. */
#include "pkcs11/library.h"

#include "signer/base/macros.h"

static CK_RV info_3_0(CK_INFO *info) {
  return p11_info(info, (CK_VERSION){3, 0});
}

#define P11_F(name) .name = name,
#define P11_INFO(name) .name = name,

static CK_FUNCTION_LIST functions_2_40 = {
    .version = {2, 40},
#include "pkcs11/functions.def"
};

#undef P11_INFO
#define P11_INFO(name) .name = info_3_0,

/* Every list says the version that C_GetInfo of that list says. */
static CK_FUNCTION_LIST_3_0 functions_3_0 = {
    .version = {3, 0},
#include "pkcs11/functions.def"
#include "pkcs11/functions3.def"
};

#undef P11_INFO
#undef P11_F

static char interface_name[] = "PKCS 11";

/* The first is the default. CKF_INTERFACE_FORK_SAFE promises more than this module keeps: session objects are the
 * parent's alone. */
static CK_INTERFACE interfaces[] = {
    {interface_name, &functions_3_0, 0},
    {interface_name, &functions_2_40, 0},
};

CHIO_EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
  if (list == NULL) return CKR_ARGUMENTS_BAD;
  *list = &functions_2_40;
  return CKR_OK;
}

CHIO_EXPORT CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count) {
  if (count == NULL) return CKR_ARGUMENTS_BAD;
  CK_ULONG room = *count;
  *count = CHIO_ARRAY_LEN(interfaces);
  if (list == NULL) return CKR_OK;
  if (room < CHIO_ARRAY_LEN(interfaces)) return CKR_BUFFER_TOO_SMALL;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(interfaces); i++) list[i] = interfaces[i];
  return CKR_OK;
}

static bool matches(const CK_INTERFACE *offer, const CK_UTF8CHAR *name, const CK_VERSION *version, CK_FLAGS flags) {
  /* Both lists begin with their version. */
  const CK_VERSION *has = offer->pFunctionList;
  if (name != NULL && strcmp((const char *)name, interface_name) != 0) return false;
  if (version != NULL && (version->major != has->major || version->minor != has->minor)) return false;
  return (offer->flags & flags) == flags;
}

CHIO_EXPORT CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **out_interface,
                                 CK_FLAGS flags) {
  if (out_interface == NULL) return CKR_ARGUMENTS_BAD;
  for (size_t i = 0; i < CHIO_ARRAY_LEN(interfaces); i++) {
    if (!matches(&interfaces[i], name, version, flags)) continue;
    *out_interface = &interfaces[i];
    return CKR_OK;
  }
  return CKR_FUNCTION_FAILED;
}
