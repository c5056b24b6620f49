#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "ops/storage/blob_options.h"
#include "ops/storage/workspace_names.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(EstimateAllBlobSizes)
    .NumInputs(0)
    .NumOutputs(2)
    .Doc(R"DOC(
The names of all blobs of the workspace, sorted, and about how many bytes a file of each takes. The
estimate is Caffe2's: a fixed number of bytes for each element of a type (50 for a string), and for each
chunk the name and 50 bytes. Blobs that are no tensors count 0, except for std::string.

Example: a float[2] in a blob "X" counts 2 * 4 + 51 = 59.
)DOC")
    .Arg<bool>(kIncludeShared, kIncludeSharedDoc, true)
    .Arg<std::string>(kBlobOptions, kBlobOptionsDoc, "")
    .Output(0, "blob_names", "vector of strings")
    .Output(1, "blob_sizes", "vector of int64")
    .ReadsAllBlobs();

int64_t BytesOfElement(DataType type, bool floats_as_bfloat16) {
  switch (type) {
    case DataType::kFloat:
      return floats_as_bfloat16 ? 2 : 4;
    case DataType::kString:
      return 50;
    // Numbers of variable length: what an average one takes.
    case DataType::kInt8:
    case DataType::kUInt8:
      return 2;
    case DataType::kInt16:
    case DataType::kUInt16:
    case DataType::kFloat16:
      return 3;
    case DataType::kBFloat16:
      return 2;
    case DataType::kUndefined:
      return 0;
    default:
      return static_cast<int64_t>(DataTypeSize(type));
  }
}

int64_t EstimateBytes(const Blob& blob, absl::string_view name,
                      const BlobSerializationOptions& options) {
  const int64_t name_size = static_cast<int64_t>(name.size());
  if (const std::string* text = blob.Get<std::string>()) {
    return name_size + static_cast<int64_t>(text->size()) + 20;
  }
  const Tensor* tensor = blob.Get<Tensor>();
  if (tensor == nullptr || tensor->numel() == 0) return 0;
  int64_t chunk = options.chunk_size();
  if (chunk == 0) chunk = SerializeOptions::kDefaultChunkSize;
  if (chunk < 0) chunk = tensor->numel();
  const int64_t chunks = (tensor->numel() - 1) / chunk + 1;
  const bool as_bfloat16 = options.float_format() == BlobSerializationOptions::FLOAT_BFLOAT16;
  return chunks * (name_size + 50) + tensor->numel() * BytesOfElement(tensor->dtype(), as_bfloat16);
}

template <class Context>
class EstimateAllBlobSizesOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit EstimateAllBlobSizesOp(OperatorInit* init)
      : Operator<Context>(init), names_(init), options_(init) {}

  absl::Status RunOnDevice() override {
    const std::vector<std::string> names = names_.Get();
    const int64_t count = static_cast<int64_t>(names.size());
    DOPPIO_ASSIGN_OR_RETURN(Tensor * out_names, Output(0, DataType::kString, {count}));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * out_sizes, Output(1, DataType::kInt64, {count}));
    std::copy(names.begin(), names.end(), out_names->template mutable_data<std::string>());
    int64_t* size = out_sizes->template mutable_data<int64_t>();
    for (const std::string& name : names) {
      const std::shared_ptr<Blob> blob = names_.workspace().FindBlob(name);
      *size++ = blob == nullptr ? 0 : EstimateBytes(*blob, name, options_.Of(name));
    }
    return absl::OkStatus();
  }

 private:
  const WorkspaceNames names_;
  const BlobOptions options_;
};

DOPPIO_REGISTER_CPU_OPERATOR(EstimateAllBlobSizes, EstimateAllBlobSizesOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(EstimateAllBlobSizes);

}  // namespace
}  // namespace doppio
