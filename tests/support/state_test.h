#ifndef DOPPIO_TESTS_SUPPORT_STATE_TEST_H_
#define DOPPIO_TESTS_SUPPORT_STATE_TEST_H_

// Tests of operators over blobs that are no tensors, one after another in a workspace.

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/workspace.h"
#include "gtest/gtest.h"
#include "tests/support/tensor_match.h"

namespace doppio {

class StateTest : public testing::Test {
 protected:
  using Names = std::vector<std::string>;

  // Its files are where tests have theirs.
  StateTest() { workspace_.SetFileAccess(FileAccess::Within(testing::TempDir())); }

  template <typename T>
  static Argument Arg(absl::string_view name, const T& value) {
    return MakeArgument<T>(name, value);
  }

  static OperatorDef Def(absl::string_view type, const Names& inputs, const Names& outputs,
                         const std::vector<Argument>& arguments = {}) {
    OperatorDef def = CreateOperatorDef(type, "", {}, {});
    for (const std::string& name : inputs) def.add_input(name);
    for (const std::string& name : outputs) def.add_output(name);
    for (const Argument& argument : arguments) *def.add_arg() = argument;
    return def;
  }

  absl::Status Run(absl::string_view type, const Names& inputs, const Names& outputs,
                   const std::vector<Argument>& arguments = {}) {
    return workspace_.RunOperatorOnce(Def(type, inputs, outputs, arguments));
  }
  void MustRun(absl::string_view type, const Names& inputs, const Names& outputs,
               const std::vector<Argument>& arguments = {}) {
    const absl::Status status = Run(type, inputs, outputs, arguments);
    ASSERT_TRUE(status.ok()) << status;
  }
  void ExpectFailure(const OperatorDef& def, absl::string_view part_of_message) {
    const absl::Status status = workspace_.RunOperatorOnce(def);
    EXPECT_FALSE(status.ok()) << def.type();
    EXPECT_NE(status.message().find(part_of_message), absl::string_view::npos) << status;
  }

  void Feed(absl::string_view name, absl::StatusOr<Tensor> value) {
    const absl::Status status = workspace_.Feed(name, std::move(value));
    ASSERT_TRUE(status.ok()) << status;
  }
  void ExpectBlob(absl::string_view name, const absl::StatusOr<Tensor>& expected) {
    const absl::StatusOr<Tensor> tensor = workspace_.Fetch(name);
    ASSERT_TRUE(tensor.ok()) << tensor.status();
    EXPECT_TRUE(TensorEquals(*tensor, expected)) << name;
  }
  // The only element of that blob; T() where it is something else.
  template <typename T>
  T Scalar(absl::string_view name) {
    const absl::StatusOr<Tensor> tensor = workspace_.Fetch(name);
    const bool is_scalar = tensor.ok() && tensor->Is<T>() && tensor->numel() == 1;
    EXPECT_TRUE(is_scalar) << name;
    return is_scalar ? *tensor->data<T>() : T();
  }

  static void OnThreads(int count, const std::function<void(int)>& body) {
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t) threads.emplace_back(body, t);
    for (std::thread& thread : threads) thread.join();
  }

  Workspace workspace_;
};

}  // namespace doppio

#endif  // DOPPIO_TESTS_SUPPORT_STATE_TEST_H_
