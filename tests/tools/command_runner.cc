#include "tests/tools/command_runner.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "doppio/proto_io.h"
#include "doppio/tensor_io.h"

extern char** environ;

namespace doppio {
namespace {

std::vector<char*> Pointers(std::vector<std::string>* words) {
  std::vector<char*> pointers;
  for (std::string& word : *words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

CommandTest::CommandTest() {
  std::string pattern = (std::filesystem::temp_directory_path() / "doppio_test_XXXXXX").string();
  const char* made = mkdtemp(pattern.data());
  EXPECT_NE(made, nullptr) << pattern;
  folder_ = pattern;
}

CommandTest::~CommandTest() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

CommandResult CommandTest::Doppio(const std::vector<std::string>& arguments,
                                  const std::vector<std::string>& environment) {
  return Program("doppio", arguments, environment);
}

CommandResult CommandTest::Program(const std::string& name,
                                   const std::vector<std::string>& arguments,
                                   const std::vector<std::string>& environment) {
  const std::string path = std::string(DOPPIO_BIN_DIR) + "/" + name;
  std::vector<std::string> words = {path};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::string key = text.substr(0, text.find('=') + 1);
    bool is_replaced = false;
    for (const std::string& given : environment) is_replaced |= given.rfind(key, 0) == 0;
    if (!is_replaced) variables.push_back(text);
  }

  const std::string out = Path("stdout.txt");
  const std::string err = Path("stderr.txt");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int flags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), flags, 0600);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), flags, 0600);
  std::vector<char*> argv = Pointers(&words);
  std::vector<char*> envp = Pointers(&variables);
  pid_t child = 0;
  const int spawned =
      posix_spawn(&child, path.c_str(), &actions, nullptr, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  CommandResult result;
  EXPECT_EQ(spawned, 0) << "can not start " << path << "; is it built?";
  if (spawned != 0) return result;
  int state = 0;
  waitpid(child, &state, 0);
  result.code = WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state);
  result.out = Read(out);
  result.err = Read(err);
  return result;
}

std::string CommandTest::Write(const std::string& name, const std::string& content) {
  std::ofstream(Path(name), std::ios::binary) << content;
  return Path(name);
}

std::string CommandTest::Save(const std::string& name, const NetDef& net) {
  const absl::Status saved = SaveProto(net, Path(name));
  EXPECT_TRUE(saved.ok()) << saved;
  return Path(name);
}

std::string CommandTest::Save(const std::string& name, const absl::StatusOr<Tensor>& tensor) {
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  const absl::Status saved = SaveTensor(*tensor, Path(name));
  EXPECT_TRUE(saved.ok()) << saved;
  return Path(name);
}

std::string CommandTest::Read(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

NetDef ReluNet() {
  NetBuilder net("relu_net");
  net.Op("Relu", {"X"}, {"Y"}).ExternalInput("X").ExternalOutput("Y");
  return net.def();
}

}  // namespace doppio
