// Nets whose operators leave phantoms (blob.h): nobody sees a difference, but in time and memory.

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <random>

#include "doppio/allocator.h"
#include "doppio/net_builder.h"
#include "doppio/parallel.h"
#include "doppio/predictor.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "src/runtime/operator_order.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

constexpr int64_t kRows = 128;
constexpr int64_t kCols = 64;

Tensor Numbers(DimsView dims, float first = 0) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data<float>()[i] = first + static_cast<float>(i % 37) * 0.5f;
  }
  return tensor;
}

Tensor Shape(std::initializer_list<int64_t> dims) {
  return *Tensor::Of<int64_t>({static_cast<int64_t>(dims.size())}, dims);
}

void FeedExpandInputs(Workspace* workspace) {
  ASSERT_TRUE(workspace->Feed("X", Numbers({kRows, 1})).ok());
  ASSERT_TRUE(workspace->Feed("R", Numbers({kCols}, -5)).ok());
  ASSERT_TRUE(workspace->Feed("Z", Numbers({kRows, kCols}, 3)).ok());
  ASSERT_TRUE(workspace->Feed("shape", Shape({kRows, kCols})).ok());
}

void AllowPhantoms(NetBuilder* net, int64_t least_bytes = 16 << 10) {
  *net->mutable_def()->add_arg() = MakeArgument<int64_t>("phantoms", least_bytes);
}

NetBuilder ExpandNet() {
  NetBuilder net("net");
  AllowPhantoms(&net);
  net.Op("Expand", {"X", "shape"}, {"Y"});
  return net;
}

Tensor Fetched(const Workspace& workspace, absl::string_view name) {
  const absl::StatusOr<Tensor> tensor = workspace.Fetch(name);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  return tensor.value_or(Tensor());
}

bool IsPhantom(const Workspace& workspace, absl::string_view name) {
  return workspace.FindBlob(name)->phantom() != nullptr;
}

// Each element is x[i] of a column.
Tensor ExpandedColumn(const Tensor& x) {
  Tensor y = *Tensor::Create(DataType::kFloat, {kRows, kCols});
  for (int64_t i = 0; i < y.numel(); ++i) {
    y.mutable_data<float>()[i] = x.data<float>()[i / kCols];
  }
  return y;
}

TEST(PhantomNetTest, ExpandLeavesAPhantomThatIsFetchedWritten) {
  Workspace workspace;
  FeedExpandInputs(&workspace);
  ASSERT_TRUE(workspace.RunNetOnce(ExpandNet().def()).ok());
  EXPECT_TRUE(IsPhantom(workspace, "Y"));
  const int64_t saved = (kRows * kCols - kRows) * static_cast<int64_t>(sizeof(float));
  EXPECT_EQ(workspace.Stats().phantoms, 1);
  EXPECT_EQ(workspace.Stats().unwritten_bytes, saved);
  const int64_t live = workspace.Stats().live_bytes;
  EXPECT_TRUE(TensorEquals(Fetched(workspace, "Y"), ExpandedColumn(Numbers({kRows, 1}))));
  EXPECT_FALSE(IsPhantom(workspace, "Y"));
  EXPECT_EQ(workspace.Stats().phantoms, 0);
  EXPECT_EQ(workspace.Stats().unwritten_bytes, 0);
  EXPECT_GT(workspace.Stats().live_bytes, live + saved);
}

TEST(PhantomNetTest, ANetArgumentSaysFromHowManyBytesOn) {
  constexpr int64_t kBytes = kRows * kCols * sizeof(float);
  for (int64_t least : {int64_t{-1}, int64_t{0}, int64_t{1}, kBytes, kBytes + 1}) {
    Workspace workspace;
    FeedExpandInputs(&workspace);
    NetBuilder net = ExpandNet();
    net.mutable_def()->clear_arg();
    if (least >= 0) AllowPhantoms(&net, least);
    ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
    EXPECT_EQ(IsPhantom(workspace, "Y"), least == 1 || least == kBytes) << least;
    EXPECT_TRUE(TensorEquals(Fetched(workspace, "Y"), ExpandedColumn(Numbers({kRows, 1}))));
  }
}

TEST(PhantomNetTest, WithoutTheArgumentLargeOutputsArePhantoms) {
  constexpr int64_t kRowBytes = 1024 * sizeof(float);
  for (const int64_t rows : {kLeastPhantomBytes / kRowBytes - 1, kLeastPhantomBytes / kRowBytes}) {
    Workspace workspace;
    ASSERT_TRUE(workspace.Feed("X", Numbers({1024})).ok());
    ASSERT_TRUE(workspace.Feed("shape", Shape({rows, 1024})).ok());
    NetBuilder net = ExpandNet();
    net.mutable_def()->clear_arg();
    ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
    EXPECT_EQ(IsPhantom(workspace, "Y"), rows * kRowBytes == kLeastPhantomBytes);
  }
}

TEST(PhantomNetTest, NetsInOperatorsMakeAndReadThem) {
  Workspace workspace;
  FeedExpandInputs(&workspace);
  ASSERT_TRUE(workspace.Feed("yes", Tensor::Scalar<bool>(true)).ok());
  NetBuilder inner("then");
  AllowPhantoms(&inner);
  inner.Op("Expand", {"R", "shape"}, {"YR"}).Op("Add", {"Y", "YR"}, {"A"});
  NetBuilder net = ExpandNet();
  net.Op("If", {"yes", "Y", "R", "shape"}, {"YR", "A"},
         {MakeArgument<NetDef>("then_net", inner.def())});
  net.Op("Sub", {"A", "YR"}, {"back"});
  for (int run = 0; run < 2; ++run) {
    ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
    EXPECT_TRUE(IsPhantom(workspace, "Y"));
    EXPECT_TRUE(IsPhantom(workspace, "YR"));
    EXPECT_TRUE(TensorEquals(Fetched(workspace, "back"), ExpandedColumn(Numbers({kRows, 1}))));
  }
}

TEST(PhantomNetTest, AnOperatorThatLooksAtAllBlobsRunsAlone) {
  Workspace workspace;
  FeedExpandInputs(&workspace);
  NetBuilder inner("then");
  inner.Op("EstimateAllBlobSizes", {}, {"names", "sizes"});
  ASSERT_TRUE(workspace.Feed("yes", Tensor::Scalar<bool>(true)).ok());
  std::vector<std::unique_ptr<OperatorBase>> operators;
  NetBuilder net = ExpandNet();
  net.Op("Copy", {"Z"}, {"C"})
      .Op("If", {"yes"}, {"names", "sizes"}, {MakeArgument<NetDef>("then_net", inner.def())})
      .Op("Copy", {"Z"}, {"D"})
      .Op("Copy", {"Z"}, {"E"});
  for (const OperatorDef& def : net.def().op()) {
    absl::StatusOr<std::unique_ptr<OperatorBase>> op = CreateOperator(def, &workspace);
    ASSERT_TRUE(op.ok()) << op.status();
    operators.push_back(*std::move(op));
  }
  const OperatorOrder order(operators);
  EXPECT_THAT(order.waits_for, testing::ElementsAre(0, 0, 2, 1, 1));
  EXPECT_THAT(order.followers[2], testing::ElementsAre(3, 4));
}

class NoMemory final : public Allocator {
 public:
  void* Allocate(size_t) override { return nullptr; }
  void Free(void*, size_t) override {}
};

TEST(PhantomNetTest, OperatorsThatTakeAnythingSayThatThereIsNoMemoryToWriteOne) {
  static NoMemory& none = *new NoMemory;
  Workspace workspace;
  ASSERT_TRUE(workspace.CreateBlob("Y")->SetPhantom(Numbers({kRows, 1}), {kRows, kCols}).ok());
  absl::StatusOr<std::unique_ptr<OperatorBase>> op =
      CreateOperator(CreateOperatorDef("Print", "", {"Y"}, {}), &workspace);
  ASSERT_TRUE(op.ok()) << op.status();
  SetAllocator(&none);
  const absl::Status status = (*op)->Run();
  SetAllocator(nullptr);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("\"Y\""));
}

TEST(PhantomNetTest, AShapeOfMoreBytesThanCanBeCountedIsRefused) {
  for (const int64_t least : {int64_t{0}, int64_t{1}}) {
    Workspace workspace;
    FeedExpandInputs(&workspace);
    ASSERT_TRUE(workspace.Feed("X", Tensor::Scalar<float>(1)).ok());
    ASSERT_TRUE(
        workspace.Feed("shape", Shape({std::numeric_limits<int64_t>::max() / kCols, kCols})).ok());
    NetBuilder net = ExpandNet();
    net.mutable_def()->clear_arg();
    AllowPhantoms(&net, least);
    const absl::Status status = workspace.RunNetOnce(net.def());
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  }
}

TEST(PhantomNetTest, AnOperatorAloneWritesItsOutput) {
  Workspace workspace;
  FeedExpandInputs(&workspace);
  ASSERT_TRUE(workspace.RunOperatorOnce(ExpandNet().def().op(0)).ok());
  EXPECT_FALSE(IsPhantom(workspace, "Y"));
}

TEST(PhantomNetTest, StaysRightWhenTheSmallTensorIsOverwritten) {
  Workspace workspace;
  FeedExpandInputs(&workspace);
  NetBuilder net = ExpandNet();
  net.Op("Negative", {"X"}, {"X"});
  ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
  ASSERT_TRUE(workspace.Feed("X", Numbers({kRows, 1}, 100)).ok());
  EXPECT_TRUE(TensorEquals(Fetched(workspace, "Y"), ExpandedColumn(Numbers({kRows, 1}))));
}

TEST(PhantomNetTest, IsWrittenOutForAnOperatorInPlace) {
  for (const char* op : {"Relu", "Negative"}) {
    Workspace workspace;
    FeedExpandInputs(&workspace);
    ASSERT_TRUE(workspace.Feed("X", Numbers({kRows, 1}, -4)).ok());
    NetBuilder net = ExpandNet();
    net.Op("Copy", {"Y"}, {"C"}).Op(op, {"Y"}, {"Y"});
    for (int run = 0; run < 2; ++run) {
      ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
      Tensor expected = ExpandedColumn(Numbers({kRows, 1}, -4));
      EXPECT_TRUE(TensorEquals(Fetched(workspace, "C"), expected));
      for (int64_t i = 0; i < expected.numel(); ++i) {
        float& value = expected.mutable_data<float>()[i];
        value = op[0] == 'R' ? std::max(value, 0.0f) : -value;
      }
      EXPECT_TRUE(TensorEquals(Fetched(workspace, "Y"), expected)) << op;
    }
  }
}

TEST(PhantomNetTest, OperatorsThatBroadcastReadThemAsTheyAre) {
  Workspace workspace;
  FeedExpandInputs(&workspace);
  NetBuilder net = ExpandNet();
  net.Op("Expand", {"R", "shape"}, {"YR"})
      .Op("Add", {"Y", "Z"}, {"A"})
      .Op("Sub", {"Z", "Y"}, {"S"});
  net.Op("GT", {"Y", "YR"}, {"G"}).Op("Where", {"G", "Y", "Z"}, {"W"});
  net.Op("Sum", {"Y", "Z", "YR"}, {"sum"}).Op("Sum", {"Y"}, {"one"});
  ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
  EXPECT_TRUE(IsPhantom(workspace, "Y"));
  EXPECT_TRUE(IsPhantom(workspace, "YR"));
  const Tensor y = ExpandedColumn(Numbers({kRows, 1}));
  const Tensor z = Numbers({kRows, kCols}, 3);
  const Tensor r = Numbers({kCols}, -5);
  const auto expect = [&](const char* blob, const std::function<float(float, float, float)>& f) {
    Tensor expected = *Tensor::Create(DataType::kFloat, {kRows, kCols});
    for (int64_t i = 0; i < expected.numel(); ++i) {
      expected.mutable_data<float>()[i] =
          f(y.data<float>()[i], z.data<float>()[i], r.data<float>()[i % kCols]);
    }
    EXPECT_TRUE(TensorEquals(Fetched(workspace, blob), expected)) << blob;
  };
  expect("A", [](float a, float b, float) { return a + b; });
  expect("S", [](float a, float b, float) { return b - a; });
  expect("W", [](float a, float b, float c) { return a > c ? a : b; });
  expect("sum", [](float a, float b, float c) { return a + b + c; });
  expect("one", [](float a, float, float) { return a; });
}

TEST(PhantomNetTest, OperatorsThatMoveElementsKeepThem) {
  Workspace workspace;
  FeedExpandInputs(&workspace);
  NetBuilder net = ExpandNet();
  const auto ints = [](const char* name, std::vector<int64_t> values) {
    return MakeArgument<std::vector<int64_t>>(name, values);
  };
  net.Op("ExpandDims", {"Y"}, {"D"}, {ints("dims", {1})})
      .Op("Squeeze", {"D"}, {"Q"}, {ints("dims", {1})});
  net.Op("Reshape", {"Y"}, {"P", "old"}, {ints("shape", {2, -1, kCols})}).Op("Copy", {"P"}, {"C"});
  net.Op("Tile", {"D"}, {"T"}, {MakeArgument<int>("axis", 1), MakeArgument<int>("tiles", 3)});
  net.Op("Add", {"Y", "Q"}, {"both"});
  net.Op("Expand", {"D", "shape3"}, {"E"});
  ASSERT_TRUE(workspace.Feed("shape3", Shape({kRows, 5, kCols})).ok());
  ASSERT_TRUE(workspace.RunNetOnce(net.def()).ok());
  for (const char* blob : {"Y", "D", "Q", "P", "C", "T", "E", "both"}) {
    EXPECT_TRUE(IsPhantom(workspace, blob)) << blob;
  }
  Tensor y = ExpandedColumn(Numbers({kRows, 1}));
  EXPECT_TRUE(TensorEquals(Fetched(workspace, "Q"), y));
  ASSERT_TRUE(y.Reshape({2, kRows / 2, kCols}).ok());
  EXPECT_TRUE(TensorEquals(Fetched(workspace, "C"), y));
  EXPECT_EQ(workspace.Fetch("T")->dims(), DimsView({kRows, 3, kCols}));
  const Tensor x = Numbers({kRows, 1});
  for (const char* blob : {"T", "E"}) {
    const Tensor tiled = *workspace.Fetch(blob);
    const int64_t row = tiled.numel() / kRows;
    for (int64_t i = 0; i < tiled.numel(); ++i) {
      ASSERT_EQ(tiled.data<float>()[i], x.data<float>()[i / row]) << blob << " " << i;
    }
  }
}

TEST(PhantomNetTest, ASecondRunAllocatesNothing) {
  SetNumThreads(1);
  for (const char* type : {"simple", "parallel"}) {
    Workspace workspace;
    FeedExpandInputs(&workspace);
    NetBuilder net("steady");
    net.Type(type);
    AllowPhantoms(&net);
    // X is written in every run, Y read by those who take phantoms and those who do not.
    net.Op("Negative", {"Z"}, {"N"})
        .Op("ReduceSum", {"N"}, {"small"}, {MakeArgument<std::vector<int64_t>>("axes", {1})})
        .Op("Expand", {"small", "shape"}, {"Y"})
        .Op("Add", {"Y", "Z"}, {"A"})
        .Op("Expand", {"R", "shape"}, {"YR"})
        .Op("Mul", {"Y", "YR"}, {"M"})
        .Op("Sum", {"Y", "A", "M"}, {"sum"})
        .Op("Copy", {"YR"}, {"C"})
        .Op("Relu", {"C"}, {"C"})
        .Op("Transpose", {"Y"}, {"T"})
        .Op("ExpandGradient", {"A", "small"}, {"dX"});
    const absl::StatusOr<Net*> created = workspace.CreateNet(net.def());
    ASSERT_TRUE(created.ok()) << created.status();
    ASSERT_TRUE((*created)->Run().ok());
    AllocationCounter counter;
    const absl::Status status = (*created)->Run();
    EXPECT_EQ(counter.count(), 0) << type;
    EXPECT_TRUE(status.ok()) << status;
  }
}

TEST(PhantomNetTest, APredictorGivesThemWritten) {
  NetBuilder net = ExpandNet();
  net.Op("Add", {"Y", "Z"}, {"A"})
      .Op("Expand", {"X", "shape"}, {"unseen"})
      .Op("Mul", {"unseen", "Z"}, {"M"});
  Model model;
  model.predict = net.def();
  model.weights["shape"] = Shape({kRows, kCols});
  model.inputs = {"X", "Z"};
  model.outputs = {"Y", "A", "M"};
  const absl::StatusOr<std::unique_ptr<Predictor>> predictor = Predictor::Create(std::move(model));
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  for (float first : {0.0f, 7.0f}) {
    const Tensor x = Numbers({kRows, 1}, first);
    const Tensor z = Numbers({kRows, kCols});
    const auto results = (*predictor)->Run({x, z});
    ASSERT_TRUE(results.ok()) << results.status();
    EXPECT_TRUE(TensorEquals((*results)[0], ExpandedColumn(x)));
    Tensor sum = ExpandedColumn(x);
    for (int64_t i = 0; i < sum.numel(); ++i) {
      sum.mutable_data<float>()[i] += z.data<float>()[i];
    }
    EXPECT_TRUE(TensorEquals((*results)[1], sum));
    EXPECT_GT((*predictor)->Stats().unwritten_bytes, 0);
  }
}

// Draws nets with many Expands, whose blobs are overwritten and updated in place.
class RandomExpands {
 public:
  explicit RandomExpands(uint32_t seed) : rng_(seed) {
    for (const Dims& dims : {Dims{3, 1, 5}, Dims{1, 4, 1}, Dims{5}, Dims{}, Dims{3, 4, 5}}) {
      const std::string name = absl::StrCat("in", feeds_.size());
      feeds_[name] = Numbers(dims, -2);
      known_[name] = dims;
    }
    feeds_["whole"] = Shape({3, 4, 5});
    feeds_["front"] = Shape({2, 3, 4, 5});
  }

  NetDef Draw(const std::string& name, int operators) {
    NetBuilder net(name);
    for (int i = 0; i < operators; ++i) AddOp(&net);
    return net.def();
  }

  const std::map<std::string, Tensor>& feeds() const { return feeds_; }
  const std::map<std::string, Dims>& known() const { return known_; }
  int Int(int n) { return static_cast<int>(rng_() % static_cast<uint32_t>(n)); }
  std::string AnyBlob() {
    auto it = known_.begin();
    std::advance(it, Int(static_cast<int>(known_.size())));
    return it->first;
  }

 private:
  // A name for an output: a new one, or that of a blob that is overwritten and not read.
  std::string Out(const Dims& dims, const std::vector<std::string>& reads) {
    std::string name = AnyBlob();
    const bool is_read = std::find(reads.begin(), reads.end(), name) != reads.end();
    if (is_read || Int(3) > 0) name = absl::StrCat("b", next_++);
    known_[name] = dims;
    return name;
  }
  // Sometimes in place of x, which has that shape too.
  std::string OutOrInPlace(const Dims& dims, const std::vector<std::string>& reads) {
    if (Int(3) > 0) return Out(dims, reads);
    known_[reads[0]] = dims;
    return reads[0];
  }
  // A blob of the same shape as that one, and another one if there is one.
  std::string Like(const std::string& blob) {
    for (int tries = 0; tries < 20; ++tries) {
      const std::string other = AnyBlob();
      if (known_[other] == known_[blob]) return other;
    }
    return blob;
  }

  void AddOp(NetBuilder* net) {
    const std::string x = AnyBlob();
    const Dims dims = known_[x];
    const auto ints = [](const char* name, std::vector<int64_t> values) {
      return MakeArgument<std::vector<int64_t>>(name, values);
    };
    switch (Int(12)) {
      case 0:
      case 1:
      case 2: {
        const std::string shape = Int(2) == 0 ? "whole" : "front";
        const absl::StatusOr<Dims> result = BroadcastShapes(dims, feeds_[shape].span<int64_t>());
        if (result.ok()) net->Op("Expand", {x, shape}, {Out(*result, {x})});
        return;
      }
      case 3:
      case 4: {
        const std::string b = AnyBlob();
        const absl::StatusOr<Dims> result = BroadcastShapes(dims, known_[b]);
        if (!result.ok()) return;
        const bool may_be_in_place = *result == dims;
        net->Op(Int(2) == 0 ? "Add" : "Mul", {x, b},
                {may_be_in_place ? OutOrInPlace(dims, {x, b}) : Out(*result, {x, b})});
        return;
      }
      case 5:
        net->Op(Int(2) == 0 ? "Relu" : "Negative", {x}, {OutOrInPlace(dims, {x})});
        return;
      case 6: {
        const std::string b = Like(x);
        const std::string c = Like(x);
        const bool may_be_in_place = b != x && c != x;
        net->Op("Sum", {x, b, c},
                {may_be_in_place ? OutOrInPlace(dims, {x, b, c}) : Out(dims, {x, b, c})});
        return;
      }
      case 7: {
        const std::string b = Like(x);
        net->Op(Int(2) == 0 ? "GT" : "EQ", {x, b}, {"condition"});
        net->Op("Where", {"condition", x, b}, {OutOrInPlace(dims, {x, b})});
        return;
      }
      case 8: {
        if (dims.size() > 4) return;
        Dims longer = dims;
        const int at = Int(static_cast<int>(dims.size()) + 1);
        longer.insert(longer.begin() + at, 1);
        net->Op("ExpandDims", {x}, {OutOrInPlace(longer, {x})}, {ints("dims", {at})});
        return;
      }
      case 9: {
        Dims flat = {SizeFromDim(dims, 0)};
        if (Int(2) == 0 && !dims.empty()) flat = {dims[0], SizeFromDim(dims, 1)};
        net->Op("Reshape", {x}, {OutOrInPlace(flat, {x}), "old_shape"},
                {ints("shape", std::vector<int64_t>(flat.begin(), flat.end()))});
        return;
      }
      case 10: {
        if (dims.empty() || SizeFromDim(dims, 0) > 1000) return;
        const int axis = Int(static_cast<int>(dims.size()));
        Dims tiled = dims;
        tiled[static_cast<size_t>(axis)] *= 2;
        net->Op("Tile", {x}, {Out(tiled, {x})},
                {MakeArgument<int>("axis", axis), MakeArgument<int>("tiles", 2)});
        return;
      }
      default:
        net->Op(Int(2) == 0 ? "Copy" : "Sigmoid", {x}, {Out(dims, {x})});
        return;
    }
  }

  std::mt19937 rng_;
  std::map<std::string, Tensor> feeds_;
  std::map<std::string, Dims> known_;
  int next_ = 0;
};

TEST(PhantomNetTest, RandomNetsGiveTheSameWithAndWithout) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    RandomExpands draw(seed);
    std::vector<NetDef> nets;
    std::vector<std::string> fetched;  // after which net each, but for the last
    for (int n = 0; n < 3; ++n) {
      nets.push_back(draw.Draw(absl::StrCat("net", n), 12));
      fetched.push_back(draw.AnyBlob());
    }
    std::map<std::string, Tensor> expected;
    // Of each executor: without phantoms, and with as small ones as there may be.
    for (const char* type : {"simple", "parallel"}) {
      for (int phantoms : {0, 1}) {
        SCOPED_TRACE(absl::StrCat("seed ", seed, ", ", type, ", phantoms ", phantoms));
        Workspace workspace;
        int seen = 0;
        for (NetDef& net : nets) {
          net.set_type(type);
          net.set_num_workers(3);
          net.clear_arg();
          *net.add_arg() = MakeArgument<int>("phantoms", phantoms);
        }
        for (int run = 0; run < 2; ++run) {
          for (const auto& [name, value] : draw.feeds()) {
            ASSERT_TRUE(workspace.Feed(name, value).ok());
          }
          for (size_t n = 0; n < nets.size(); ++n) {
            if (run == 0) {
              const absl::StatusOr<Net*> net = workspace.CreateNet(nets[n]);
              ASSERT_TRUE(net.ok()) << net.status();
            }
            const absl::Status status = workspace.RunNet(nets[n].name());
            ASSERT_TRUE(status.ok()) << status;
            seen += workspace.Stats().phantoms;
            if (workspace.HasBlob(fetched[n])) (void)workspace.Fetch(fetched[n]);
          }
        }
        EXPECT_TRUE(phantoms == 1 || seen == 0);
        for (const auto& [name, dims] : draw.known()) {
          const absl::StatusOr<Tensor> value = workspace.Fetch(name);
          ASSERT_TRUE(value.ok()) << value.status();
          EXPECT_EQ(value->dims(), DimsView(dims)) << name;
          if (expected.count(name) == 0) expected[name] = *value;
          EXPECT_TRUE(TensorBitsEqual(*value, expected[name])) << name;
        }
        ASSERT_FALSE(testing::Test::HasFailure());
      }
    }
  }
}

}  // namespace
}  // namespace doppio
