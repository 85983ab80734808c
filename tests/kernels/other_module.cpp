// A device module of another build.
#include "kernels/device_api.h"

extern "C" {
sinv::DeviceModule sinv_device_module{.abi = sinv::device_abi() + 1, .ops = {}, .services = {}};
}
