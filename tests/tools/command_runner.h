#ifndef DOPPIO_TESTS_TOOLS_COMMAND_RUNNER_H_
#define DOPPIO_TESTS_TOOLS_COMMAND_RUNNER_H_

#include <string>
#include <vector>

#include "doppio/net_builder.h"
#include "doppio/tensor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace doppio {

struct CommandResult {
  int code = -1;  // exit code; -N when signal N ended it
  std::string out;
  std::string err;
};

// A test that runs built programs as a user would, in a folder of its own.
class CommandTest : public testing::Test {
 protected:
  CommandTest();
  ~CommandTest() override;

  // The built `doppio` (or another program of the build) with these arguments, with no terminal.
  // `environment` is added to that of the test: {"PATH=/nowhere"}.
  CommandResult Doppio(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& environment = {});
  CommandResult Program(const std::string& name, const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment = {});

  // Paths in the folder, and files made there.
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  std::string Write(const std::string& name, const std::string& content);
  std::string Save(const std::string& name, const NetDef& net);
  std::string Save(const std::string& name, const absl::StatusOr<Tensor>& tensor);
  static std::string Read(const std::string& path);

 private:
  std::string folder_;
};

// Y = Relu(X), its output declared.
NetDef ReluNet();

}  // namespace doppio

#endif  // DOPPIO_TESTS_TOOLS_COMMAND_RUNNER_H_
