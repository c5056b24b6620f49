#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "doppio/database.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "src/operator/element_copy.h"
#include "src/runtime/prefetcher.h"

namespace doppio {
namespace {

constexpr char kBatchSize[] = "batch_size";
constexpr char kNoPrefetch[] = "no_prefetch";

DOPPIO_OPERATOR_SCHEMA(TensorProtosDBInput)
    .NumInputs(1)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Reads examples from a database, whose values are TensorProtos messages: tensor i of an example becomes
row i of output i. All examples of a batch must have the same types and shapes, and as many tensors as
there are outputs. A label is a tensor of one element with the shape [1] or [], as who wrote the
database chose; the output then is [batch_size,1] or [batch_size]. With `batch_size` 0 the outputs are
the tensors of one example as they are.

The next batch is read on a thread while the net works with the last one; it ends with the operator. An
error of the database or of an example is the error of the run that was to get its batch, and names the
record. After the last example comes the first again.

Example: with `batch_size` 2 and examples of a float[3] and an int32[1] the outputs are a float[2,3] and
an int32[2,1].
)DOC")
    .Arg<int>(kBatchSize, "examples in a batch; 0: one, as it is", 0)
    .Arg<bool>(kNoPrefetch, "read in the run itself, and not ahead", false)
    .Input(0, "reader", "a reader, made by CreateDB, which is no tensor")
    .Output(0, "data", "the first tensors of the examples; the others follow")
    .HasSideEffects();

template <class Context>
class TensorProtosDBInputOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TensorProtosDBInputOp(OperatorInit* init)
      : Operator<Context>(init),
        batch_size_(init->GetSingleArgument<int>(kBatchSize)),
        prefetcher_([this] { return MakeBatch(); }, !init->GetSingleArgument<bool>(kNoPrefetch)) {
    if (batch_size_ < 0) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("batch_size is ", batch_size_, ", must not be negative")));
    }
    batch_.resize(static_cast<size_t>(OutputSize()));
  }

  absl::Status RunOnDevice() override {
    const DatabaseReader* reader = InputBlob(0).template Get<DatabaseReader>();
    if (reader == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("reader ", DescribeInput(0),
                                                     " must be a reader that CreateDB made, but "
                                                     "holds ",
                                                     InputBlob(0).TypeName()));
    }
    {
      const absl::MutexLock lock(&mutex_);
      reader_ = reader->Share();
    }
    return prefetcher_.Take([this] {
      // What the outputs were is where the batch after the next is made.
      for (int i = 0; i < OutputSize(); ++i) {
        std::swap(*OutputBlob(i)->template GetMutable<Tensor>(), batch_[static_cast<size_t>(i)]);
      }
      return absl::OkStatus();
    });
  }

 private:
  absl::Status MakeBatch() {
    std::shared_ptr<const DatabaseReader> reader;
    {
      const absl::MutexLock lock(&mutex_);
      reader = reader_;
    }
    const int count = batch_size_ == 0 ? 1 : batch_size_;
    for (int row = 0; row < count; ++row) {
      DOPPIO_RETURN_IF_ERROR(reader->Read(&key_, &value_));
      const absl::Status status = AddExample(row);
      if (!status.ok()) {
        return Annotate(status, absl::StrCat("record \"", key_, "\" of ", reader->Description()));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddExample(int row) {
    if (!example_.ParseFromString(value_)) {
      return absl::DataLossError(
          absl::StrCat("its ", value_.size(), " bytes are no TensorProtos message"));
    }
    if (example_.protos_size() != OutputSize()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "it has ", example_.protos_size(), " tensors, but there are ", OutputSize(), " outputs"));
    }
    for (int i = 0; i < OutputSize(); ++i) {
      const absl::Status status =
          AddTensor(row, example_.protos(i), &batch_[static_cast<size_t>(i)]);
      if (!status.ok()) return Annotate(status, absl::StrCat("tensor ", i));
    }
    return absl::OkStatus();
  }

  absl::Status AddTensor(int row, const TensorProto& proto, Tensor* batch) const {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, TensorFromProto(proto));
    if (batch_size_ == 0) {
      *batch = std::move(tensor);
      return absl::OkStatus();
    }
    Dims dims(tensor.dims().begin(), tensor.dims().end());
    dims.insert(dims.begin(), batch_size_);
    if (row == 0) {
      DOPPIO_RETURN_IF_ERROR(batch->Resize(tensor.dtype(), dims));
    } else if (batch->dtype() != tensor.dtype() || batch->dims() != DimsView(dims)) {
      return absl::InvalidArgumentError(
          absl::StrCat("is ", tensor.TypeAndShape(), ", but the batch is ", batch->TypeAndShape(),
                       "; all examples of a batch must have the same type and shape"));
    }
    ElementCopy(tensor, batch)(0, row * tensor.numel(), tensor.numel());
    return absl::OkStatus();
  }

  const int batch_size_;
  absl::Mutex mutex_;
  // What the next batch that is begun reads from. It lives on where its blob is removed.
  std::shared_ptr<const DatabaseReader> reader_ ABSL_GUARDED_BY(mutex_);
  std::string key_;
  std::string value_;
  TensorProtos example_;
  std::vector<Tensor> batch_;
  Prefetcher prefetcher_;  // the last: it uses the others
};

DOPPIO_REGISTER_CPU_OPERATOR(TensorProtosDBInput, TensorProtosDBInputOp<CPUContext>);
DOPPIO_NO_GRADIENT(TensorProtosDBInput);

}  // namespace
}  // namespace doppio
