#include "tests/fuzz/seed_tensors.h"

#include <cstring>

#include "doppio/dtype.h"

namespace doppio {

std::vector<Tensor> SeedTensors() {
  std::vector<Tensor> tensors;
  for (const DataType type :
       {DataType::kFloat, DataType::kInt32, DataType::kString, DataType::kBool, DataType::kUInt8,
        DataType::kInt8, DataType::kUInt16, DataType::kInt16, DataType::kInt64, DataType::kFloat16,
        DataType::kDouble, DataType::kBFloat16}) {
    for (const Dims& dims : {Dims{2, 3}, Dims{}, Dims{0, 4}}) {
      Tensor tensor = *Tensor::Create(type, dims);
      if (type == DataType::kString) {
        for (int64_t i = 0; i < tensor.numel(); ++i) {
          tensor.mutable_data<std::string>()[i] = std::string(static_cast<size_t>(i), 'a');
        }
      } else if (tensor.numel() > 0) {
        const size_t bytes = static_cast<size_t>(tensor.numel()) * DataTypeSize(type);
        std::memset(tensor.raw_mutable_data(), 1, bytes);
      }
      tensors.push_back(tensor);
    }
  }
  return tensors;
}

}  // namespace doppio
