#include "attest/hardware.h"

const struct chio_hardware chio_hardware_kernel = {
    .sgx = {.root = CHIO_GRAMINE_ROOT, .pause_ms = 20},
    .nitro = {.path = CHIO_NSM_DEVICE, .call = chio_ioctl_system, .pause_ms = 50},
    .tdx = {.tsm = {.root = CHIO_TSM_ROOT, .provider = "tdx_guest", .pause_ms = 50}, .device = CHIO_TDX_DEVICE},
    .snp = {.tsm = {.root = CHIO_TSM_ROOT, .provider = "sev_guest", .pause_ms = 200},
            .device = {.path = CHIO_SEV_GUEST_DEVICE, .call = chio_ioctl_system, .pause_ms = 500}},
    .azure = {.tcti = "device:/dev/tpmrm0", .dmi = "/sys/class/dmi/id"},
};
