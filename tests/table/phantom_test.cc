// Every operator with phantoms (blob.h) as inputs gives the bits that it gives with the same
// tensors written out, whether it takes phantoms or never sees one.

#include <algorithm>
#include <cstring>
#include <map>
#include <random>

#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"
#include "tests/table/op_table.h"
#include "tests/table/table_request.h"

namespace doppio {
namespace {

constexpr int kCases = 10;
constexpr int kLargeCases = 1;  // that make several threads work

// A tensor of that shape, given by its elements, which are repeated.
struct Repeated {
  Tensor elements;
  Dims dims;

  Tensor Written() const {
    Blob blob;
    EXPECT_TRUE(blob.SetPhantom(elements, dims).ok());
    return *blob.Get<Tensor>();
  }
};

// x as far as its first slice along the dimensions goes that the bits of `repeated` say.
Repeated Repeat(const Tensor& x, uint32_t repeated) {
  Dims dims(x.dims().begin(), x.dims().end());
  Dims strides(dims.size(), 1);
  for (size_t d = dims.size(); d-- > 1;) strides[d - 1] = strides[d] * dims[d];
  Dims kept = dims;
  for (size_t d = 0; d < dims.size(); ++d) {
    if ((repeated >> d & 1) != 0) kept[d] = 1;
  }
  Tensor elements = *Tensor::Create(x.dtype(), kept);
  const size_t size = DataTypeSize(x.dtype());
  for (int64_t i = 0; i < elements.numel(); ++i) {
    int64_t rest = i;
    int64_t from = 0;
    for (size_t d = kept.size(); d-- > 0; rest /= kept[d]) from += rest % kept[d] * strides[d];
    std::memcpy(static_cast<char*>(elements.raw_mutable_data()) + static_cast<size_t>(i) * size,
                static_cast<const char*>(x.raw_data()) + static_cast<size_t>(from) * size, size);
  }
  return {elements, dims};
}

using RepeatedInputs = std::map<std::string, Repeated>;

// What some of the inputs become: all that can be repeated, or a part of them.
RepeatedInputs Draw(const OpCase& op_case, std::mt19937* rng) {
  RepeatedInputs inputs;
  const bool all = (*rng)() % 2 == 0;
  for (const auto& [name, value] : op_case.feeds) {
    if (!IsNumeric(value.dtype()) || value.numel() < 2 || (!all && (*rng)() % 2 == 0)) continue;
    const uint32_t every = (1u << value.rank()) - 1;
    inputs[name] = Repeat(value, (*rng)() % 3 == 0 ? every : (*rng)() & every);
  }
  return inputs;
}

struct Result {
  absl::Status status;
  std::vector<Tensor> outputs;
};

Result RunWith(const OpCase& op_case, const RepeatedInputs& inputs, bool as_phantoms) {
  Workspace workspace;
  for (const auto& [name, value] : op_case.feeds) {
    const auto found = inputs.find(name);
    if (found == inputs.end()) {
      EXPECT_TRUE(workspace.Feed(name, DeepCopy(value)).ok());
    } else if (as_phantoms) {
      const Repeated& input = found->second;
      EXPECT_TRUE(workspace.CreateBlob(name)->SetPhantom(input.elements, input.dims).ok());
    } else {
      EXPECT_TRUE(workspace.Feed(name, found->second.Written()).ok());
    }
  }
  absl::StatusOr<std::unique_ptr<OperatorBase>> op = CreateOperator(op_case.def, &workspace);
  if (!op.ok()) return {op.status(), {}};
  if (as_phantoms) (*op)->AllowPhantoms(1);
  Result result;
  result.status = (*op)->Run();
  for (const std::string& name : op_case.def.output()) {
    result.outputs.push_back(workspace.Fetch(name).value_or(Tensor()));
  }
  for (const auto& [name, input] : inputs) {
    const auto& outputs = op_case.def.output();
    if (std::find(outputs.begin(), outputs.end(), name) != outputs.end()) continue;
    const absl::StatusOr<Tensor> after = workspace.Fetch(name);
    EXPECT_TRUE(after.ok() && TensorBitsEqual(*after, input.Written())) << name << " has changed";
  }
  return result;
}

void ExpectTheSame(const OpCase& op_case, const RepeatedInputs& inputs) {
  std::string repeated;
  for (const auto& [name, input] : inputs) {
    absl::StrAppend(&repeated, " ", name, " of ", ShapeToString(input.elements.dims()));
  }
  testing::ScopedTrace trace(__FILE__, __LINE__,
                             absl::StrCat(Where(op_case), ", repeated:", repeated));
  const Result expected = RunWith(op_case, inputs, false);
  const Result result = RunWith(op_case, inputs, true);
  ASSERT_EQ(result.status.code(), expected.status.code())
      << result.status << " and written out: " << expected.status;
  if (!expected.status.ok()) return;
  for (size_t i = 0; i < expected.outputs.size(); ++i) {
    if (expected.outputs[i].dtype() == DataType::kUndefined) continue;  // none, or no tensor
    EXPECT_TRUE(TensorBitsEqual(result.outputs[i], expected.outputs[i])) << "output " << i;
  }
}

class PhantomInputTest : public testing::TestWithParam<std::string> {};

TEST_P(PhantomInputTest, GivesTheSameBitsAsOneThatIsWrittenOut) {
  const OpSchema& schema = *OpSchemaRegistry::Schema(GetParam());
  const bool any_inplace = schema.AllowsInplace(OpSchema::kMany, OpSchema::kMany - 1);
  for (int k = 0; k < kCases + kLargeCases; ++k) {
    CaseRequest request = Request(GetParam(), k);
    request.large = k >= kCases;
    for (OpCase op_case : FindOpRow(GetParam())->MakeCases(request)) {
      std::mt19937 rng(static_cast<uint32_t>(CaseSeed(GetParam(), k)));
      const RepeatedInputs inputs = Draw(op_case, &rng);
      if (inputs.empty()) continue;
      for (const OperatorKey& key : OperatorRegistry::Keys()) {
        if (key.type != GetParam()) continue;
        op_case.def.set_engine(key.engine);
        ExpectTheSame(op_case, inputs);
      }
      op_case.def.clear_engine();
      for (int i = 0; i < op_case.def.input_size() && !any_inplace; ++i) {
        for (int o = 0; o < op_case.def.output_size(); ++o) {
          if (!schema.AllowsInplace(i, o)) continue;
          OpCase inplace = op_case;
          inplace.def.set_output(o, op_case.def.input(i));
          ExpectTheSame(inplace, inputs);
        }
      }
      ASSERT_FALSE(HasFailure());
    }
  }
}

std::vector<std::string> TypesWithCases() {
  std::vector<std::string> types;
  for (const std::string& type : OpRowTypes()) {
    if (FindOpRow(type)->has_case() && OperatorRegistry::Has(type)) types.push_back(type);
  }
  return types;
}

std::string Name(const testing::TestParamInfo<std::string>& info) { return info.param; }

INSTANTIATE_TEST_SUITE_P(Table, PhantomInputTest, testing::ValuesIn(TypesWithCases()), Name);

}  // namespace
}  // namespace doppio
