// Published style transfer nets: their recorded pictures, with the noise that they add turned off.

#include <cstdlib>
#include <iostream>

#include "doppio/npy.h"
#include "doppio/predictor.h"
#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/models/onnx_trip.h"
#include "tests/support/shared_dir.h"

namespace doppio {
namespace {

class StyleTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    DOPPIO_SKIP_WITHOUT_SHARED();
    const std::string folder = SharedDir() + "/models/style/";
    const absl::StatusOr<NetDef> init = LoadNet(folder + GetParam() + "/init_net.pb");
    const absl::StatusOr<NetDef> predict = LoadNet(folder + GetParam() + "/predict_net.pb");
    ASSERT_TRUE(init.ok() && predict.ok()) << init.status() << predict.status();
    init_ = *init;
    predict_ = *predict;
    for (OperatorDef& op : *predict_.mutable_op()) {
      for (Argument& arg : *op.mutable_arg()) {
        if (arg.name() == "noise_std") arg.set_f(0);
      }
    }
    const auto input = LoadTensor(folder + "golden/input.npy");
    const auto golden = LoadTensor(folder + "golden/" + GetParam() + ".npz");
    ASSERT_TRUE(input.ok() && golden.ok()) << input.status() << golden.status();
    input_ = *input;
    golden_ = *golden;
  }

  // A value may be rounded the other way where it is near a whole number.
  void ExpectGolden(const Tensor& styled) const {
    ASSERT_EQ(styled.TypeAndShape(), golden_.TypeAndShape());
    int largest = 0;
    int64_t different = 0;
    for (int64_t i = 0; i < styled.numel(); ++i) {
      const int distance =
          std::abs(int{styled.data<uint8_t>()[i]} - int{golden_.data<uint8_t>()[i]});
      largest = std::max(largest, distance);
      different += distance > 0 ? 1 : 0;
    }
    EXPECT_LE(largest, 1);
    EXPECT_LT(different, styled.numel() / 100);
  }

  NetDef init_;
  NetDef predict_;
  Tensor input_;
  Tensor golden_;
};

TEST_P(StyleTest, PaintsTheRecordedPictureInAWorkspace) {
  Workspace workspace;
  const absl::Status filled = workspace.RunNetOnce(init_);
  ASSERT_TRUE(filled.ok()) << filled;
  ASSERT_TRUE(workspace.Feed(predict_.external_input(0), input_).ok());
  const absl::Status run = workspace.RunNetOnce(predict_);
  ASSERT_TRUE(run.ok()) << run;
  const absl::StatusOr<Tensor> styled = workspace.Fetch(predict_.external_output(0));
  ASSERT_TRUE(styled.ok()) << styled.status();
  ExpectGolden(*styled);
}

TEST_P(StyleTest, PaintsTheRecordedPictureInAPredictor) {
  const auto predictor = Predictor::Create(init_, predict_);
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const absl::StatusOr<std::vector<Tensor>> styled = (*predictor)->Run({input_});
  ASSERT_TRUE(styled.ok()) << styled.status();
  ASSERT_EQ(styled->size(), 1u);
  ExpectGolden((*styled)[0]);
}

// With the noise as it was published too, which is drawn from a seed then. A value may be rounded
// the other way.
TEST_P(StyleTest, PaintsTheSameAsOnnx) {
  for (const float noise : {0.0f, 10.0f}) {
    Model model;
    model.predict = predict_;
    model.inits = {init_};
    for (OperatorDef& op : *model.predict.mutable_op()) {
      op.mutable_device_option()->set_random_seed(7);
      for (Argument& arg : *op.mutable_arg()) {
        if (arg.name() == "noise_std") arg.set_f(noise);
      }
    }
    const absl::StatusOr<OnnxTrip> trip =
        TakeToOnnx(std::move(model), {{predict_.external_input(0), input_}});
    ASSERT_TRUE(trip.ok()) << trip.status();
    std::cout << GetParam() << ", noise " << noise << ": " << trip->ToString() << "\n";
    EXPECT_EQ(trip->refused, "");
    EXPECT_LE(trip->of_reader, 1.0 / 255);
    EXPECT_LE(trip->of_onnxruntime, 1.0 / 255);
  }
}

INSTANTIATE_TEST_SUITE_P(Published, StyleTest,
                         testing::Values("animals", "crayon", "mosaic", "watercolor"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace doppio
