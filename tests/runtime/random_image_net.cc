#include "tests/runtime/random_image_net.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "doppio/op_def.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using Args = std::vector<Argument>;

class ImageNetDrawer {
 public:
  explicit ImageNetDrawer(uint64_t seed) : generator_(seed) { net_.model.predict.set_name("net"); }

  RandomImageNet Draw() {
    const Dims spatial = Chance(0.8) ? Dims{Size(9), Size(9)} : Dims{Size(9)};
    Dims image = {OneOf<int64_t>({1, 1, 2}), OneOf<int64_t>({1, 3, 16, 16, 32})};
    image.insert(image.end(), spatial.begin(), spatial.end());
    Note("x", Fed("x", image));
    if (Chance(0.3)) Note("x2", Fed("x2", image));
    const int64_t wanted = Int(4, 24);
    for (int tries = 0; net_.model.predict.op_size() < wanted && tries < 150; ++tries) DrawLayer();
    DropUnread();
    ChooseOutputs();
    return std::move(net_);
  }

 private:
  struct Live {
    std::string name;
    Dims dims;

    int rank() const { return static_cast<int>(dims.size()); }
    int64_t channels() const { return dims.size() > 1 ? dims[1] : 1; }
  };

  int64_t Int(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(generator_() % static_cast<uint64_t>(most - least + 1));
  }
  double Real(double least, double most) {
    return least + (most - least) * (static_cast<double>(generator_() >> 11) * 0x1p-53);
  }
  bool Chance(double probability) { return Real(0, 1) < probability; }
  template <typename T>
  T OneOf(std::initializer_list<T> choices) {
    return choices.begin()[Int(0, static_cast<int64_t>(choices.size()) - 1)];
  }
  int64_t Size(int64_t most) { return Chance(0.3) ? 1 : Int(1, most); }

  Tensor Values(const Dims& dims, double least, double most) {
    Tensor value = *Tensor::Create(DataType::kFloat, dims);
    for (int64_t i = 0; i < value.numel(); ++i) {
      value.mutable_data<float>()[i] = static_cast<float>(Real(least, most));
    }
    return value;
  }

  Tensor Fed(const std::string& name, const Dims& dims) {
    Tensor value = Values(dims, -1, 1);
    net_.model.inputs.push_back(name);
    net_.feeds[name] = value;
    EXPECT_TRUE(workspace_.Feed(name, DeepCopy(value)).ok());
    return value;
  }

  // A new constant, or by chance one that is fed.
  std::string Weight(const Dims& dims, double least = -1, double most = 1) {
    const std::string name = absl::StrCat("w", names_++);
    if (Chance(0.02)) {
      Fed(name, dims);
      return name;
    }
    Tensor value = Values(dims, least, most);
    net_.model.weights[name] = value;
    EXPECT_TRUE(workspace_.Feed(name, DeepCopy(value)).ok());
    return name;
  }

  void Note(const std::string& name, const Tensor& value) {
    live_.erase(std::remove_if(live_.begin(), live_.end(),
                               [&](const Live& live) { return live.name == name; }),
                live_.end());
    if (value.dtype() != DataType::kFloat || value.numel() == 0) return;
    for (const float element : value.span<float>()) {
      if (!(std::abs(element) < 100)) return;  // not to be calculated with any more
    }
    live_.push_back({name, Dims(value.dims().begin(), value.dims().end())});
  }

  // The newest ones more often, so that nets get deep.
  const Live& Pick() {
    const auto last = static_cast<int64_t>(live_.size()) - 1;
    return live_[static_cast<size_t>(Chance(0.75) ? last : Int(0, last))];
  }
  // Another one of the same shape, where there is one.
  const Live& PickLike(const Live& like) {
    for (int tries = 0; tries < 10; ++tries) {
      const Live& live = live_[static_cast<size_t>(Int(0, static_cast<int64_t>(live_.size()) - 1))];
      if (live.dims == like.dims && live.name != like.name) return live;
    }
    return like;
  }

  // Adds the operator where it can run; else the net stays as it is. The first output may take the
  // name of the first input, or of any other blob that the net has made.
  void Add(const std::string& type, const std::vector<std::string>& inputs, const Args& args = {},
           int outputs = 1) {
    const OpSchema* schema = OpSchemaRegistry::Schema(type);
    OperatorDef def = CreateOperatorDef(type, "", inputs, {}, args);
    for (int o = 0; o < outputs; ++o) def.add_output(absl::StrCat("b", names_++));
    Workspace trial(&workspace_);
    OperatorDef own = def;
    for (std::string& output : *own.mutable_output()) output = "trial_" + output;
    if (!trial.RunOperatorOnce(own).ok()) return;
    const bool has_written = net_.model.predict.op_size() > 0;
    const Tensor result = trial.Fetch(own.output(0)).value();
    if (schema->AllowsInplace(0, 0) && Chance(0.35) && net_.model.weights.count(inputs[0]) == 0 &&
        net_.feeds.count(inputs[0]) == 0 &&
        workspace_.Fetch(inputs[0])->TypeAndShape() == result.TypeAndShape()) {
      def.set_output(0, inputs[0]);
    } else if (has_written && Chance(0.1)) {
      const int64_t op = Int(0, net_.model.predict.op_size() - 1);
      const std::string old = net_.model.predict.op(static_cast<int>(op)).output(0);
      if (std::count(inputs.begin(), inputs.end(), old) == 0) def.set_output(0, old);
    }
    if (!workspace_.RunOperatorOnce(def).ok()) {
      ADD_FAILURE() << OpToString(def) << " ran with outputs of its own alone";
      return;
    }
    for (const std::string& output : def.output()) {
      // Some are left unmade, as Dropout's mask is in a test.
      Note(output, workspace_.Fetch(output).value_or(Tensor()));
    }
    *net_.model.predict.add_op() = std::move(def);
  }

  // The same with an output of its own, which must be the newest blob then.
  bool AddNew(const std::string& type, const std::vector<std::string>& inputs, const Args& args,
              int outputs) {
    OperatorDef def = CreateOperatorDef(type, "", inputs, {}, args);
    for (int o = 0; o < outputs; ++o) def.add_output(absl::StrCat("b", names_++));
    if (!workspace_.RunOperatorOnce(def).ok()) return false;
    Note(def.output(0), workspace_.Fetch(def.output(0)).value());
    const bool is_usable = !live_.empty() && live_.back().name == def.output(0);
    *net_.model.predict.add_op() = std::move(def);
    return is_usable;
  }

  Args Window(bool pads_alone = false) {
    Args args;
    if (!pads_alone) args.push_back(MakeArgument<int64_t>("kernel", OneOf({1, 1, 2, 3, 3})));
    if (Chance(0.6)) args.push_back(MakeArgument<int64_t>("pad", OneOf({0, 1, 1, 2})));
    if (Chance(0.3)) args.push_back(MakeArgument<int64_t>("stride", OneOf({1, 2, 3})));
    return args;
  }

  void AddConv() {
    const Live x = Pick();
    if (x.rank() < 3) return;
    const int64_t group = Chance(0.2) ? OneOf<int64_t>({2, x.channels()}) : 1;
    if (x.channels() % group != 0) return;
    const bool transposed = Chance(0.1);
    const int64_t outputs =
        group * (group > 1 ? OneOf<int64_t>({1, 2}) : OneOf<int64_t>({1, 5, 16, 16, 32}));
    Args args = Window();
    const int64_t kernel = args[0].i();
    Dims w = {outputs, x.channels() / group};
    if (transposed) w = {x.channels(), outputs / group};
    for (int i = 2; i < x.rank(); ++i) w.push_back(kernel);
    if (group > 1) args.push_back(MakeArgument<int64_t>("group", group));
    if (!transposed && Chance(0.15)) args.push_back(MakeArgument<int64_t>("dilation", 2));
    const double range = 1.7 / std::sqrt(static_cast<double>(SizeFromDim(w, 1)));
    std::vector<std::string> inputs = {x.name, Weight(w, -range, range)};
    if (Chance(0.6)) inputs.push_back(Weight({outputs}));
    Add(transposed ? "ConvTranspose" : "Conv", inputs, args);
  }

  void AddFc() {
    const Live x = Pick();
    const int64_t width = Chance(0.2) ? 1 : Int(1, 20);
    const int64_t in = SizeFromDim(x.dims, 1);
    const double range = 1.7 / std::sqrt(static_cast<double>(in));
    Add("FC", {x.name, Weight({width, in}, -range, range), Weight({width})});
  }

  void AddNormalisation() {
    const Live x = Pick();
    const Dims per_channel = {x.channels()};
    std::vector<std::string> inputs = {x.name, Weight(per_channel), Weight(per_channel)};
    const bool is_affine = Chance(0.3);
    if (is_affine) return Add("AffineChannel", inputs);
    inputs.push_back(Weight(per_channel));
    inputs.push_back(Weight(per_channel, 0.3, 2));
    Add("SpatialBN", inputs, {MakeArgument<int64_t>("is_test", 1)});
  }

  // What is added to or multiplied with x: a constant of any shape that broadcasts, or a blob.
  void AddBinary() {
    const Live x = Pick();
    const std::string type = OneOf<const char*>({"Add", "Add", "Mul", "Mul", "Sub", "Div"});
    const double least = type == "Div" ? 0.5 : -1;
    if (Chance(0.3)) {
      const Dims dims = OneOf<Dims>({Dims{x.channels()}, Dims{1}, x.dims});
      Args args = {MakeArgument<int64_t>("broadcast", 1)};
      if (Chance(0.7)) args.push_back(MakeArgument<int64_t>("axis", dims.size() == 1 ? 1 : 0));
      return Add(type, {x.name, Weight(dims, least, 1)}, args);
    }
    std::string other;
    if (Chance(0.4) && type != "Div") {
      other = PickLike(x).name;
      if (Chance(0.4)) other = Pick().name;
    } else {
      Dims dims(x.dims.begin() + Int(0, x.rank()), x.dims.end());
      for (int64_t& size : dims) {
        if (Chance(0.6)) size = 1;
      }
      if (Chance(0.5) && x.rank() > 2) {
        dims = Dims(static_cast<size_t>(x.rank() - Int(0, 1)), 1);
        dims[dims.size() - static_cast<size_t>(x.rank()) + 1] = x.channels();
      }
      if (Chance(0.1)) dims.insert(dims.begin(), 1);
      if (Chance(0.1)) dims.push_back(OneOf({1, 2}));
      other = Weight(dims, least, 1);
    }
    const bool swapped = type != "Div" && Chance(0.3);
    Add(type, swapped ? std::vector<std::string>{other, x.name}
                      : std::vector<std::string>{x.name, other});
  }

  void AddSum() {
    const Live x = Pick();
    std::vector<std::string> inputs = {x.name, PickLike(x).name};
    if (Chance(0.3)) inputs.push_back(PickLike(x).name);
    Add("Sum", inputs);
  }

  void AddActivation() {
    const Live x = Pick();
    const std::string type =
        OneOf<const char*>({"Relu", "Relu", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "Clip",
                            "Selu", "Softsign", "Swish", "PRelu", "ReluN", "Negative"});
    if (type == "PRelu") {
      return Add(type, {x.name, Weight({Chance(0.5) ? 1 : x.channels()})});
    }
    Args args;
    if (type == "Clip") {
      args = {MakeArgument<float>("min", OneOf({-0.5f, 0.f})), MakeArgument<float>("max", 0.7f)};
    }
    if ((type == "LeakyRelu" || type == "Elu") && Chance(0.7)) {
      args = {MakeArgument<float>("alpha", OneOf({0.1f, 0.3f}))};
    }
    Add(type, {x.name}, args);
  }

  void AddPool() {
    const Live x = Pick();
    const std::string type = OneOf<const char*>({"MaxPool", "AveragePool"});
    if (Chance(0.2)) return Add(type, {x.name}, {MakeArgument<int64_t>("global_pooling", 1)});
    Args args = Window();
    if (Chance(0.15)) args.push_back(MakeArgument<int64_t>("legacy_pad", OneOf({1, 3})));
    Add(type, {x.name}, args);
  }

  void AddConcat() {
    const Live x = Pick();
    std::vector<std::string> inputs = {x.name};
    for (int64_t more = Int(1, 2); more > 0; --more) {
      const Live other = Chance(0.5) ? PickLike(x) : Pick();
      inputs.push_back(other.name);
    }
    Args args;
    if (Chance(0.5)) {
      args = {MakeArgument<int64_t>("axis", Chance(0.8) ? 1 : Int(0, x.rank() - 1))};
      if (Chance(0.1)) args.push_back(MakeArgument<int64_t>("add_axis", 1));
    } else {
      args = {MakeArgument<std::string>("order", "NCHW")};
    }
    Add("Concat", inputs, args, 2);
  }

  // Layers each of which reads all that was made before it: concatenations of concatenations.
  void AddDenseBlock() {
    Live read = Pick();
    for (int tries = 0; read.rank() < 3 && tries < 10; ++tries) read = Pick();
    if (read.rank() < 3 || !AddPointwise(read, 16)) return;
    read = live_.back();
    const bool newest_first = Chance(0.3);
    const bool flat = Chance(0.4);
    std::vector<std::string> all = {read.name};
    for (int64_t layers = Int(2, 4); layers > 0; --layers) {
      Live from = read;
      if (Chance(0.6) && AddNew(OneOf<const char*>({"Relu", "Sigmoid"}), {read.name}, {}, 1)) {
        from = live_.back();
      }
      const auto width = OneOf<int64_t>({16, 16, 16, 16, 32, 5});
      if (!AddPointwise(from, width)) return;
      const std::string made = live_.back().name;
      all.insert(newest_first ? all.begin() : all.end(), made);
      std::vector<std::string> inputs = {read.name, made};
      if (newest_first) std::swap(inputs[0], inputs[1]);
      if (flat) inputs = all;
      if (!AddNew("Concat", inputs, {MakeArgument<int64_t>("axis", 1)}, 2)) return;
      read = live_.back();
    }
  }

  // A convolution of one tap.
  bool AddPointwise(const Live& x, int64_t outputs) {
    Dims w(x.dims.size(), 1);
    w[0] = outputs;
    w[1] = x.channels();
    const double range = 1.7 / std::sqrt(static_cast<double>(w[1]));
    return AddNew("Conv", {x.name, Weight(w, -range, range)}, {MakeArgument<int64_t>("kernel", 1)},
                  1);
  }

  void AddShapes() {
    const Live x = Pick();
    const std::string type = OneOf<const char*>(
        {"Reshape", "Flatten", "Squeeze", "ExpandDims", "Transpose", "Slice", "Split", "Softmax"});
    using Ints = std::vector<int64_t>;
    const int64_t axis = Int(0, std::max(x.rank() - 1, 0));
    if (type == "Reshape") {
      return Add(type, {x.name}, {MakeArgument<Ints>("shape", OneOf<Ints>({{0, -1}, {-1}}))}, 2);
    }
    if (type == "Squeeze" || type == "ExpandDims") {
      return Add(type, {x.name}, {MakeArgument<Ints>("dims", {axis})});
    }
    if (type == "Slice") {
      Ints starts(x.dims.size(), 0);
      Ints ends(x.dims.size(), -1);
      if (x.dims.empty()) return;
      ends[static_cast<size_t>(axis)] = Int(1, x.dims[static_cast<size_t>(axis)]);
      return Add(type, {x.name},
                 {MakeArgument<Ints>("starts", starts), MakeArgument("ends", ends)});
    }
    if (type == "Split") return Add(type, {x.name}, {MakeArgument<int64_t>("axis", axis)}, 2);
    Add(type, {x.name});
  }

  void AddOther() {
    const Live x = Pick();
    const std::string type = OneOf<const char*>({"Dropout", "Dropout", "StopGradient", "Copy",
                                                 "Alias", "LRN", "ChannelShuffle", "InstanceNorm"});
    if (type == "Dropout") {
      return Add(type, {x.name}, {MakeArgument<int64_t>("is_test", 1)},
                 static_cast<int>(Int(1, 2)));
    }
    if (type == "LRN") {
      return Add(type, {x.name},
                 {MakeArgument<int64_t>("size", OneOf({1, 3, 4, 5})),
                  MakeArgument<float>("alpha", 0.1f), MakeArgument<float>("beta", 0.75f)});
    }
    if (type == "ChannelShuffle") {
      return Add(type, {x.name}, {MakeArgument<int64_t>("group", OneOf({1, 2}))});
    }
    if (type == "InstanceNorm") {
      return Add(type, {x.name, Weight({x.channels()}), Weight({x.channels()})},
                 {MakeArgument<float>("epsilon", 0.1f)});
    }
    Add(type, {x.name});
  }

  void DrawLayer() {
    const int64_t drawn = Int(0, 99);
    if (drawn < 30) return AddConv();
    if (drawn < 40) return AddNormalisation();
    if (drawn < 54) return AddBinary();
    if (drawn < 62) return AddSum();
    if (drawn < 74) return AddActivation();
    if (drawn < 79) return AddPool();
    if (drawn < 83) return AddDenseBlock();
    if (drawn < 86) return AddConcat();
    if (drawn < 91) return AddShapes();
    if (drawn < 94) return AddFc();
    AddOther();
  }

  // Weights of operators that could not run.
  void DropUnread() {
    std::set<std::string> read;
    for (const OperatorDef& op : net_.model.predict.op()) {
      read.insert(op.input().begin(), op.input().end());
    }
    for (const Live& live : std::vector<Live>(live_)) {
      if (net_.feeds.count(live.name) > 0) Note(live.name, Tensor());
    }
    std::vector<std::string> inputs;
    for (const std::string& input : net_.model.inputs) {
      if (read.count(input) > 0) inputs.push_back(input);
    }
    net_.model.inputs = std::move(inputs);
    const auto drop_unread = [&](std::map<std::string, Tensor>* values) {
      for (auto it = values->begin(); it != values->end();) {
        it = read.count(it->first) > 0 ? std::next(it) : values->erase(it);
      }
    };
    drop_unread(&net_.feeds);
    drop_unread(&net_.model.weights);
  }

  // What is still there at the end; the last one always.
  void ChooseOutputs() {
    for (const Live& live : live_) {
      if (live.name == live_.back().name || Chance(0.2)) {
        net_.model.outputs.push_back(live.name);
      }
    }
  }

  std::mt19937_64 generator_;
  RandomImageNet net_;
  Workspace workspace_;     // where the net has run so far
  std::vector<Live> live_;  // in the order of their last writes
  int names_ = 0;
};

}  // namespace

std::string RandomImageNet::ToString() const {
  std::string text = model.predict.DebugString();
  for (const auto& [name, value] : feeds)
    absl::StrAppend(&text, name, " ", value.TypeAndShape(), " (fed)\n");
  for (const auto& [name, value] : model.weights) {
    absl::StrAppend(&text, name, " ", value.TypeAndShape(), "\n");
  }
  for (const std::string& output : model.outputs) absl::StrAppend(&text, "output ", output, "\n");
  return text;
}

RandomImageNet MakeRandomImageNet(uint64_t seed) { return ImageNetDrawer(seed).Draw(); }

}  // namespace doppio
