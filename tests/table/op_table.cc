#include "tests/table/op_table.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <numeric>

#include "absl/strings/str_join.h"
#include "tests/table/gradient_check.h"

namespace doppio {
namespace {

constexpr int64_t kMaxSmall = 2000;    // elements of a usual random tensor
constexpr int64_t kLarge = 80 * 1000;  // about so many of a large one

struct Rows {
  std::map<std::string, std::unique_ptr<OpRow>> by_type;
  std::vector<std::string> duplicates;
};

Rows& AllRows() {
  static Rows& rows = *new Rows;
  return rows;
}

// The numbers that an integer type has.
std::pair<int64_t, int64_t> RangeOf(DataType type) {
  switch (type) {
    case DataType::kInt8:
      return {-128, 127};
    case DataType::kUInt8:
      return {0, 255};
    case DataType::kInt16:
      return {-32768, 32767};
    case DataType::kUInt16:
      return {0, 65535};
    case DataType::kInt32:
      return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default:
      return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
}

}  // namespace

uint64_t TableSeed() {
  const char* given = std::getenv("DOPPIO_TABLE_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

uint64_t CaseSeed(absl::string_view type, int i) {
  uint64_t seed = TableSeed() * 1'000'003 + static_cast<uint64_t>(i) * 7919;
  for (char c : type) seed = seed * 31 + static_cast<unsigned char>(c);
  return seed;
}

const Tensor& OpCase::in(int i) const {
  for (const auto& [name, value] : feeds) {
    if (name == def.input(i)) return value;
  }
  ADD_FAILURE() << ToString() << ": input " << i << " has no value";
  static const Tensor& none = *new Tensor;
  return none;
}

std::string OpCase::ToString() const {
  std::vector<std::string> values;
  for (const auto& [name, value] : feeds) {
    values.push_back(
        absl::StrCat(name, " ", value.numel() <= 4 ? TensorToString(value) : value.TypeAndShape()));
  }
  std::string text = absl::StrCat(OpToString(def), " with ", absl::StrJoin(values, ", "));
  for (const Argument& argument : def.arg())
    absl::StrAppend(&text, "; ", argument.ShortDebugString());
  return text;
}

int64_t CaseMaker::Int(int64_t least, int64_t most) {
  return least + static_cast<int64_t>(choices_->Below(static_cast<uint64_t>(most - least + 1)));
}

double CaseMaker::Real(double least, double most) {
  return least + (most - least) * choices_->Unit();
}

DataType CaseMaker::ValueType(std::initializer_list<DataType> types) {
  const DataType drawn = OneOf(types);
  if (!request_.value_type.has_value()) return drawn;
  EXPECT_NE(std::find(types.begin(), types.end(), *request_.value_type), types.end())
      << case_.def.type() << ": the row does not have " << DataTypeName(*request_.value_type)
      << ", which is needed to check gradients";
  return *request_.value_type;
}

int64_t CaseMaker::Size() {
  if (request_.large) return Int(40, 90);
  if (!request_.never_empty && Chance(request_.zero ? 0.6 : 0.05)) return 0;
  if (!request_.value_type.has_value() && Chance(0.1)) return Int(5, 40);
  return Int(1, request_.value_type.has_value() ? 3 : 5);
}

Dims CaseMaker::Shape(int min_rank, int max_rank, int64_t each) {
  int rank = static_cast<int>(Int(min_rank, max_rank));
  if (request_.scalar) rank = min_rank;
  if (request_.large) rank = std::max(rank, std::min(max_rank, 1));
  const double wanted =
      static_cast<double>(kLarge) / static_cast<double>(std::max<int64_t>(each, 1));
  Dims dims;
  int64_t elements = 1;
  for (int i = 0; i < rank; ++i) {
    int64_t size = Size();
    if (request_.large) {
      const int64_t middle =
          std::max<int64_t>(2, static_cast<int64_t>(std::pow(wanted, 1.0 / rank)));
      size = Int(middle - middle / 4, middle + middle / 4);
    } else if (elements * size > kMaxSmall) {
      size = Int(1, 2);
    }
    elements *= std::max<int64_t>(size, 1);
    dims.push_back(size);
  }
  if (request_.zero && !request_.never_empty && rank > 0) {
    dims[Chance() ? 0 : static_cast<size_t>(Int(0, rank - 1))] = 0;
  }
  return dims;
}

Dims CaseMaker::BroadcastsTo(DimsView shape) {
  const size_t dropped =
      Chance() ? static_cast<size_t>(Int(0, static_cast<int64_t>(shape.size()))) : 0;
  Dims dims(shape.begin() + static_cast<std::ptrdiff_t>(dropped), shape.end());
  for (int64_t& size : dims) {
    if (Chance(0.3)) size = 1;
  }
  return dims;
}

std::vector<int> CaseMaker::Permutation(int count) {
  std::vector<int> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (int i = count - 1; i > 0; --i) {
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(Int(0, i))]);
  }
  return order;
}

Tensor CaseMaker::Random(DataType type, DimsView dims, double least, double most) {
  const Choices::Bulk elements(choices_);
  if (type == DataType::kString) {
    Tensor words = *Tensor::Create(type, dims);
    for (int64_t i = 0; i < words.numel(); ++i) {
      words.mutable_data<std::string>()[i] = absl::StrCat("w", Int(0, 999));
    }
    return words;
  }
  if (type == DataType::kBool) return Generate(type, dims, [&](const Dims&) { return Chance(); });
  if (IsFloatingPoint(type)) {
    return Generate(type, dims, [&](const Dims&) {
      return static_cast<double>(static_cast<float>(Real(least, most)));
    });
  }
  const auto [lowest, highest] = RangeOf(type);
  const int64_t low = std::max(static_cast<int64_t>(least), lowest);
  const int64_t high = std::max(low, std::min(static_cast<int64_t>(most), highest));
  return Generate(type, dims, [&](const Dims&) { return static_cast<double>(Int(low, high)); });
}

Tensor CaseMaker::IndexVector(DimsView values) {
  const Tensor wide = Vector<int64_t>(values);
  return Chance() ? wide : *ConvertTensor(wide, DataType::kInt32);
}

void CaseMaker::Input(absl::string_view name, Tensor value) {
  case_.def.add_input(std::string(name));
  case_.feeds.emplace_back(name, std::move(value));
}

OpRow& OpRow::Case(MakeFunction make) {
  make_ = std::move(make);
  return *this;
}
OpRow& OpRow::Reference(ReferenceFunction reference) {
  reference_ = std::move(reference);
  return *this;
}
OpRow& OpRow::Property(PropertyFunction property) {
  property_ = std::move(property);
  return *this;
}
OpRow& OpRow::CheckedByGradientOf(absl::string_view forward_type) {
  forward_type_ = std::string(forward_type);
  return *this;
}
OpRow& OpRow::Differentiable(std::vector<int> inputs) {
  differentiable_ = std::move(inputs);
  return *this;
}
OpRow& OpRow::OutputGradients(std::vector<int> outputs) {
  output_gradients_ = std::move(outputs);
  return *this;
}
OpRow& OpRow::Tolerance(double tolerance) {
  tolerance_ = tolerance;
  return *this;
}
OpRow& OpRow::GradientTolerance(double tolerance) {
  gradient_tolerance_ = tolerance;
  return *this;
}
OpRow& OpRow::Cases(int count) {
  cases_ = count;
  return *this;
}
OpRow& OpRow::NoTensors(absl::string_view) {
  no_tensors_ = true;
  return *this;
}
OpRow& OpRow::NeverEmpty(absl::string_view) {
  never_empty_ = true;
  return *this;
}
OpRow& OpRow::NeverScalar(absl::string_view) {
  never_scalar_ = true;
  return *this;
}
OpRow& OpRow::InferenceOpen(absl::string_view) {
  inference_open_ = true;
  return *this;
}
OpRow& OpRow::LibraryMayAllocate(absl::string_view) {
  library_may_allocate_ = true;
  return *this;
}
OpRow& OpRow::GradientUnchecked(absl::string_view) {
  gradient_unchecked_ = true;
  return *this;
}

OpRow& OpRow::MayAllocate(absl::string_view) {
  may_allocate_ = true;
  return *this;
}

double OpRow::ToleranceFor(DataType type) const {
  switch (type) {
    case DataType::kFloat:
      return tolerance_;
    case DataType::kDouble:
      return tolerance_ * 1e-5;
    case DataType::kFloat16:
      return tolerance_ * 200;
    case DataType::kBFloat16:
      return tolerance_ * 2000;
    default:
      return 0;
  }
}

std::vector<OpCase> OpRow::MakeCases(const CaseRequest& request) const {
  CaseRequest adapted = request;
  adapted.never_empty = request.never_empty || never_empty_;
  if (make_ != nullptr) {
    CaseMaker maker(type_, adapted);
    make_(maker);
    return {maker.result()};
  }
  const OpRow* forward = FindOpRow(forward_type_);
  if (forward == nullptr) {
    ADD_FAILURE() << "the row of " << type_ << " refers to that of \"" << forward_type_
                  << "\", which does not exist";
    return {};
  }
  // Gradients are made for floating point; both types take their turn.
  if (!adapted.value_type.has_value()) {
    adapted.value_type = request.seed % 2 == 0 ? DataType::kFloat : DataType::kDouble;
  }
  std::vector<OpCase> cases;
  for (const OpCase& forward_case : forward->MakeCases(adapted)) {
    absl::StatusOr<GradientRun> run = RunGradient(*forward, forward_case, request.seed);
    if (!run.ok()) {
      ADD_FAILURE() << forward_case.ToString() << ": " << run.status();
      continue;
    }
    for (OpCase& gradient_case : run->cases) {
      if (gradient_case.def.type() == type_) cases.push_back(std::move(gradient_case));
    }
  }
  return cases;
}

const OpRow* FindOpRow(absl::string_view type) {
  const auto found = AllRows().by_type.find(std::string(type));
  return found == AllRows().by_type.end() ? nullptr : found->second.get();
}

std::vector<std::string> OpRowTypes() {
  std::vector<std::string> types;
  for (const auto& row : AllRows().by_type) types.push_back(row.first);
  return types;
}

std::vector<std::string> DuplicateOpRows() { return AllRows().duplicates; }

OpRow& NewOpRow(absl::string_view type) {
  std::unique_ptr<OpRow>& row = AllRows().by_type[std::string(type)];
  if (row != nullptr) AllRows().duplicates.emplace_back(type);
  row = std::make_unique<OpRow>(std::string(type));
  return *row;
}

}  // namespace doppio
