#include "doppio/devices.h"

#include "doppio/registry.h"

namespace doppio {
namespace {

void SetDeviceOf(DeviceOption* option, DeviceType device) {
  option->set_device_type(static_cast<int>(device));
  option->clear_device_id();
}

}  // namespace

std::string DeviceName(DeviceType device) {
  if (device == DeviceType::kCpu) return "the CPU";
  if (device == DeviceType::kCuda) return "CUDA";
  return absl::StrCat("device type ", static_cast<int>(device));
}

absl::StatusOr<DeviceType> DeviceFromName(absl::string_view name) {
  if (name == "cpu") return DeviceType::kCpu;
  if (name == "cuda") return DeviceType::kCuda;
  return absl::InvalidArgumentError(
      absl::StrCat("there is no device \"", name, "\"; devices are cpu and cuda"));
}

bool HasDevice(DeviceType device) { return !OperatorRegistry::Types(device).empty(); }

DeviceType DeviceOf(const NetDef& net, const OperatorDef& def) {
  const bool is_own = def.device_option().has_device_type();
  return static_cast<DeviceType>(
      (is_own ? def.device_option() : net.device_option()).device_type());
}

void SetDevice(NetDef* net, DeviceType device) {
  if (net->has_device_option() || device != DeviceType::kCpu) {
    SetDeviceOf(net->mutable_device_option(), device);
  }
  for (OperatorDef& op : *net->mutable_op()) {
    if (op.has_device_option()) SetDeviceOf(op.mutable_device_option(), device);
    const bool is_copy = op.type() == "CopyGPUToCPU" || op.type() == "CopyCPUToGPU";
    if (is_copy && device == DeviceType::kCpu) op.set_type("Copy");
    for (Argument& arg : *op.mutable_arg()) {
      if (arg.has_n()) SetDevice(arg.mutable_n(), device);
      for (NetDef& inner : *arg.mutable_nets()) SetDevice(&inner, device);
    }
  }
}

}  // namespace doppio
