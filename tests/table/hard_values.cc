#include "tests/table/hard_values.h"

#include <algorithm>
#include <limits>

#include "doppio/limits.h"

namespace doppio {
namespace {

constexpr int kUsualRank = 6;
constexpr int64_t kMaxElements = 4096;

class HardMaker {
 public:
  HardMaker(const OpSchema& schema, Choices* choices)
      : schema_(schema), draw_(schema.type(), RequestOf(choices)) {}

  OpCase FromSchema() {
    OpCase made;
    made.def = CreateOperatorDef(schema_.type(), "", {}, {});
    const int inputs = Count(schema_.min_inputs(), schema_.max_inputs());
    for (int i = 0; i < inputs; ++i) {
      made.def.add_input(absl::StrCat("in", i));
      AddFeed(&made, made.def.input(i));
    }
    const int outputs = Count(schema_.min_outputs(), schema_.max_outputs());
    for (int i = 0; i < outputs; ++i) made.def.add_output(absl::StrCat("out", i));
    for (const OpSchema::ArgSpec& arg : schema_.args()) {
      if (arg.required || draw_.Chance(0.4)) {
        *made.def.add_arg() = HardArgument(arg.name, arg.type);
      }
    }
    if (draw_.Chance(0.2)) MakeInplace(&made);
    return made;
  }

  void Change(OpCase* made) {
    const int changes = static_cast<int>(draw_.Int(1, 3));
    for (int i = 0; i < changes; ++i) ChangeOnce(made);
  }

  bool Chance(double probability) { return draw_.Chance(probability); }
  size_t Index(size_t count) {
    return static_cast<size_t>(draw_.Int(0, static_cast<int64_t>(count) - 1));
  }

 private:
  static CaseRequest RequestOf(Choices* choices) {
    CaseRequest request;
    request.choices = choices;
    return request;
  }

  // Mostly what the schema allows.
  int Count(int least, int most) {
    const int64_t last = std::min<int64_t>(most, least + 4);
    const int64_t slack = draw_.Chance(0.1) ? 1 : 0;
    return static_cast<int>(draw_.Int(std::max<int64_t>(0, least - slack), last + slack));
  }

  int64_t HardInt() {
    if (draw_.Chance(0.6)) return draw_.Int(-1, 4);
    const int64_t word = int64_t{1} << 32;
    const int64_t least = std::numeric_limits<int64_t>::min();
    const int64_t most = std::numeric_limits<int64_t>::max();
    return draw_.OneOf<int64_t>({0, -2, 7, 100, 46341, word / 2 - 1, word / 2, -word / 2, word,
                                 word * 2 + 1, most / 2, most / 2 + 1, most - 1, most, least,
                                 least + 1});
  }

  float HardFloat() {
    using Bounds = std::numeric_limits<float>;
    if (draw_.Chance(0.5)) return static_cast<float>(draw_.Real(-2, 2));
    return draw_.OneOf<float>({0, -0.0f, 1, -1, 0.5f, 1e-30f, 1e30f, 3e9f, -3e9f, Bounds::max(),
                               Bounds::lowest(), Bounds::min(), Bounds::denorm_min(),
                               Bounds::infinity(), -Bounds::infinity(), Bounds::quiet_NaN()});
  }

  std::string HardString() {
    return draw_.OneOf<std::string>({"", "NCHW", "NHWC", "a", "in0", std::string("a\0b", 3), "-1",
                                     "float", std::string(300, 'x')});
  }

  NetDef SmallNet() {
    NetDef net;
    if (draw_.Chance(0.3)) return net;
    *net.add_op() = CreateOperatorDef(draw_.OneOf<std::string>({"Copy", "IsEmpty", "NoSuchOp"}), "",
                                      {draw_.OneOf<std::string>({"in0", "in1", "other"})},
                                      {draw_.OneOf<std::string>({"in0", "out0", "other"})});
    return net;
  }

  Argument HardArgument(const std::string& name, OpSchema::ArgType type) {
    using ArgType = OpSchema::ArgType;
    if (type == ArgType::kAny || draw_.Chance(0.05)) {
      type = draw_.OneOf<ArgType>({ArgType::kInt, ArgType::kFloat, ArgType::kString, ArgType::kInts,
                                   ArgType::kFloats, ArgType::kStrings, ArgType::kNet});
    }
    Argument arg;
    arg.set_name(name);
    const int64_t length = draw_.Chance(0.9) ? draw_.Int(0, 5) : 40;
    switch (type) {
      case ArgType::kBool:
        arg.set_i(draw_.Chance(0.9) ? draw_.Int(0, 1) : HardInt());
        break;
      case ArgType::kFloat:
        arg.set_f(HardFloat());
        break;
      case ArgType::kString:
        arg.set_s(HardString());
        break;
      case ArgType::kInts:
        for (int64_t i = 0; i < length; ++i) arg.add_ints(HardInt());
        break;
      case ArgType::kFloats:
        for (int64_t i = 0; i < length; ++i) arg.add_floats(HardFloat());
        break;
      case ArgType::kStrings:
        for (int64_t i = 0; i < length; ++i) arg.add_strings(HardString());
        break;
      case ArgType::kNet:
        *arg.mutable_n() = SmallNet();
        break;
      case ArgType::kInt:
      case ArgType::kAny:
        arg.set_i(HardInt());
        break;
    }
    return arg;
  }

  DataType HardType() {
    if (draw_.Chance(0.5)) {
      return draw_.OneOf({DataType::kFloat, DataType::kInt32, DataType::kInt64});
    }
    return draw_.OneOf({DataType::kFloat, DataType::kInt32, DataType::kString, DataType::kBool,
                        DataType::kUInt8, DataType::kInt8, DataType::kUInt16, DataType::kInt16,
                        DataType::kInt64, DataType::kFloat16, DataType::kDouble,
                        DataType::kBFloat16});
  }

  // Mostly of a usual rank; or of nearly as many dimensions as there can be, or a list that could
  // be the shape of more.
  Dims HardShape() {
    if (draw_.Chance(0.03)) return Dims(1, draw_.Int(kMaxRank - 1, kMaxRank + 1));
    if (draw_.Chance(0.03)) {
      Dims dims(static_cast<size_t>(draw_.Int(kMaxRank - 1, kMaxRank)), 1);
      for (int i = 0; i < 3; ++i) dims[Index(dims.size())] = draw_.Int(0, 3);
      return dims;
    }
    Dims dims(static_cast<size_t>(draw_.Int(0, kUsualRank)));
    for (int64_t& size : dims) size = draw_.OneOf<int64_t>({0, 1, 1, 2, 2, 3, 3, 5});
    return dims;
  }

  // Elements of one tensor are all tame, all wild, or tame but for one.
  Tensor HardTensor(DataType type, const Dims& dims) {
    Tensor tensor = draw_.Random(type, dims, -1, 4);
    const int64_t count = tensor.numel();
    const double wildness = draw_.OneOf<double>({0, 0, 0.5, 1});
    const int64_t one = draw_.Chance(0.5) && count > 0 ? draw_.Int(0, count - 1) : -1;
    const Choices::Bulk elements(draw_.choices());
    for (int64_t i = 0; i < count; ++i) {
      if (i == one || draw_.Chance(wildness)) SetHard(i, &tensor);
    }
    return tensor;
  }

  void SetHard(int64_t i, Tensor* tensor) {
    if (tensor->Is<std::string>()) {
      tensor->mutable_data<std::string>()[i] = HardString();
      return;
    }
    const absl::Status known = DispatchType(AllNumericTypes(), tensor->dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T>) {
        tensor->mutable_data<T>()[i] = static_cast<T>(HardInt());
      } else {
        tensor->mutable_data<T>()[i] = static_cast<T>(HardFloat());
      }
      return absl::OkStatus();
    });
    ASSERT_TRUE(known.ok()) << known;
  }

  void AddFeed(OpCase* made, const std::string& name) {
    if (draw_.Chance(0.02)) return;  // no such blob
    if (draw_.Chance(0.03)) {
      made->feeds.emplace_back(name, Tensor());
      return;
    }
    // Inputs that have one type or shape pass the first checks of operators.
    const bool alike = !made->feeds.empty() && draw_.Chance(0.6);
    const Tensor* model = alike ? &made->feeds[Index(made->feeds.size())].second : nullptr;
    const DataType type =
        alike && model->dtype() != DataType::kUndefined ? model->dtype() : HardType();
    const Dims dims =
        alike && draw_.Chance(0.6) ? Dims(model->dims().begin(), model->dims().end()) : HardShape();
    made->feeds.emplace_back(name, HardTensor(type, dims));
  }

  void MakeInplace(OpCase* made) {
    OperatorDef& def = made->def;
    if (def.input_size() == 0 || def.output_size() == 0) return;
    std::vector<std::pair<int, int>> allowed;
    for (int i = 0; i < def.input_size(); ++i) {
      for (int o = 0; o < def.output_size(); ++o) {
        if (schema_.AllowsInplace(i, o) || draw_.Chance(0.05)) allowed.emplace_back(i, o);
      }
    }
    if (allowed.empty()) return;
    const auto [input, output] = allowed[Index(allowed.size())];
    def.set_output(output, def.input(input));
  }

  // The size of one dimension, or the number of them.
  Dims OtherShape(DimsView given) {
    Dims dims(given.begin(), given.end());
    const bool grows = dims.empty() || draw_.Chance(0.2);
    if (grows && dims.size() < kMaxRank) {
      dims.insert(dims.begin() + draw_.Int(0, static_cast<int64_t>(dims.size())),
                  draw_.OneOf<int64_t>({0, 1, 2}));
    } else if (draw_.Chance(0.3)) {
      dims.erase(dims.begin() + draw_.Int(0, static_cast<int64_t>(dims.size()) - 1));
    } else {
      int64_t& size = dims[Index(dims.size())];
      size = draw_.OneOf<int64_t>({0, 0, 1, size + 1, std::max<int64_t>(size - 1, 0), 2 * size});
    }
    return dims;
  }

  void ChangeTensor(Tensor* tensor) {
    if (tensor->dtype() == DataType::kUndefined || tensor->numel() > kMaxElements) return;
    const DimsView given = tensor->dims();
    const Dims dims(given.begin(), given.end());
    switch (draw_.Int(0, 5)) {
      case 0:
        *tensor = HardTensor(HardType(), HardShape());
        break;
      case 1:
        *tensor = HardTensor(HardType(), dims);
        break;
      case 2:
      case 3:
        *tensor = HardTensor(tensor->dtype(), OtherShape(dims));
        break;
      case 4:
        *tensor = HardTensor(tensor->dtype(), dims);
        break;
      default:
        *tensor = draw_.Chance(0.2) ? Tensor() : DeepCopy(*tensor);
        if (tensor->numel() > 0) SetHard(draw_.Int(0, tensor->numel() - 1), tensor);
    }
  }

  void ChangeArgument(OperatorDef* def) {
    const int given = def->arg_size();
    const bool is_new = given == 0 || (draw_.Chance(0.5) && !schema_.args().empty());
    if (is_new) {
      if (schema_.args().empty()) return;
      const OpSchema::ArgSpec& arg = schema_.args()[Index(schema_.args().size())];
      Argument hard = HardArgument(arg.name, arg.type);
      for (Argument& old : *def->mutable_arg()) {
        if (old.name() != arg.name) continue;
        old = std::move(hard);
        return;
      }
      *def->add_arg() = std::move(hard);
      return;
    }
    const int i = static_cast<int>(Index(static_cast<size_t>(given)));
    if (draw_.Chance(0.2)) {
      def->mutable_arg()->DeleteSubrange(i, 1);
      return;
    }
    Argument* arg = def->mutable_arg(i);
    // One element of a list, or its length, or all of it.
    if (arg->ints_size() > 0 && draw_.Chance(0.7)) {
      if (draw_.Chance(0.7)) {
        arg->set_ints(static_cast<int>(Index(static_cast<size_t>(arg->ints_size()))), HardInt());
      } else if (draw_.Chance(0.5)) {
        arg->add_ints(HardInt());
      } else {
        arg->mutable_ints()->RemoveLast();
      }
      return;
    }
    using ArgType = OpSchema::ArgType;
    const ArgType type = arg->has_i()              ? ArgType::kInt
                         : arg->has_f()            ? ArgType::kFloat
                         : arg->has_s()            ? ArgType::kString
                         : arg->ints_size() > 0    ? ArgType::kInts
                         : arg->floats_size() > 0  ? ArgType::kFloats
                         : arg->strings_size() > 0 ? ArgType::kStrings
                                                   : ArgType::kAny;
    *arg = HardArgument(arg->name(), type);
  }

  void ChangeOnce(OpCase* made) {
    OperatorDef& def = made->def;
    const int inputs = def.input_size();
    switch (draw_.Int(0, 11)) {
      case 0:
      case 1:
      case 2:
      case 3:
        if (!made->feeds.empty()) ChangeTensor(&made->feeds[Index(made->feeds.size())].second);
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        ChangeArgument(&def);
        break;
      case 8:
        MakeInplace(made);
        break;
      case 9:  // an input less, or more
        if (inputs > 0 && draw_.Chance(0.5)) {
          def.mutable_input()->RemoveLast();
        } else {
          def.add_input(absl::StrCat("more", inputs));
          AddFeed(made, def.input(inputs));
        }
        break;
      case 10:  // the same blob twice, or a blob that nobody made
        if (inputs > 0) {
          def.set_input(static_cast<int>(Index(static_cast<size_t>(inputs))),
                        draw_.Chance(0.7)
                            ? def.input(static_cast<int>(Index(static_cast<size_t>(inputs))))
                            : std::string("missing"));
        }
        break;
      default:
        if (def.output_size() > 0 && draw_.Chance(0.5)) {
          def.mutable_output()->RemoveLast();
        } else {
          def.add_output(absl::StrCat("more_out", def.output_size()));
        }
    }
  }

  const OpSchema& schema_;
  CaseMaker draw_;
};

}  // namespace

OpCase HardCase(const OpSchema& schema, const std::vector<OpCase>& usual, Choices* choices) {
  HardMaker maker(schema, choices);
  if (usual.empty() || maker.Chance(0.35)) return maker.FromSchema();
  OpCase made = usual[maker.Index(usual.size())];
  maker.Change(&made);
  return made;
}

}  // namespace doppio
