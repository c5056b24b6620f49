#include "tools/command/dot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

extern char** environ;

namespace doppio::tools {
namespace {

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
