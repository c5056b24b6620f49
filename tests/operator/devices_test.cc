#include "doppio/devices.h"

#include "doppio/op_def.h"
#include "gtest/gtest.h"

namespace doppio {
namespace {

TEST(DevicesTest, AreNamedAndOthersNumbered) {
  EXPECT_EQ(DeviceName(DeviceType::kCpu), "the CPU");
  EXPECT_EQ(DeviceName(DeviceType::kCuda), "CUDA");
  EXPECT_EQ(DeviceName(static_cast<DeviceType>(42)), "device type 42");
  EXPECT_EQ(*DeviceFromName("cpu"), DeviceType::kCpu);
  EXPECT_FALSE(DeviceFromName("gpu").ok());
}

TEST(DevicesTest, SettingOneReachesNetsInsideAndKeepsSeeds) {
  NetDef inner;
  *inner.add_op() = CreateOperatorDef("Relu", "", {"X"}, {"Y"});
  inner.mutable_op(0)->mutable_device_option()->set_device_type(1);
  NetDef net;
  *net.add_op() = CreateOperatorDef("If", "", {"c"}, {}, {MakeArgument<NetDef>("then_net", inner)});
  *net.add_op() = CreateOperatorDef("UniformFill", "", {}, {"u"});
  *net.add_op() = CreateOperatorDef("CopyGPUToCPU", "", {"u"}, {"v"});
  net.mutable_device_option()->set_device_type(1);
  DeviceOption* option = net.mutable_op(1)->mutable_device_option();
  option->set_device_type(1);
  option->set_device_id(3);
  option->set_random_seed(7);
  SetDevice(&net, DeviceType::kCpu);
  EXPECT_EQ(DeviceOf(net, net.op(0)), DeviceType::kCpu);
  EXPECT_EQ(DeviceOf(net, net.op(1)), DeviceType::kCpu);
  EXPECT_EQ(net.op(1).device_option().random_seed(), 7U);
  EXPECT_FALSE(net.op(1).device_option().has_device_id());
  const NetDef& then_net = net.op(0).arg(0).n();
  EXPECT_EQ(DeviceOf(then_net, then_net.op(0)), DeviceType::kCpu);
  EXPECT_EQ(net.op(2).type(), "Copy");
}

TEST(DevicesTest, ANetCanBeMovedToAnotherDevice) {
  NetDef net;
  *net.add_op() = CreateOperatorDef("Relu", "", {"X"}, {"Y"});
  net.mutable_op(0)->mutable_device_option()->set_device_type(0);
  SetDevice(&net, DeviceType::kCuda);
  EXPECT_EQ(DeviceOf(net, net.op(0)), DeviceType::kCuda);
}

}  // namespace
}  // namespace doppio
