#include "tools/dot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>

#include "absl/strings/str_format.h"
#include "tools/table.h"

extern char** environ;

namespace doppio::tools {
namespace {

constexpr char kOpStyle[] = "shape=box, style=\"filled\", fillcolor=\"#dbe9f6\"";
constexpr char kGradientStyle[] = "shape=box, style=\"filled\", fillcolor=\"#f6e3db\"";
constexpr char kInputStyle[] = "shape=ellipse, style=\"filled\", fillcolor=\"#e5f2dc\"";

// A quoted string of the language: what a name contains stays text (no escapes, no line ends).
std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : Printable(text)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// The nodes of blobs: which number each name's latest value has.
class BlobNodes {
 public:
  explicit BlobNodes(std::string* text) : text_(text) {}

  int Read(const std::string& name) {
    const auto found = latest_.find(name);
    return found != latest_.end() ? found->second : Add(name, kInputStyle);
  }
  int Write(const std::string& name) { return Add(name, "shape=ellipse"); }

 private:
  int Add(const std::string& name, absl::string_view style) {
    const int node = count_++;
    absl::StrAppendFormat(text_, "  b%d [label=%s, %s];\n", node, Quoted(name), style);
    latest_[name] = node;
    return node;
  }

  std::string* text_;
  std::map<std::string, int> latest_;
  int count_ = 0;
};

// Writes everything to a pipe; false when the reader has gone.
bool WriteAll(int fd, absl::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

std::string NetToDot(const NetDef& net) {
  std::string text = absl::StrFormat(
      "digraph %s {\n  rankdir=TB;\n  node [fontname=\"Helvetica\", fontsize=11];\n",
      Quoted(net.name()));
  BlobNodes blobs(&text);
  for (int k = 0; k < net.op_size(); ++k) {
    const OperatorDef& op = net.op(k);
    const std::string label = op.name().empty() ? op.type() : op.type() + " " + op.name();
    absl::StrAppendFormat(&text, "  op%d [label=%s, %s];\n", k, Quoted(label),
                          op.is_gradient_op() ? kGradientStyle : kOpStyle);
    for (const std::string& input : op.input()) {
      absl::StrAppendFormat(&text, "  b%d -> op%d;\n", blobs.Read(input), k);
    }
    for (const std::string& output : op.output()) {
      absl::StrAppendFormat(&text, "  op%d -> b%d;\n", k, blobs.Write(output));
    }
  }
  return text + "}\n";
}

absl::Status DrawWithGraphviz(const std::string& dot_text, const std::string& format,
                              const std::string& path) {
  int pipe_ends[2];
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
    return absl::UnavailableError(absl::StrCat("can not make a pipe: ", std::strerror(errno)));
  }
  std::string type_flag = "-T" + format;
  std::string output_flag = "-o" + path;  // in one word, so that no path can be a flag
  char program[] = "dot";
  char* arguments[] = {program, type_flag.data(), output_flag.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe_ends[0], STDIN_FILENO);
  pid_t child = 0;
  const int spawned = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipe_ends[0]);
  if (spawned != 0) {
    close(pipe_ends[1]);
    if (spawned == ENOENT) {
      return absl::NotFoundError(absl::StrCat(
          "drawing ", format, " needs Graphviz, and there is no program `dot`. Install it ",
          "(`apt-get install graphviz`), or write the graph as text with -o net.dot"));
    }
    return absl::UnavailableError(absl::StrCat("can not start `dot`: ", std::strerror(spawned)));
  }
  // A `dot` that ends early must not end this process too.
  const auto previous = std::signal(SIGPIPE, SIG_IGN);
  const bool is_written = WriteAll(pipe_ends[1], dot_text);
  std::signal(SIGPIPE, previous);
  close(pipe_ends[1]);
  int state = 0;
  while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;
  if (is_written && WIFEXITED(state) && WEXITSTATUS(state) == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("`dot` could not draw ", path, " (what it says stands above)"));
}

}  // namespace doppio::tools
