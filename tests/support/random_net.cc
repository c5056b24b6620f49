#include "tests/support/random_net.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <random>

#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "tests/support/kinks.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

// What can be read: a blob of the net's type, as it is after the operators so far.
struct Live {
  std::string name;
  Dims dims;
  double least = 0;
  double most = 0;
};

using Fits = std::function<bool(const Live&)>;

double Largest(const Live& x) { return std::max(-x.least, x.most); }
bool IsPositive(const Live& x) { return x.least > 0.2 && x.most < 5; }
bool IsTame(const Live& x) { return Largest(x) < 2.5; }

class Drawer {
 public:
  using Recipe = std::function<absl::Status(Drawer&, absl::string_view type)>;

  Drawer(uint64_t seed, const RandomNetOptions& options) : options_(options), generator_(seed) {
    drawn_.net.set_name("random");
  }

  absl::StatusOr<RandomNet> Draw();

  // --- For the recipes. ---
  int64_t Int(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(generator_() % static_cast<uint64_t>(most - least + 1));
  }
  double Real(double least, double most) {
    return least + (most - least) * (static_cast<double>(generator_() >> 11) * 0x1p-53);
  }
  bool Chance(double probability) { return Real(0, 1) < probability; }

  int64_t Size() { return Chance(options_.ones) ? 1 : Int(1, options_.max_size); }
  Dims Shape(int min_rank = 0) {
    Dims dims(static_cast<size_t>(Int(min_rank, std::max(min_rank, options_.max_rank))));
    for (int64_t& size : dims) size = Size();
    return dims;
  }
  // A blob that fits, of shape `dims` if that is given. Where there is none, and now and then
  // anyway, a new input with values in [least, most]: of shape `dims`, else `otherwise`, else of
  // any that fits.
  Live Pick(const Fits& fits, const std::optional<Dims>& dims = std::nullopt, double least = -1.5,
            double most = 1.5, const std::optional<Dims>& otherwise = std::nullopt);
  Live NewInput(const Dims& dims, double least, double most);
  // A vector of int64 that the net reads.
  std::string NewIndices(absl::Span<const int64_t> values);
  std::string NewName();

  // Adds the operator and runs it. Where it may, and by chance, it writes to its input. Adds
  // nothing where that would put it nearer to a kink than the options allow.
  absl::Status Add(absl::string_view type, const std::vector<Live>& inputs, int outputs = 1,
                   const std::vector<Argument>& args = {});
  absl::Status AddNamed(absl::string_view type, const std::vector<std::string>& inputs, int outputs,
                        const std::vector<Argument>& args);
  absl::Status AddSample(const OperatorSample& sample);

 private:
  std::string NewFeed(const Tensor& value);
  // What the last operator wrote.
  const std::string& last_output() const {
    return drawn_.net.op(drawn_.net.op_size() - 1).output(0);
  }
  absl::Status Note(const std::string& name);

  const RandomNetOptions& options_;
  std::mt19937_64 generator_;
  Workspace workspace_;
  RandomNet drawn_;
  std::vector<Live> live_;  // in the order of their last writes
  int names_ = 0;
};

Live Drawer::Pick(const Fits& fits, const std::optional<Dims>& dims, double least, double most,
                  const std::optional<Dims>& otherwise) {
  std::vector<const Live*> fitting;
  for (const Live& live : live_) {
    if ((!dims.has_value() || live.dims == *dims) && fits(live)) fitting.push_back(&live);
  }
  if (!fitting.empty() && !Chance(options_.fresh)) {
    // The newest ones more often, so that nets get deep.
    const auto last = static_cast<int64_t>(fitting.size()) - 1;
    return *fitting[static_cast<size_t>(Chance(0.4) ? last : Int(0, last))];
  }
  if (dims.has_value()) return NewInput(*dims, least, most);
  if (otherwise.has_value()) return NewInput(*otherwise, least, most);
  Dims drawn;
  for (int tries = 0; tries < 100; ++tries) {
    drawn = Shape();
    if (fits(Live{"", drawn, least, most})) break;
  }
  return NewInput(drawn, least, most);
}

std::string Drawer::NewFeed(const Tensor& value) {
  const std::string name = absl::StrCat("x", drawn_.feeds.size());
  drawn_.feeds.emplace_back(name, value);
  EXPECT_TRUE(workspace_.Feed(name, DeepCopy(value)).ok());
  return name;
}

Live Drawer::NewInput(const Dims& dims, double least, double most) {
  std::vector<double> elements(static_cast<size_t>(SizeFromDim(dims, 0)));
  for (double& element : elements) element = static_cast<float>(Real(least, most));
  const std::string name =
      NewFeed(*ConvertTensor(*Tensor::FromSpan<double>(dims, elements), options_.type));
  EXPECT_TRUE(Note(name).ok());
  return live_.back();
}

std::string Drawer::NewIndices(absl::Span<const int64_t> values) {
  return NewFeed(*Tensor::FromSpan<int64_t>({static_cast<int64_t>(values.size())}, values));
}

std::string Drawer::NewName() {
  if (!live_.empty() && Chance(options_.clashes)) {
    const std::string name =
        live_[static_cast<size_t>(Int(0, static_cast<int64_t>(live_.size()) - 1))].name + "_grad";
    if (!workspace_.HasBlob(name)) return name;
  }
  return absl::StrCat("b", names_++);
}

absl::Status Drawer::Note(const std::string& name) {
  const absl::StatusOr<Tensor> fetched = workspace_.Fetch(name);
  live_.erase(std::remove_if(live_.begin(), live_.end(),
                             [&](const Live& live) { return live.name == name; }),
              live_.end());
  // An output may be left without a value (the mask of Dropout in tests). The recipes read no empty
  // one.
  if (!fetched.ok() || fetched->dtype() != options_.type || fetched->numel() == 0) {
    return absl::OkStatus();
  }
  const Tensor& value = *fetched;
  Live live;
  live.name = name;
  live.dims.assign(value.dims().begin(), value.dims().end());
  for (int64_t i = 0; i < value.numel(); ++i) {
    const double element = ElementAsDouble(value, i);
    if (!std::isfinite(element)) {
      return absl::InternalError(absl::StrCat("\"", name, "\" holds ", element));
    }
    live.least = i == 0 ? element : std::min(live.least, element);
    live.most = i == 0 ? element : std::max(live.most, element);
  }
  live_.push_back(std::move(live));
  return absl::OkStatus();
}

absl::Status Drawer::Add(absl::string_view type, const std::vector<Live>& inputs, int outputs,
                         const std::vector<Argument>& args) {
  std::vector<std::string> names;
  for (const Live& input : inputs) names.push_back(input.name);
  return AddNamed(type, names, outputs, args);
}

absl::Status Drawer::AddNamed(absl::string_view type, const std::vector<std::string>& inputs,
                              int outputs, const std::vector<Argument>& args) {
  const OpSchema* schema = OpSchemaRegistry::Schema(type);
  if (schema == nullptr) return absl::NotFoundError(absl::StrCat("there is no operator ", type));
  OperatorDef def = CreateOperatorDef(type, "", inputs, {}, args);
  if (options_.kink_margin > 0) {
    std::vector<Tensor> values;
    for (const std::string& input : inputs) {
      DOPPIO_ASSIGN_OR_RETURN(Tensor value, workspace_.Fetch(input));
      values.push_back(std::move(value));
    }
    if (DistanceToKink(def, values) < options_.kink_margin) return absl::OkStatus();
  }
  while (def.output_size() < outputs) {
    const std::string name = NewName();
    if (std::count(def.output().begin(), def.output().end(), name) == 0) def.add_output(name);
  }
  // The output's shape is known after a run alone, and only an input of that shape can be written
  // to.
  OperatorDef own_names = def;
  for (std::string& output : *own_names.mutable_output()) output = "drawing_" + output;
  absl::Status status = workspace_.RunOperatorOnce(own_names);
  if (!status.ok()) return Annotate(status, "an operator drawn at random");
  for (int i = 0; i < def.input_size(); ++i) {
    const absl::StatusOr<Tensor> input = workspace_.Fetch(def.input(i));
    for (int o = 0; o < outputs; ++o) {
      const absl::StatusOr<Tensor> output = workspace_.Fetch(own_names.output(o));
      if (!schema->AllowsInplace(i, o) || !output.ok() || !Chance(options_.in_place)) continue;
      if (input->dtype() != output->dtype() || input->dims() != output->dims()) continue;
      if (std::count(inputs.begin(), inputs.end(), def.input(i)) > 1) continue;
      def.set_output(o, def.input(i));
      i = def.input_size();  // one is enough
      break;
    }
  }
  for (const std::string& output : own_names.output()) {
    DOPPIO_RETURN_IF_ERROR(workspace_.RemoveBlob(output));
  }
  DOPPIO_RETURN_IF_ERROR(workspace_.RunOperatorOnce(def));
  for (const std::string& output : def.output()) DOPPIO_RETURN_IF_ERROR(Note(output));
  *drawn_.net.add_op() = std::move(def);
  return absl::OkStatus();
}

// Moves an input x of the sample to x + 0.05 tanh(mean(blob)), which keeps its shape and, nearly,
// its values, whatever the blob is.
absl::Status Drawer::AddSample(const OperatorSample& sample) {
  std::vector<std::string> inputs;
  for (int i = 0; i < sample.def.input_size(); ++i) {
    const auto feed =
        std::find_if(sample.feeds.begin(), sample.feeds.end(),
                     [&](const auto& given) { return given.first == sample.def.input(i); });
    if (feed == sample.feeds.end()) return absl::InternalError("an input has no value");
    inputs.push_back(NewFeed(feed->second));
    const bool may_move = std::count(sample.movable.begin(), sample.movable.end(), i) > 0;
    if (!may_move) drawn_.constants.insert(inputs.back());
    if (!may_move || feed->second.dtype() != options_.type || !Chance(0.8)) continue;
    DOPPIO_RETURN_IF_ERROR(Add("SumElements", {Pick(IsTame)}, 1, {MakeArgument("average", true)}));
    DOPPIO_RETURN_IF_ERROR(AddNamed("Tanh", {last_output()}, 1, {}));
    DOPPIO_RETURN_IF_ERROR(AddNamed("Scale", {last_output()}, 1, {MakeArgument("scale", 0.05f)}));
    DOPPIO_RETURN_IF_ERROR(AddNamed("Add", {inputs.back(), last_output()}, 1, {}));
    inputs.back() = last_output();
  }
  std::vector<Argument> args(sample.def.arg().begin(), sample.def.arg().end());
  return AddNamed(sample.def.type(), inputs, sample.def.output_size(), args);
}

// --- The recipes. ---

Drawer::Recipe Unary(Fits fits, double least = -1.5, double most = 1.5) {
  return [=](Drawer& d, absl::string_view type) {
    return d.Add(type, {d.Pick(fits, std::nullopt, least, most)});
  };
}

Drawer::Recipe UnaryOfVectors() {
  return [](Drawer& d, absl::string_view type) {
    return d.Add(type, {d.Pick([](const Live& x) { return x.dims.size() > 1; })});
  };
}

absl::Status AddScale(Drawer& d, absl::string_view type) {
  const auto scale = static_cast<float>(d.Real(-1.5, 1.5));
  return d.Add(type, {d.Pick(IsTame)}, 1, {MakeArgument<float>("scale", scale)});
}

absl::Status AddClip(Drawer& d, absl::string_view type) {
  const auto least = static_cast<float>(d.Real(-1, 0.5));
  const auto most = static_cast<float>(d.Real(least, 1));
  return d.Add(type, {d.Pick(IsTame)}, 1,
               {MakeArgument<float>("min", least), MakeArgument<float>("max", most)});
}

Drawer::Recipe UnaryWithBound(const char* bound) {
  return [=](Drawer& d, absl::string_view type) {
    const auto at = static_cast<float>(d.Real(0.2, 1));
    return d.Add(type, {d.Pick(IsTame)}, 1, {MakeArgument<float>(bound, at)});
  };
}

// Operands of which one is repeated along some dimensions of the other.
absl::Status AddBinary(Drawer& d, absl::string_view type) {
  const Live a = d.Pick(IsTame);
  const auto broadcasts = [&](const Live& b) {
    if (b.dims.size() > a.dims.size()) return false;
    const size_t offset = a.dims.size() - b.dims.size();
    for (size_t i = 0; i < b.dims.size(); ++i) {
      const int64_t wide = a.dims[offset + i];
      if (b.dims[i] != wide && b.dims[i] != 1 && wide != 1) return false;
    }
    return true;
  };
  const bool divides = type == "Div";
  std::optional<Dims> dims;
  if (d.Chance(0.5)) dims = a.dims;
  const Live b =
      d.Pick([&](const Live& x) { return broadcasts(x) && (divides ? IsPositive(x) : IsTame(x)); },
             dims, divides ? 0.5 : -1.5, 1.5, a.dims);
  return d.Add(type, !divides && d.Chance(0.3) ? std::vector<Live>{b, a} : std::vector<Live>{a, b});
}

absl::Status AddOfOneShape(Drawer& d, absl::string_view type) {
  std::vector<Live> terms = {d.Pick(IsTame)};
  for (int64_t more = d.Int(1, 2); more > 0; --more) {
    terms.push_back(d.Pick(IsTame, terms[0].dims));
  }
  return d.Add(type, terms);
}

absl::Status AddWeightedSum(Drawer& d, absl::string_view type) {
  std::vector<Live> terms = {d.Pick(IsTame)};
  terms.push_back(d.Pick(IsTame, Dims{1}));
  terms.push_back(d.Pick(IsTame, terms[0].dims));
  terms.push_back(d.Pick(IsTame, Dims{1}));
  return d.Add(type, terms, 1, {MakeArgument<bool>("grad_on_w", true)});
}

absl::Status AddSplit(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) {
    return std::any_of(live.dims.begin(), live.dims.end(), [](int64_t size) { return size > 1; });
  });
  int axis = 0;
  do {
    axis = static_cast<int>(d.Int(0, static_cast<int64_t>(x.dims.size()) - 1));
  } while (x.dims[static_cast<size_t>(axis)] < 2);
  const int64_t size = x.dims[static_cast<size_t>(axis)];
  std::vector<Argument> args = {MakeArgument<int>("axis", axis)};
  if (d.Chance(0.3)) return d.Add(type, {x}, static_cast<int>(size), args);
  const int64_t first = d.Int(1, size - 1);
  args.push_back(MakeArgument<std::vector<int64_t>>("split", {first, size - first}));
  return d.Add(type, {x}, 2, args);
}

absl::Status AddConcat(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) { return !live.dims.empty(); });
  const auto axis = static_cast<size_t>(d.Int(0, static_cast<int64_t>(x.dims.size()) - 1));
  const auto joins = [&](const Live& other) {
    if (other.dims.size() != x.dims.size() || other.dims[axis] > 3) return false;
    Dims dims = other.dims;
    dims[axis] = x.dims[axis];
    return dims == x.dims;
  };
  return d.Add(type, {x, d.Pick(joins, std::nullopt, -1.5, 1.5, x.dims)}, 2,
               {MakeArgument<int>("axis", static_cast<int>(axis))});
}

absl::Status AddExpand(Drawer& d, absl::string_view type) {
  const Live x = d.Pick(IsTame);
  Dims shape = x.dims;
  if (shape.size() < 4 && d.Chance(0.4)) shape.insert(shape.begin(), d.Size());
  for (int64_t& size : shape) {
    if (size == 1) size = d.Size();
  }
  return d.AddNamed(type, {x.name, d.NewIndices(shape)}, 1, {});
}

absl::Status AddReshape(Drawer& d, absl::string_view type) {
  const Live x = d.Pick(IsTame);
  Dims shape = x.dims;
  if (!shape.empty() && d.Chance(0.5)) {
    std::reverse(shape.begin(), shape.end());
  } else {
    shape = {d.Chance(0.5) ? -1 : SizeFromDim(x.dims, 0)};
  }
  return d.Add(type, {x}, 2,
               {MakeArgument<std::vector<int64_t>>("shape", {shape.begin(), shape.end()})});
}

absl::Status AddExpandDims(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) { return live.dims.size() < 4; });
  const int64_t at = d.Int(0, static_cast<int64_t>(x.dims.size()));
  return d.Add(type, {x}, 1, {MakeArgument<std::vector<int64_t>>("dims", {at})});
}

absl::Status AddSqueeze(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) {
    return std::find(live.dims.begin(), live.dims.end(), 1) != live.dims.end();
  });
  const int64_t at = std::find(x.dims.begin(), x.dims.end(), 1) - x.dims.begin();
  return d.Add(type, {x}, 1, {MakeArgument<std::vector<int64_t>>("dims", {at})});
}

absl::Status AddTranspose(Drawer& d, absl::string_view type) {
  const Live x = d.Pick(IsTame);
  std::vector<int64_t> axes(x.dims.size());
  std::iota(axes.begin(), axes.end(), 0);
  for (size_t i = axes.size(); i > 1; --i) {
    std::swap(axes[i - 1], axes[static_cast<size_t>(d.Int(0, static_cast<int64_t>(i) - 1))]);
  }
  return d.Add(type, {x}, 1, {MakeArgument<std::vector<int64_t>>("axes", axes)});
}

absl::Status AddReduce(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) { return IsTame(live) && !live.dims.empty(); });
  const int64_t axis = d.Int(0, static_cast<int64_t>(x.dims.size()) - 1);
  return d.Add(type, {x}, 1,
               {MakeArgument<std::vector<int64_t>>("axes", {axis}),
                MakeArgument<bool>("keepdims", d.Chance(0.5))});
}

absl::Status AddSlice(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) { return !live.dims.empty(); });
  std::vector<int64_t> starts;
  std::vector<int64_t> ends;
  for (const int64_t size : x.dims) {
    starts.push_back(d.Int(0, size - 1));
    ends.push_back(d.Int(starts.back() + 1, size));
  }
  return d.Add(type, {x}, 1,
               {MakeArgument<std::vector<int64_t>>("starts", starts),
                MakeArgument<std::vector<int64_t>>("ends", ends)});
}

bool IsTameMatrix(const Live& x) { return IsTame(x) && x.dims.size() == 2; }

absl::Status AddMatMul(Drawer& d, absl::string_view type) {
  const Live a = d.Pick(IsTameMatrix);
  const Live b = d.Pick([&](const Live& x) { return IsTameMatrix(x) && x.dims[0] == a.dims[1]; },
                        std::nullopt, -1.5, 1.5, Dims{a.dims[1], d.Size()});
  return d.Add(type, {a, b});
}

absl::Status AddFc(Drawer& d, absl::string_view type) {
  const Live x = d.Pick(IsTameMatrix);
  const int64_t width = d.Size();
  const Live w = d.Pick(IsTame, Dims{width, x.dims[1]});
  return d.Add(type, {x, w, d.Pick(IsTame, Dims{width})});
}

absl::Status AddOfRows(Drawer& d, absl::string_view type) {
  const Live x = d.Pick(IsTameMatrix);
  return d.Add(type, {x, d.Pick(IsTame, x.dims)});
}

absl::Status AddGather(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) { return !live.dims.empty(); });
  // The first axis more often: that is where the gradient may be sparse.
  const int64_t last = static_cast<int64_t>(x.dims.size()) - 1;
  const int64_t axis = d.Chance(0.5) ? 0 : d.Int(0, last);
  std::vector<int64_t> rows(static_cast<size_t>(d.Size()));
  for (int64_t& row : rows) row = d.Int(0, x.dims[static_cast<size_t>(axis)] - 1);
  std::vector<Argument> args;
  if (axis > 0) args.push_back(MakeArgument<int>("axis", static_cast<int>(axis)));
  if (d.Chance(0.5)) args.push_back(MakeArgument<bool>("dense_gradient", true));
  return d.AddNamed(type, {x.name, d.NewIndices(rows)}, 1, args);
}

absl::Status AddLayerNorm(Drawer& d, absl::string_view type) {
  // Of one value in a row, the derivative is that of rounding errors.
  const Live x = d.Pick([](const Live& live) {
    return live.dims.size() == 2 && live.dims[1] > 1 && live.most - live.least > 0.2;
  });
  return d.Add(type, {x}, 3, {MakeArgument<float>("epsilon", 0.1f)});
}

absl::Status AddDropout(Drawer& d, absl::string_view type) {
  return d.Add(type, {d.Pick(IsTame)}, 2, {MakeArgument<bool>("is_test", true)});
}

absl::Status AddPRelu(Drawer& d, absl::string_view type) {
  const Live x = d.Pick([](const Live& live) { return IsTame(live) && live.dims.size() > 1; });
  return d.Add(type, {x, d.Pick(IsTame, Dims{1})});
}

const std::map<std::string, Drawer::Recipe>& Recipes() {
  static const auto& recipes = *[] {
    auto* all = new std::map<std::string, Drawer::Recipe>;
    for (const char* type :
         {"Sigmoid", "Tanh",     "Sqr",   "Negative",   "Softsign", "Softplus", "Sin",
          "Cos",     "Atan",     "Erf",   "Swish",      "Gelu",     "Exp",      "Cube",
          "Sinh",    "Cosh",     "Relu",  "LeakyRelu",  "Elu",      "Selu",     "Abs",
          "Copy",    "NanCheck", "Alias", "SumElements"}) {
      (*all)[type] = Unary(IsTame);
    }
    for (const char* type : {"Log", "Sqrt", "Rsqrt", "Cbrt", "Reciprocal"}) {
      (*all)[type] = Unary(IsPositive, 0.5, 2);
    }
    for (const char* type : {"Asin", "Acos", "Tan"}) {
      (*all)[type] = Unary([](const Live& x) { return Largest(x) < 0.8; }, -0.7, 0.7);
    }
    for (const char* type : {"Add", "Sub", "Mul", "Div"}) (*all)[type] = AddBinary;
    for (const char* type : {"Sum", "Mean", "Max", "Min"}) (*all)[type] = AddOfOneShape;
    for (const char* type : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"})
      (*all)[type] = AddReduce;
    for (const char* type : {"DotProduct", "SquaredL2Distance"}) (*all)[type] = AddOfRows;
    (*all)["Softmax"] = UnaryOfVectors();
    // What makes a sparse gradient dense.
    (*all)["EnsureDense"] = UnaryOfVectors();
    (*all)["Clip"] = AddClip;
    (*all)["ReluN"] = UnaryWithBound("n");
    (*all)["ThresholdedRelu"] = UnaryWithBound("alpha");
    (*all)["Scale"] = AddScale;
    (*all)["WeightedSum"] = AddWeightedSum;
    (*all)["Split"] = AddSplit;
    (*all)["Concat"] = AddConcat;
    (*all)["Expand"] = AddExpand;
    (*all)["Reshape"] = AddReshape;
    (*all)["ExpandDims"] = AddExpandDims;
    (*all)["Squeeze"] = AddSqueeze;
    (*all)["Transpose"] = AddTranspose;
    (*all)["Slice"] = AddSlice;
    (*all)["MatMul"] = AddMatMul;
    (*all)["FC"] = AddFc;
    (*all)["Gather"] = AddGather;
    (*all)["LayerNorm"] = AddLayerNorm;
    (*all)["Dropout"] = AddDropout;
    (*all)["PRelu"] = AddPRelu;
    return all;
  }();
  return recipes;
}

absl::StatusOr<RandomNet> Drawer::Draw() {
  const std::vector<std::string>& types =
      options_.operators.empty() ? RandomNetOperators() : options_.operators;
  const int64_t count = Int(options_.min_operators, options_.max_operators);
  // After how many operators samples stand.
  std::vector<int64_t> samples;
  if (options_.sample != nullptr) {
    for (int64_t more = Int(1, 2); more > 0; --more) samples.push_back(Int(0, count - 1));
  }
  // Few that are drawn are near a kink, and what they read is soon another blob.
  for (int64_t tries = 0; drawn_.net.op_size() < count; ++tries) {
    if (tries == 100 * count) return absl::InternalError("all operators drawn are at a kink");
    const auto sample = std::find_if(samples.begin(), samples.end(),
                                     [&](int64_t after) { return after <= drawn_.net.op_size(); });
    if (sample != samples.end()) {
      samples.erase(sample);
      DOPPIO_RETURN_IF_ERROR(AddSample(options_.sample(generator_())));
      continue;
    }
    const std::string& type =
        types[static_cast<size_t>(Int(0, static_cast<int64_t>(types.size()) - 1))];
    const auto recipe = Recipes().find(type);
    if (recipe == Recipes().end()) {
      return absl::NotFoundError(absl::StrCat("there is no recipe for ", type));
    }
    DOPPIO_RETURN_IF_ERROR(recipe->second(*this, type));
  }
  return std::move(drawn_);
}

}  // namespace

std::string RandomNet::ToString() const {
  std::string text = net.DebugString();
  for (const auto& [name, value] : feeds) {
    absl::StrAppend(&text, name, " = ", TensorToString(value), "\n");
  }
  return text;
}

absl::StatusOr<RandomNet> MakeRandomNet(uint64_t seed, const RandomNetOptions& options) {
  return Drawer(seed, options).Draw();
}

const std::vector<std::string>& RandomNetOperators() {
  static const auto& types = *[] {
    auto* all = new std::vector<std::string>;
    for (const auto& recipe : Recipes()) all->push_back(recipe.first);
    // What joins and parts the ways through a net.
    for (int i = 0; i < 4; ++i) all->insert(all->end(), {"Sum", "Split", "Concat", "Expand"});
    all->insert(all->end(), {"Add", "Mul", "Sqr", "Sqrt", "Relu"});
    return all;
  }();
  return types;
}

}  // namespace doppio
