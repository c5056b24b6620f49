// The nets of one or a few operators of ../shared/models/single_op: they run, or the error says
// what is missing.

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "doppio/check.h"
#include "doppio/proto_io.h"
#include "doppio/random_weights.h"
#include "doppio/registry.h"
#include "doppio/workspace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/models/onnx_trip.h"
#include "tests/support/shared_dir.h"

namespace doppio {
namespace {

// What a net is fed with, and the shape that its output then has.
struct Case {
  std::map<std::string, absl::StatusOr<Tensor>> feeds;
  Dims output;
  std::string refused;  // or a part of the error that it gives
};

absl::StatusOr<Tensor> Floats(Dims dims) { return RandomData("x", DataType::kFloat, dims, 1); }

template <typename T>
absl::StatusOr<Tensor> Vector(std::vector<T> values) {
  return Tensor::FromSpan<T>({static_cast<int64_t>(values.size())}, absl::MakeConstSpan(values));
}

std::map<std::string, Case> Cases() {
  std::map<std::string, Case> cases;
  cases["argmin"] = {{{"input", Floats({2, 3, 4})}}, {2, 4}, ""};
  cases["alias_op_net"] = {{{"X", Floats({2, 3})}}, {2, 3}, ""};
  cases["avgpool_nhwc_predict_net"] = {{{"inputs", Floats({1, 3, 3, 1})}}, {1, 4, 4, 1}, ""};
  cases["batched_matmul"] = {
      {{"lhs", Floats({2, 3, 4})}, {"rhs", Floats({2, 4, 5})}}, {2, 3, 5}, ""};
  cases["batch_box_cox_predict_net"] = {
      {{"data", Floats({3, 2})}, {"lambda1", Floats({2})}, {"lambda2", Floats({2})}}, {3, 2}, ""};
  cases["bucketize_op_net"] = {{{"input_0", Floats({3, 2})}}, {3, 2}, ""};
  cases["concat_predict_net"] = {
      {{"inputs_0", Floats({2, 3})}, {"inputs_1", Floats({2, 4})}, {"inputs_2", Floats({2, 5})}},
      {2, 12},
      ""};
  cases["constant_fill_input_as_shape"] = {{{"inputs_0", Vector<int64_t>({2, 3})}}, {2, 3}, ""};
  // Its filter [1,1,2,2] is in NCHW order, and its image in NHWC.
  cases["conv_nhwc_predict_net"] = {{{"inputs", Floats({1, 3, 3, 1})}}, {}, "[1,1,2,2]"};
  cases["convrelu_pred_net"] = {{{"gpu_0/data_0", Floats({1, 1, 3, 3})}}, {1, 1, 4, 4}, ""};
  const auto filter = [] { return Floats({1, 1, 3, 3}); };
  cases["convtranspose"] = {{{"gpu_0/data_0", Floats({1, 1, 2, 2})},
                             {"convTranspose_w", filter()},
                             {"convTranspose_b", Floats({1})}},
                            {1, 1, 4, 4},
                            ""};
  cases["convtranspose_pads"] = {{{"gpu_0/data_0", Floats({1, 1, 2, 2})},
                                  {"convTranspose_w", filter()},
                                  {"convTranspose_b", Floats({1})}},
                                 {1, 1, 2, 2},
                                 ""};
  cases["dot_product_predict_net"] = {{{"X", Floats({3, 4})}, {"Y", Floats({3, 4})}}, {3}, ""};
  cases["dropout"] = {{{"input", Floats({3, 4})}}, {3, 4}, ""};
  cases["fc_4d_first_axis_predict_net"] = {{{"inputs", Floats({5, 1, 1, 5})}}, {5, 3}, ""};
  cases["fc_4d_predict_net"] = {{{"inputs", Floats({1, 1, 1, 2048})}}, {1, 1, 1, 9190}, ""};
  cases["fcTransposed_4d_predict_net"] = {
      {{"inputs", Floats({1, 1, 1, 2048})}}, {1, 1, 1, 9190}, ""};
  cases["gather_const_fold"] = {
      {{"data", Floats({1, 2, 4, 3})}, {"index", Vector<int64_t>({0, 3, 1, 2})}}, {1, 3, 2, 4}, ""};
  cases["gather_ranges"] = {
      {{"data", Floats({6})}, {"ranges", Tensor::Of<int32_t>({2, 1, 2}, {3, 2, 0, 1})}}, {3}, ""};
  cases["gaussian_fill_use_input_shape"] = {{{"inputs_0", Floats({4, 5, 6, 7})}}, {4, 5, 6, 7}, ""};
  cases["gaussian_fill_use_provided_shape"] = {{}, {4, 5, 6, 7}, ""};
  cases["gelu"] = {{{"input", Floats({3, 4})}}, {3, 4}, ""};
  cases["halftofloat_op_net"] = {
      {{"X", RandomData("x", DataType::kFloat16, {3, 4}, 1)}}, {3, 4}, ""};
  cases["layernorm_neg_axis_pred_net"] = {{{"input", Floats({4, 2, 5, 5})}}, {4, 2, 5, 5}, ""};
  cases["layernorm_pred_net"] = {{{"input", Floats({4, 2, 5, 5})}}, {4, 2, 5, 5}, ""};
  cases["lengths_sum"] = {
      {{"data", Floats({5, 2})}, {"lengths", Vector<int32_t>({2, 0, 3})}}, {3, 2}, ""};
  cases["lengths_range_fill_predict_net"] = {{{"lengths", Vector<int32_t>({1, 2, 3})}}, {6}, ""};
  cases["lengths_to_ranges"] = {{}, {4, 2}, ""};
  cases["lpnorm_p2"] = {{{"input", Floats({5, 2})}}, {1}, ""};
  cases["maxpool_nhwc_predict_net"] = {{{"inputs", Floats({1, 3, 3, 1})}}, {1, 4, 4, 1}, ""};
  cases["maxpool_predict_net"] = {{{"inputs", Floats({1, 1, 3, 3})}}, {1, 1, 4, 4}, ""};
  cases["mean_3inputs"] = {
      {{"input1", Floats({3, 4})}, {"input2", Floats({3, 4})}, {"input3", Floats({3, 4})}},
      {3, 4},
      ""};
  cases["modulo_op_net"] = {{{"data", Vector<int64_t>({-7, 0, 5})}}, {3}, ""};
  cases["parallel_matmul_predict_net"] = {
      {{"inputs_0", Floats({3, 10, 7})}, {"inputs_1", Floats({3, 7, 10})}}, {3, 10, 10}, ""};
  cases["prelu"] = {
      {{"prelu_test_input", Floats({1, 4, 3, 3})}, {"slope", Floats({4})}}, {1, 4, 3, 3}, ""};
  cases["reduce_back_sum"] = {{{"inputs_0", Floats({3, 4})}}, {3}, ""};
  cases["reducebackmean"] = {{{"input", Floats({3, 4})}}, {3}, ""};
  cases["replace_nan_predict_net"] = {{{"input", Floats({3, 4})}}, {3, 4}, ""};
  cases["resize_nearest_op_net"] = {{{"input_0", Floats({1, 2, 4, 3})}}, {1, 4, 6, 3}, ""};
  cases["scale"] = {{{"input", Floats({3, 4})}}, {3, 4}, ""};
  cases["softplus"] = {{{"input", Floats({3, 4})}}, {3, 4}, ""};
  cases["sparse_to_dense"] = {{{"indices", Vector<int32_t>({0, 2})},
                               {"values", Floats({2, 3})},
                               {"dataToInferDim", Floats({4})}},
                              {4, 3},
                              ""};
  cases["sparse_to_dense_mask_op_net"] = {{{"indices", Vector<int64_t>({100, 7, 0})},
                                           {"values", Floats({3, 2})},
                                           {"defaultValue", Floats({2})}},
                                          {6, 2},
                                          ""};
  cases["swish_op_net"] = {{{"input", Floats({3, 4})}}, {3, 4}, ""};
  // Without a shape it takes that of an input, if that is no tensor of sizes.
  cases["uniform_fill_input_as_shape"] = {{{"inputs_0", Vector<int64_t>({2, 3})}}, {2, 3}, ""};
  return cases;
}

// "x_init_net" for "x_predict_net", where there is one.
std::string InitOf(const std::string& folder, const std::string& name) {
  for (const char* ending : {"_predict_net", "_pred_net", "_predict_net_length1", ""}) {
    if (!absl::EndsWith(name, ending)) continue;
    const std::string base = name.substr(0, name.size() - std::string(ending).size());
    const std::string path = absl::StrCat(folder, "/", base, "_init_net.pbtxt");
    if (std::filesystem::exists(path)) return path;
  }
  return "";
}

std::vector<std::string> MissingTypes(const NetDef& net) {
  std::vector<std::string> missing;
  for (const OperatorDef& op : net.op()) {
    if (!OperatorRegistry::Has(op.type())) missing.push_back(op.type());
  }
  return missing;
}

// What becomes of a net that runs when it is written as ONNX and read.
std::string AsOnnx(const NetDef& net, const NetDef& init, const Case& known) {
  Model model;
  model.predict = net;
  if (init.op_size() > 0) model.inits = {init};
  std::map<std::string, Tensor> inputs;
  for (const auto& [blob, tensor] : known.feeds) inputs[blob] = *tensor;
  const absl::StatusOr<OnnxTrip> trip = TakeToOnnx(std::move(model), inputs);
  if (!trip.ok()) return absl::StrCat("FAILED: ", trip.status().message());
  EXPECT_LT(trip->of_reader, 1e-5) << net.name();
  EXPECT_LT(trip->of_onnxruntime, 1e-5) << net.name();
  return trip->ToString();
}

// "ran", "refused" or "missing: ..."; what is wrong is a failure of the test.
std::string Try(const std::string& folder, const std::string& name, const Case* known) {
  absl::StatusOr<NetDef> net = LoadNet(absl::StrCat(folder, "/", name, ".pbtxt"));
  if (!net.ok()) return absl::StrCat("FAILED: ", net.status().message());
  NetDef init;
  const std::string init_path = InitOf(folder, name);
  if (!init_path.empty()) init = *LoadNet(init_path);

  Workspace workspace;
  std::vector<std::string> missing = MissingTypes(init);
  for (const std::string& type : MissingTypes(*net)) missing.push_back(type);
  if (!missing.empty()) {
    // The error of whichever net comes first must name all that is missing in it.
    const NetDef& first = MissingTypes(init).empty() ? *net : init;
    const std::string error(workspace.CreateNet(first).status().message());
    for (const std::string& type : MissingTypes(first)) {
      EXPECT_THAT(error, testing::HasSubstr(type)) << name;
    }
    return absl::StrCat("missing: ", absl::StrJoin(missing, ", "));
  }
  if (known == nullptr) return "FAILED: its operators are here, so it needs a line in Cases()";
  absl::Status status = workspace.RunNetOnce(init);
  for (const auto& [blob, tensor] : known->feeds) {
    if (status.ok()) status = tensor.status();
    if (status.ok()) status = workspace.Feed(blob, *tensor);
  }
  if (status.ok()) status = workspace.RunNetOnce(*net);
  if (!known->refused.empty()) {
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr(known->refused)) << name;
    return absl::StrCat("refused: ", status.message());
  }
  if (!status.ok()) return absl::StrCat("FAILED: ", status.message());
  const absl::StatusOr<Tensor> output = workspace.Fetch(net->op(net->op_size() - 1).output(0));
  if (!output.ok()) return absl::StrCat("FAILED: ", output.status().message());
  EXPECT_EQ(Dims(output->dims().begin(), output->dims().end()), known->output) << name;
  return absl::StrCat("ran: ", output->TypeAndShape(), "; as ONNX ", AsOnnx(*net, init, *known));
}

TEST(SingleOpNetsTest, RunOrSayWhatIsMissing) {
  DOPPIO_SKIP_WITHOUT_SHARED();
  const std::string folder = SharedDir() + "/models/single_op";
  const std::map<std::string, Case> cases = Cases();
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem();
    if (entry.path().extension() == ".pbtxt" && name.find("_init") == std::string::npos) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  EXPECT_FALSE(names.empty());
  for (const std::string& name : names) {
    const auto known = cases.find(name);
    const std::string result = Try(folder, name, known == cases.end() ? nullptr : &known->second);
    EXPECT_FALSE(absl::StrContains(result, "FAILED")) << name << ": " << result;
    std::cout << name << ": " << result << "\n";
  }
}

}  // namespace
}  // namespace doppio
