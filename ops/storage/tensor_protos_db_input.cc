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
#include "src/runtime/input_place.h"
#include "src/runtime/prefetcher.h"
#include "src/runtime/records_taken.h"

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
class TensorProtosDBInputOp final : public Operator<Context>, public InputPlace {
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
    DOPPIO_ASSIGN_OR_RETURN(const DatabaseReader* reader, Reader());
    {
      const absl::MutexLock lock(&mutex_);
      reader_ = reader->Share();
    }
    return prefetcher_.Take([this] {
      // What the outputs were is where the batch after the next is made.
      for (int i = 0; i < OutputSize(); ++i) {
        std::swap(*OutputBlob(i)->template GetMutable<Tensor>(), batch_[static_cast<size_t>(i)]);
      }
      taken_.Add(RecordsOfBatch());
      return absl::OkStatus();
    });
  }

  absl::StatusOr<std::string> Place() const override {
    DOPPIO_ASSIGN_OR_RETURN(const DatabaseReader* reader, Reader());
    DOPPIO_RETURN_IF_ERROR(reader->ToProto("").status());
    return taken_.Place();
  }

  absl::Status GoTo(const std::string& place) override {
    DOPPIO_ASSIGN_OR_RETURN(const DatabaseReader* reader, Reader());
    std::string key, value;
    return taken_.GoTo(place, [&]() -> absl::StatusOr<bool> {
      DOPPIO_RETURN_IF_ERROR(reader->Read(&key, &value));
      return true;
    });
  }

 private:
  absl::StatusOr<const DatabaseReader*> Reader() const {
    const DatabaseReader* reader = InputBlob(0).template Get<DatabaseReader>();
    if (reader != nullptr) return reader;
    return absl::InvalidArgumentError(
        absl::StrCat("reader ", DescribeInput(0),
                     " must be a reader that CreateDB made, but holds ", InputBlob(0).TypeName()));
  }

  int RecordsOfBatch() const { return batch_size_ == 0 ? 1 : batch_size_; }

  absl::Status MakeBatch() {
    std::shared_ptr<const DatabaseReader> reader;
    {
      const absl::MutexLock lock(&mutex_);
      reader = reader_;
    }
    for (int row = 0; row < RecordsOfBatch(); ++row) {
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
  RecordsTaken taken_;
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
