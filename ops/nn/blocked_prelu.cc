#include <algorithm>

#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_operator.h"
#include "src/dnn/channel_layout.h"
#include "src/dnn/operand.h"
#include "src/kernel/channels.h"
#include "src/kernel/prelu_blocks.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& prelu_schema =
    OpSchemaRegistry::NewSchema("BlockedPRelu", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) { StateBlocked(schema, "PRelu", 2); })
        .NumInputs(2)
        .AllowInplace({{0, 0}})
        .Doc("PRelu, order NCHW, of a blocked tensor.")
        .Input(0, "X", "blocked tensor, [N, C, spatial...]")
        .Input(1, "slope", "one number, or one for each of the C channels");

// oneDNN's own PRelu is its slowest code for these layouts.
class BlockedPReluOp final : public BlockedOperator {
 public:
  explicit BlockedPReluOp(OperatorInit* init) : BlockedOperator(init) {}

  absl::Status RunOnDevice() override {
    bool changed = false;
    DOPPIO_RETURN_IF_ERROR(Look(0, &changed));
    DOPPIO_RETURN_IF_ERROR(Look(1, &changed));
    if (changed) is_prepared_ = false;
    if (!is_prepared_) DOPPIO_RETURN_IF_ERROR(Prepare());
    is_prepared_ = true;
    DOPPIO_ASSIGN_OR_RETURN(BlockedTensor * y, BlockedOutput(desc_));
    DOPPIO_ASSIGN_OR_RETURN(const void* x, source_.Read(data(0)));
    FillSlopes();
    if (pixels_ == 0) return absl::OkStatus();
    const auto* from = static_cast<const float*>(x);
    auto* to = static_cast<float*>(y->mutable_data());
    if (group_ == 1) {
      Prelu(from, slopes_.data(), {rows_ / groups_, groups_, pixels_}, to, &context_);
    } else {
      PreluOfBlocks(from, slopes_.data(), {rows_, groups_, pixels_, group_}, to, &context_);
    }
    return absl::OkStatus();
  }

 private:
  static constexpr int kSourceSlot = 1;  // of DnnlScratch

  absl::Status Prepare() {
    const Dims x = dims(0);
    const int64_t slopes = SizeFromDim(dims(1), 0);
    if (x.size() < 3 || x.size() > 5 || (slopes != 1 && slopes != x[1])) {
      return absl::InvalidArgumentError(absl::StrCat("there are ", slopes, " slopes for X ",
                                                     ShapeToString(x),
                                                     ", must be one or one for each channel"));
    }
    return CallDnnl([&] {
      const ChannelLayout* layout = ChannelLayoutOf(desc(0));
      if (layout == nullptr) layout = &RowMajorLayout();
      desc_ = WithLayout(desc(0).dims(), *layout);
      group_ = layout->group;
      groups_ = (x[1] + group_ - 1) / group_;
      rows_ = x[0] * groups_;
      pixels_ = x[0] == 0 ? 0 : SizeFromDim(x, 2);
      slopes_.assign(static_cast<size_t>(groups_ * group_), 0);
      return source_.InitInput(desc(0), desc_, kSourceSlot);
    });
  }

  // What rounds C up keeps the slope 0, so that it stays 0 itself.
  void FillSlopes() {
    const auto* given = static_cast<const float*>(data(1));
    const int64_t channels = desc_.dims()[1];
    if (SizeFromDim(dims(1), 0) == 1) {
      std::fill_n(slopes_.begin(), channels, given[0]);
    } else {
      std::copy(given, given + channels, slopes_.begin());
    }
  }

  dnnl::memory::desc desc_;  // of X and Y
  bool is_prepared_ = false;
  int64_t group_ = 1;
  int64_t groups_ = 0;
  int64_t rows_ = 0;
  int64_t pixels_ = 0;
  std::vector<float> slopes_;
  DnnlOperand source_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedPRelu, BlockedPReluOp);
DOPPIO_NO_GRADIENT(BlockedPRelu);

}  // namespace
}  // namespace doppio
