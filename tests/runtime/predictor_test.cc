#include "doppio/predictor.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "doppio/net_builder.h"
#include "doppio/op_def.h"
#include "doppio/profiler.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using PredictorOr = absl::StatusOr<std::unique_ptr<Predictor>>;

NetDef Init() {
  return NetBuilder("init")
      .Op("GivenTensorFill", {}, {"w"},
          {MakeArgument<std::vector<int64_t>>("shape", {3, 2}),
           MakeArgument<std::vector<float>>("values", {1, 2, 3, 4, -5, -6})})
      .Op("GivenTensorFill", {}, {"b"},
          {MakeArgument<std::vector<int64_t>>("shape", {3}),
           MakeArgument<std::vector<float>>("values", {0.5, 0, 1})})
      .def();
}

// hidden = relu(data w^T + b), written over its own input; sums = the sum of hidden.
NetDef Predict() {
  NetDef net =
      NetBuilder("tiny")
          .Op("FC", {"data", "w", "b"}, {"hidden"})
          .Op("Relu", {"hidden"}, {"hidden"})
          .Op("ReduceSum", {"hidden"}, {"sums"}, {MakeArgument<std::vector<int64_t>>("axes", {1})})
          .def();
  for (const char* name : {"unused", "b", "data", "w"}) net.add_external_input(name);
  net.add_external_output("hidden");
  net.add_external_output("sums");
  return net;
}

Tensor Data(float a, float b) { return *Tensor::Of<float>({1, 2}, {a, b}); }

// Both ways of running a net have to give the same.
class PredictorTest : public testing::TestWithParam<bool> {
 protected:
  PredictorOptions Options() const {
    PredictorOptions options;
    options.optimize = GetParam();
    return options;
  }
  std::unique_ptr<Predictor> Make(NetDef init, NetDef predict) const {
    PredictorOr predictor = Predictor::Create(std::move(init), std::move(predict), Options());
    EXPECT_TRUE(predictor.ok()) << predictor.status();
    return predictor.ok() ? *std::move(predictor) : nullptr;
  }
  std::string ErrorOf(Model model) const {
    const PredictorOr predictor = Predictor::Create(std::move(model), Options());
    return predictor.ok() ? "no error" : predictor.status().ToString();
  }
  std::string ErrorOf(NetDef predict) const {
    Model model;
    model.inits = {Init()};
    model.predict = std::move(predict);
    return ErrorOf(std::move(model));
  }
};
INSTANTIATE_TEST_SUITE_P(, PredictorTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "optimized" : "as_given"; });

TEST_P(PredictorTest, RunsByPositionAndByName) {
  const auto predictor = Make(Init(), Predict());
  EXPECT_THAT(predictor->inputs(), ElementsAre("data"));
  EXPECT_THAT(predictor->outputs(), ElementsAre("hidden", "sums"));

  const auto results = predictor->Run({Data(1, 1)});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].span<float>(), ElementsAre(3.5, 7, 0));
  EXPECT_THAT((*results)[1].span<float>(), ElementsAre(10.5));

  const auto named = predictor->Run({{"data", Data(1, 0)}});
  ASSERT_TRUE(named.ok()) << named.status();
  ASSERT_EQ(named->size(), 2u);
  EXPECT_THAT(named->at("hidden").span<float>(), ElementsAre(1.5, 3, 0));
  EXPECT_THAT(named->at("sums").span<float>(), ElementsAre(4.5));
}

TEST_P(PredictorTest, ResultsStayWhatTheyWere) {
  const auto predictor = Make(Init(), Predict());
  const auto first = predictor->Run({Data(1, 1)});
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(predictor->Run({Data(2, 2)}).ok());
  ASSERT_TRUE(predictor->Run({*Tensor::Of<float>({2, 2}, {9, 9, 9, 9})}).ok());
  EXPECT_THAT((*first)[0].span<float>(), ElementsAre(3.5, 7, 0));
  EXPECT_THAT((*first)[1].span<float>(), ElementsAre(10.5));
}

TEST_P(PredictorTest, WhatIsFedIsSharedAndNotWrittenTo) {
  NetDef net = NetBuilder("inplace").Op("Relu", {"X"}, {"X"}).Op("Copy", {"X"}, {"Y"}).def();
  const auto predictor = Make(NetDef(), std::move(net));
  EXPECT_THAT(predictor->inputs(), ElementsAre("X"));
  const Tensor x = Data(-1, 1);
  const auto results = predictor->Run({x});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].span<float>(), ElementsAre(0, 1));
  EXPECT_THAT(x.span<float>(), ElementsAre(-1, 1));
  EXPECT_TRUE(x.IsUnique()) << "the predictor still holds what was fed";
}

TEST_P(PredictorTest, ASecondRunAllocatesNoTensors) {
  const auto predictor = Make(Init(), Predict());
  const Tensor data = Data(1, 1);
  ASSERT_TRUE(predictor->Run({data}).ok());
  const int64_t before = GetMemoryStats().allocations;
  ASSERT_TRUE(predictor->Run({data}).ok());
  ASSERT_TRUE(predictor->Run({data}).ok());
  EXPECT_EQ(GetMemoryStats().allocations, before);
  EXPECT_EQ(predictor->Stats().instances, 1);
}

TEST_P(PredictorTest, ManyThreadsShareOneSetOfWeights) {
  const auto predictor = Make(Init(), Predict());
  constexpr int kThreads = 8;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const float x = static_cast<float>(t);
      std::vector<Tensor> kept;
      for (int i = 0; i < 50; ++i) {
        const auto results = predictor->Run({Data(x, x)});
        if (!results.ok()) {
          ++wrong;
          continue;
        }
        kept.push_back((*results)[0]);
      }
      for (const Tensor& hidden : kept) {
        const absl::Span<const float> values = hidden.span<float>();
        wrong += values[0] != 3 * x + 0.5F || values[1] != 7 * x;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(predictor->Stats().instances, 1);
  EXPECT_LE(predictor->Stats().instances, kThreads);
}

TEST_P(PredictorTest, BlobsThatARunWritesAreItsOwnWhereWeightsHaveThatName) {
  NetDef init = Init();
  // As Caffe2's exporter fills outputs with zeros, to give them a shape.
  *init.add_op() =
      NetBuilder("zeros")
          .Op("ConstantFill", {}, {"hidden"}, {MakeArgument<std::vector<int64_t>>("shape", {1, 3})})
          .def()
          .op(0);
  const auto predictor = Make(std::move(init), Predict());
  EXPECT_THAT(predictor->inputs(), ElementsAre("data"));
  const auto results = predictor->Run({Data(1, 1)});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].span<float>(), ElementsAre(3.5, 7, 0));
}

TEST_P(PredictorTest, PlaceholdersOfExportersAreInputsWhereNothingElseIs) {
  const std::vector<int64_t> one = {1};
  const std::vector<int64_t> one_by_one = {1, 1};
  for (const NetDef& placeholder :
       {NetBuilder("p")
            .Op("ConstantFill", {}, {"data"}, {MakeArgument<std::vector<int64_t>>("shape", one)})
            .def(),
        NetBuilder("p")
            .Op("GivenTensorFill", {}, {"data"},
                {MakeArgument<std::vector<int64_t>>("shape", one_by_one),
                 MakeArgument<std::vector<float>>("values", {0})})
            .def()}) {
    NetDef init = Init();
    *init.add_op() = placeholder.op(0);
    const auto predictor = Make(std::move(init), Predict());
    EXPECT_THAT(predictor->inputs(), ElementsAre("data"));
    EXPECT_TRUE(predictor->Run({Data(1, 1)}).ok());
  }
}

TEST_P(PredictorTest, AWeightOfOneElementIsNoPlaceholder) {
  NetDef init = NetBuilder("init")
                    .Op("GivenTensorFill", {}, {"slope"},
                        {MakeArgument<std::vector<int64_t>>("shape", {1}),
                         MakeArgument<std::vector<float>>("values", {0})})
                    .def();
  const auto predictor =
      Make(std::move(init), NetBuilder("n").Op("Add", {"X", "slope"}, {"Y"}).def());
  EXPECT_THAT(predictor->inputs(), ElementsAre("X"));
}

TEST_P(PredictorTest, TheModelMaySayInputsOutputsAndWeights) {
  Model model;
  model.predict = NetBuilder("two").Op("Sub", {"A", "B"}, {"C"}).Op("Relu", {"C"}, {"D"}).def();
  model.weights["W"] = Data(7, 7);
  model.inputs = {"B", "A"};
  model.outputs = {"D", "W", "A", "C"};
  const PredictorOr predictor = Predictor::Create(std::move(model), Options());
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const auto results = (*predictor)->Run({Data(1, 5), Data(3, 3)});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].span<float>(), ElementsAre(2, 0));
  EXPECT_THAT((*results)[1].span<float>(), ElementsAre(7, 7));
  EXPECT_THAT((*results)[2].span<float>(), ElementsAre(3, 3));
  EXPECT_THAT((*results)[3].span<float>(), ElementsAre(2, -2));
}

TEST_P(PredictorTest, WeightsThatTheNetDoesNotReadAreDropped) {
  NetDef init = Init();
  *init.add_op() = NetBuilder("big")
                       .Op("ConstantFill", {}, {"big"},
                           {MakeArgument<std::vector<int64_t>>("shape", {1000, 1000})})
                       .def()
                       .op(0);
  const auto predictor = Make(std::move(init), Predict());
  EXPECT_LT(predictor->Stats().weight_bytes, 1000);
  EXPECT_GT(predictor->Stats().weight_bytes, 0);
}

TEST_P(PredictorTest, BadInputsAreErrorsThatLeaveItUsable) {
  const auto predictor = Make(Init(), Predict());
  const auto message = [](const auto& result) { return result.status().ToString(); };
  EXPECT_THAT(message(predictor->Run({Data(1, 1), Data(1, 1)})),
              AllOf(HasSubstr("tiny"), HasSubstr("2 tensors for 1 inputs (data)")));
  EXPECT_THAT(message(predictor->Run({Tensor()})), HasSubstr("\"data\" has no value"));
  EXPECT_THAT(message(predictor->Run({{"dta", Data(1, 1)}})),
              AllOf(HasSubstr("no input \"dta\""), HasSubstr("did you mean data")));
  EXPECT_THAT(message(predictor->Run(std::map<std::string, Tensor>())),
              HasSubstr("input \"data\" is missing"));
  EXPECT_THAT(message(predictor->Run({*Tensor::Of<float>({1, 3}, {1, 1, 1})})),
              AllOf(HasSubstr("net \"tiny\", op 0"), HasSubstr("[1,3]")));
  EXPECT_THAT(message(predictor->Run({*Tensor::Of<int32_t>({1, 2}, {1, 1})})), HasSubstr("op 0"));

  const auto results = predictor->Run({Data(1, 1)});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT((*results)[0].span<float>(), ElementsAre(3.5, 7, 0));
}

TEST_P(PredictorTest, ANetThatTrainsIsRefused) {
  NetDef train = Predict();
  *train.add_op() =
      NetBuilder("update").Op("WeightedSum", {"w", "one", "w_grad", "rate"}, {"w"}).def().op(0);
  for (const char* name : {"one", "w_grad", "rate"}) train.add_external_input(name);
  EXPECT_THAT(ErrorOf(train), AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("changes \"w\""),
                                    HasSubstr("WeightedSum"), HasSubstr("Workspace")));
}

TEST_P(PredictorTest, WhatIsMissingIsNamed) {
  Model model;
  model.inits = {Init()};
  model.predict = Predict();
  model.inputs = {"unused"};
  EXPECT_THAT(ErrorOf(model), AllOf(HasSubstr("\"data\""), HasSubstr("inputs: \"unused\"")));
  model.inputs = {"data", "data"};
  EXPECT_THAT(ErrorOf(model), HasSubstr("\"data\" is named twice"));
  model.inputs = {"data"};
  model.outputs = {"hiden"};
  EXPECT_THAT(ErrorOf(model), AllOf(HasSubstr("\"hiden\""), HasSubstr("did you mean hidden")));
}

TEST_P(PredictorTest, WhatNobodyReadsIsAnOutputWhereNoneIsListed) {
  PredictorOr predictor = Predictor::Create({},
                                            NetBuilder("two_heads")
                                                .Op("Relu", {"x"}, {"h"})
                                                .Op("Sigmoid", {"h"}, {"first"})
                                                .Op("Tanh", {"h"}, {"second"})
                                                .def(),
                                            Options());
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  EXPECT_THAT((*predictor)->outputs(), ElementsAre("first", "second"));
  const auto results = (*predictor)->Run({*Tensor::Of<float>({1}, {0})});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].data<float>()[0], 0.5F);
  EXPECT_EQ((*results)[1].data<float>()[0], 0);
}

TEST_P(PredictorTest, ProblemsOfTheNetsAreReported) {
  EXPECT_THAT(ErrorOf(NetBuilder("typo").Op("Rellu", {"X"}, {"Y"}).Op("Relu", {}, {"Z"}).def()),
              AllOf(HasSubstr("Rellu"), HasSubstr("did you mean Relu"), HasSubstr("op 1")));
  Model model;
  model.predict = Predict();
  model.inits = {NetBuilder("broken").Op("Relu", {"nothing"}, {"w"}).def()};
  EXPECT_THAT(ErrorOf(model), AllOf(HasSubstr("net \"broken\""), HasSubstr("nothing")));
}

TEST_P(PredictorTest, AnObserverSeesTheOperatorsOfItsRun) {
  const auto predictor = Make(Init(), Predict());
  Profiler profiler;
  ASSERT_TRUE(predictor->Run({Data(1, 1)}, &profiler).ok());
  const size_t events = profiler.Events().size();
  EXPECT_EQ(events, static_cast<size_t>(predictor->net()->op_size()) + 1);
  ASSERT_TRUE(predictor->Run({Data(1, 1)}).ok());
  EXPECT_EQ(profiler.Events().size(), events);
}

TEST_P(PredictorTest, AnOutputThatARunDoesNotMakeIsNoOlderOne) {
  const NetDef then_net = NetBuilder("then").Op("Copy", {"X"}, {"Y"}).def();
  NetDef net = NetBuilder("maybe").Op("If", {"condition"}, {}, {}).def();
  *net.mutable_op(0)->add_arg() = MakeArgument("then_net", then_net);
  for (const char* name : {"condition", "X"}) net.add_external_input(name);
  net.add_external_output("Y");
  const auto predictor = Make(NetDef(), std::move(net));
  ASSERT_NE(predictor, nullptr);
  const auto run = [&](bool condition) {
    return predictor->Run({*Tensor::Of<bool>({1}, {condition}), Data(1, 2)});
  };
  const auto made = run(true);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_THAT((*made)[0].span<float>(), ElementsAre(1, 2));
  EXPECT_THAT(run(false).status().ToString(), HasSubstr("\"Y\" was not made in this run"));
  EXPECT_TRUE(run(true).ok());
}

TEST_P(PredictorTest, SaysWhatItHolds) {
  const auto predictor = Make(Init(), Predict());
  EXPECT_EQ(predictor->Stats().operators_before, 3);
  EXPECT_EQ(predictor->Stats().weight_bytes, 9 * 4);
  EXPECT_EQ(predictor->Stats().instances, 0);
  EXPECT_EQ(predictor->Stats().bytes_before, 0);
  ASSERT_TRUE(predictor->Run({Data(1, 1)}).ok());
  const PredictorStats stats = predictor->Stats();
  EXPECT_EQ(stats.operators_after, predictor->net()->op_size());
  EXPECT_EQ(stats.instances, 1);
  EXPECT_EQ(stats.bytes_before > 0, GetParam());
  EXPECT_LE(stats.bytes_after, stats.bytes_before);
  const BlobInfos weights = predictor->WeightInfos();
  const std::string name = GetParam() ? "w@2" : "w";  // packed
  ASSERT_EQ(weights.count(name), 1u);
  EXPECT_THAT(*weights.at(name).dims, ElementsAre(3, 2));
}

// x -> Conv -> SpatialBN -> Relu -> Conv -> + x -> Relu: what rewriting has most to do with.
NetDef ResidualNet() {
  const auto conv = [](NetBuilder* net, const std::string& in, const std::string& w,
                       const std::string& out) {
    net->Op("Conv", {in, w}, {out},
            {MakeArgument<int64_t>("kernel", 3), MakeArgument<int64_t>("pad", 1)});
  };
  NetBuilder net("residual");
  conv(&net, "x", "w1", "c1");
  net.Op("SpatialBN", {"c1", "scale", "bias", "mean", "var"}, {"n1"},
         {MakeArgument<int64_t>("is_test", 1)});
  net.Op("Relu", {"n1"}, {"n1"});
  conv(&net, "n1", "w2", "c2");
  net.Op("Sum", {"c2", "x"}, {"sum"});
  net.Op("Relu", {"sum"}, {"sum"});
  return net.def();
}

Tensor Wave(const Dims& dims, float frequency, float offset) {
  Tensor tensor = *Tensor::Create(DataType::kFloat, dims);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data<float>()[i] = std::sin(frequency * static_cast<float>(i)) + offset;
  }
  return tensor;
}

TEST(PredictorRewritingTest, ResultsDifferByRoundingAloneForAnyShape) {
  std::vector<std::unique_ptr<Predictor>> predictors;
  for (const bool optimize : {false, true}) {
    Model model;
    model.predict = ResidualNet();
    model.weights = {{"w1", Wave({8, 8, 3, 3}, 0.7F, 0)}, {"w2", Wave({8, 8, 3, 3}, 1.3F, 0)},
                     {"scale", Wave({8}, 1, 1.5F)},       {"bias", Wave({8}, 2, 0)},
                     {"mean", Wave({8}, 3, 0)},           {"var", Wave({8}, 4, 1.5F)}};
    PredictorOptions options;
    options.optimize = optimize;
    PredictorOr predictor = Predictor::Create(std::move(model), options);
    ASSERT_TRUE(predictor.ok()) << predictor.status();
    predictors.push_back(*std::move(predictor));
  }
  EXPECT_LT(predictors[1]->Stats().operators_after, 6);
  for (const Tensor& x : {Wave({1, 8, 7, 5}, 0.3F, 0), Wave({3, 8, 12, 9}, 0.2F, 0.5F),
                          Wave({1, 8, 7, 5}, 0.9F, 0), Wave({1, 8, 1, 1}, 0.9F, 0)}) {
    const auto plain = predictors[0]->Run({x});
    const auto rewritten = predictors[1]->Run({x});
    ASSERT_TRUE(plain.ok()) << plain.status();
    ASSERT_TRUE(rewritten.ok()) << rewritten.status();
    ASSERT_EQ((*plain)[0].TypeAndShape(), (*rewritten)[0].TypeAndShape());
    for (int64_t i = 0; i < (*plain)[0].numel(); ++i) {
      const float expected = (*plain)[0].span<float>()[static_cast<size_t>(i)];
      const float got = (*rewritten)[0].span<float>()[static_cast<size_t>(i)];
      ASSERT_NEAR(got, expected, 1e-4 * std::max(1.0F, std::abs(expected))) << i;
    }
  }
  const Tensor x = Wave({1, 8, 7, 5}, 0.3F, 0);
  ASSERT_TRUE(predictors[1]->Run({x}).ok());
  const int64_t before = GetMemoryStats().allocations;
  ASSERT_TRUE(predictors[1]->Run({x}).ok());
  EXPECT_EQ(GetMemoryStats().allocations, before);
}

// Two layers that read all that was made before them.
NetDef DenseNet() {
  NetBuilder net("dense");
  const auto conv = [&net](const std::string& in, const std::string& w, const std::string& out) {
    net.Op("Conv", {in, w}, {out}, {MakeArgument<int64_t>("kernel", 1)});
  };
  conv("x", "w0", "c0");
  net.Op("MaxPool", {"c0"}, {"p0"}, {MakeArgument<int64_t>("kernel", 2)});
  net.Op("Relu", {"p0"}, {"r0"});
  conv("r0", "w1", "c1");
  net.Op("Concat", {"p0", "c1"}, {"d1", "s1"}, {MakeArgument<int64_t>("axis", 1)});
  net.Op("Relu", {"d1"}, {"r1"});
  conv("r1", "w2", "c2");
  net.Op("Concat", {"d1", "c2"}, {"d2", "s2"}, {MakeArgument<int64_t>("axis", 1)});
  net.Op("Sigmoid", {"d2"}, {"y"});
  NetDef def = net.def();
  def.add_external_output("y");
  def.add_external_output("d1");
  return def;
}

TEST(PredictorRewritingTest, ConcatenationsShareABufferForAnyNumberOfImagesInAnyOrder) {
  std::vector<std::unique_ptr<Predictor>> predictors;
  for (const bool optimize : {false, true}) {
    Model model;
    model.predict = DenseNet();
    model.weights = {{"w0", Wave({16, 3, 1, 1}, 0.7F, 0)},
                     {"w1", Wave({16, 16, 1, 1}, 1.3F, 0)},
                     {"w2", Wave({32, 32, 1, 1}, 2.1F, 0)}};
    PredictorOptions options;
    options.optimize = optimize;
    predictors.push_back(Predictor::Create(std::move(model), options).value());
  }
  const std::vector<int64_t> images = {1, 3, 1, 0, 2, 1};
  std::vector<std::vector<Tensor>> kept;  // what runs gave stays what it was
  for (size_t i = 0; i < images.size(); ++i) {
    const Tensor x = Wave({images[i], 3, 6, 8}, 0.1F + 0.1F * static_cast<float>(i), 0);
    const auto plain = predictors[0]->Run({x});
    const auto rewritten = predictors[1]->Run({x});
    ASSERT_TRUE(plain.ok()) << plain.status();
    ASSERT_TRUE(rewritten.ok()) << rewritten.status();
    kept.push_back(*rewritten);
    kept.push_back(*plain);
  }
  for (size_t i = 0; i < kept.size(); i += 2) {
    for (size_t output = 0; output < 2; ++output) {
      EXPECT_TRUE(TensorNear(kept[i][output], kept[i + 1][output], 1e-4)) << images[i / 2];
    }
  }
  for (const int64_t count : {1, 2}) {
    const Tensor x = Wave({count, 3, 6, 8}, 0.3F, 0);
    ASSERT_TRUE(predictors[1]->Run({x}).ok());
    const int64_t before = GetMemoryStats().allocations;
    ASSERT_TRUE(predictors[1]->Run({x}).ok());
    EXPECT_EQ(GetMemoryStats().allocations, before) << count;
  }
}

TEST(PredictorRewritingTest, OperandsAreBroadcastInEveryRunWhateverTheFirstOneWasPlannedFor) {
  NetDef def = NetBuilder("net")
                   .Op("Sigmoid", {"b"}, {"s"})
                   .Op("Add", {"x", "s"}, {"y"})
                   .Op("Transpose", {"y"}, {"z"})
                   .def();
  for (const char* name : {"x", "b"}) def.add_external_input(name);
  def.add_external_output("z");
  PredictorOptions as_given;
  as_given.optimize = false;
  const auto expected = Predictor::Create(NetDef(), def, as_given).value();
  const std::vector<std::pair<Dims, Dims>> shapes = {{{1, 3, 4}, {3, 4}}, {{3, 4}, {3, 4}},
                                                     {{2, 3, 4}, {3, 4}}, {{4}, {3, 4}},
                                                     {{3, 1}, {1, 4}},    {{}, {1}}};
  for (size_t first = 0; first < shapes.size(); ++first) {
    const auto predictor = Predictor::Create(NetDef(), def).value();
    for (size_t i = 0; i < 2 * shapes.size(); ++i) {
      const auto& [x, b] = shapes[(first + i) % shapes.size()];
      const std::vector<Tensor> fed = {Wave(x, 0.7F, 0), Wave(b, 1.3F, 0)};
      const auto results = predictor->Run(fed);
      ASSERT_TRUE(results.ok()) << results.status();
      EXPECT_TRUE(TensorBitsEqual(results->at(0), expected->Run(fed)->at(0)));
    }
    EXPECT_EQ(predictor->Stats().instances, 1);
    // Wrong shapes are refused for what is wrong with them.
    const auto wrong = predictor->Run({Wave({2}, 1, 0), Wave({3}, 1, 0)});
    EXPECT_THAT(wrong.status().ToString(), HasSubstr("cannot broadcast [2] with [3]"));
  }
}

// A net whose blobs are renamed, folded into others and put into shared buffers before it runs.
NetDef RewrittenNet() {
  return NetBuilder("given")
      .Op("Conv", {"data", "w", "b"}, {"conv"}, {MakeArgument<int>("kernel", 3)})
      .Op("SpatialBN", {"conv", "s", "o", "m", "v"}, {"conv"}, {MakeArgument<int>("is_test", 1)})
      .Op("Relu", {"conv"}, {"relu"})
      .Op("Transpose", {"relu"}, {"turned"})
      .Op("Sigmoid", {"turned"}, {"turned"})
      .Op("Add", {"turned", "other"}, {"sum"})
      .Op("Relu", {"sum"}, {"out"})
      .ExternalOutput("out")
      .def();
}

TEST(PredictorRewritingTest, ErrorsNameBlobsAsTheyWereGiven) {
  Model model;
  model.predict = RewrittenNet();
  model.inputs = {"data", "other"};
  model.weights["w"] = Wave({4, 2, 3, 3}, 0.3F, 0);
  for (const char* name : {"b", "s", "o", "m"}) model.weights[name] = Wave({4}, 0.3F, 0);
  model.weights["v"] = *Tensor::Of<float>({4}, {1, 1, 1, 1});
  PredictorOr predictor = Predictor::Create(std::move(model));
  ASSERT_TRUE(predictor.ok()) << predictor.status();
  const Tensor data = Wave({1, 2, 5, 5}, 0.3F, 0);
  const auto error = [&](const Tensor& x, const Tensor& other) {
    return std::string((*predictor)->Run({x, other}).status().message());
  };
  for (int i = 0; i < 2; ++i) {  // before and after buffers are shared
    const std::string convolution = error(Wave({1, 3, 5, 5}, 0.3F, 0), data);
    EXPECT_THAT(convolution, AllOf(HasSubstr("net \"given\", op 0 Conv(data, w, b) -> relu: "),
                                   Not(HasSubstr("@"))));
    const std::string addition = error(data, Wave({7, 7}, 0.3F, 0));
    EXPECT_THAT(addition, AllOf(HasSubstr("net \"given\", op 5 Add(turned, other) -> sum: "),
                                Not(HasSubstr("@"))));
    EXPECT_TRUE((*predictor)->Run({data, *Tensor::Scalar<float>(1)}).ok());
  }
}

TEST(RunAndFreeTest, NamesTheOperatorThatFails) {
  Workspace workspace;
  const absl::Status status = RunAndFree(
      NetBuilder("init")
          .Op("ConstantFill", {}, {"a"})
          .Op("ConstantFill", {}, {"b"}, {MakeArgument<std::vector<int64_t>>("shape", {-1})})
          .def(),
      &workspace);
  EXPECT_THAT(status.ToString(), AllOf(HasSubstr("net \"init\""), HasSubstr("ConstantFill() -> b"),
                                       Not(HasSubstr("-> a"))));
  EXPECT_TRUE(workspace.HasBlob("a"));
}

}  // namespace
}  // namespace doppio
