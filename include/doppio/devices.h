#ifndef DOPPIO_DEVICES_H_
#define DOPPIO_DEVICES_H_

// On which device a net runs: moving one that was written for another machine.
//
//   absl::StatusOr<NetDef> net = LoadNet("predict_net.pb");  // of a machine with a GPU
//   SetDevice(&*net, DeviceType::kCpu);
//
// Threads: all functions may be called from many at once.

#include <string>

#include "absl/strings/string_view.h"
#include "doppio/context.h"
#include "doppio/net.pb.h"
#include "doppio/status.h"

namespace doppio {

// "the CPU", "CUDA"; other devices by their number, "device type 7".
std::string DeviceName(DeviceType device);

// The device of the name "cpu" or "cuda".
absl::StatusOr<DeviceType> DeviceFromName(absl::string_view name);

// Whether there is any operator for the device here.
bool HasDevice(DeviceType device);

// The device of operator `def` of `net`: its own, or else the net's.
DeviceType DeviceOf(const NetDef& net, const OperatorDef& def);

// Makes every operator of the net, and of nets that are arguments of its operators, ask for this
// device. Seeds and all else that device options say stay. On the CPU there is nothing to copy from
// device to device, so CopyGPUToCPU and CopyCPUToGPU become Copy there.
void SetDevice(NetDef* net, DeviceType device);

}  // namespace doppio

#endif  // DOPPIO_DEVICES_H_
