#include "doppio/gradient_maker.h"
#include "ops/nn/blocked_arguments.h"
#include "ops/nn/blocked_operator.h"

namespace doppio {
namespace {

[[maybe_unused]] const OpSchema& copy_schema =
    OpSchemaRegistry::NewSchema("BlockedCopy", __FILE__, __LINE__)
        .FillUsing([](OpSchema& schema) {
          StateChannelSlice(schema);
          StateBlocked(schema, "Copy", 1);
        })
        .NumInputs(1, 2)
        .AllowInplace({{1, 0}})
        .Doc(R"DOC(
Copy of a blocked tensor. Where the copy is a part of a larger tensor (`into_channels`) and not the
first one, that tensor comes last.
)DOC")
        .Input(0, "X", "blocked tensor");

class BlockedCopyOp final : public BlockedOperator {
 public:
  explicit BlockedCopyOp(OperatorInit* init)
      : BlockedOperator(init), slice_(ReadChannelSlice(init)) {
    const int wanted = slice_.continues() ? 2 : 1;
    if (InputSize() != wanted) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("there must be ", wanted, " inputs, but there are ", InputSize())));
    }
  }

  absl::Status RunOnDevice() override {
    bool changed = false;
    for (int i = 0; i < InputSize(); ++i) DOPPIO_RETURN_IF_ERROR(Look(i, &changed));
    if (changed) copy_.Reset();
    if (!copy_.IsFor({})) DOPPIO_RETURN_IF_ERROR(Prepare());
    DOPPIO_ASSIGN_OR_RETURN(
        BlockedTensor * y, slice_.continues() ? CarriedOutput(1, target_) : BlockedOutput(target_));
    void* to = y->mutable_data();
    if (slice_.is_part()) {
      DOPPIO_ASSIGN_OR_RETURN(to, slice_.Target(y->mutable_data()));
    }
    copy_.Bind(0, data(0));
    copy_.Bind(1, to);
    DOPPIO_RETURN_IF_ERROR(copy_.Execute());
    return slice_.is_part() ? slice_.Finish(y->mutable_data()) : absl::OkStatus();
  }

 private:
  absl::Status Prepare() {
    DOPPIO_RETURN_IF_ERROR(CheckImage(0));
    return CallDnnl([&]() -> absl::Status {
      const dnnl::memory::desc whole = slice_.continues() ? desc(1) : dnnl::memory::desc();
      dnnl::memory::desc part = desc(0);
      if (slice_.is_part()) {
        const dnnl::memory::desc wanted = slice_.Wanted(part, whole);
        if (wanted.data.format_kind != dnnl_format_kind_any) part = wanted;
        DOPPIO_RETURN_IF_ERROR(slice_.Init(part, whole));
      }
      target_ = slice_.is_part() ? slice_.whole() : part;
      const dnnl::reorder::primitive_desc primitive(DnnlEngine(), desc(0), DnnlEngine(), part,
                                                    DnnlAttributes());
      return copy_.Init(primitive, {{DNNL_ARG_FROM, desc(0)}, {DNNL_ARG_TO, part}});
    });
  }

  ChannelSlice slice_;
  dnnl::memory::desc target_;
  DnnlPrimitive copy_;
};

DOPPIO_REGISTER_CPU_OPERATOR(BlockedCopy, BlockedCopyOp);
DOPPIO_NO_GRADIENT(BlockedCopy);

}  // namespace
}  // namespace doppio
