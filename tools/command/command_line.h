#ifndef DOPPIO_TOOLS_COMMAND_COMMAND_LINE_H_
#define DOPPIO_TOOLS_COMMAND_COMMAND_LINE_H_

// The command line of `doppio`. CLI11 reads it; only command_line.cc includes CLI11, because each
// source that does compiles for seconds longer.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "doppio/status.h"

namespace CLI {
class App;
}

namespace doppio::tools {

enum class Need { kOptional, kRequired };

// What the command line of one subcommand sets: each option has a variable, which must live until
// the command line was read. `value` is how help calls what is typed behind the option.
class Options {
 public:
  explicit Options(CLI::App* app) : app_(app) {}

  // An argument that is known by its place, not by a name.
  void AddPositional(const std::string& name, std::string* text, const std::string& description,
                     Need need = Need::kRequired);
  void AddFlag(const std::string& name, bool* is_set, const std::string& description);
  // `name` may have a short form too: "-o,--output".
  void AddText(const std::string& name, std::string* text, const std::string& value,
               const std::string& description, Need need = Need::kOptional);
  void AddChoice(const std::string& name, std::string* text,
                 const std::vector<std::string>& choices, const std::string& value,
                 const std::string& description);
  // May be given again and again, each time with one value.
  void AddList(const std::string& name, std::vector<std::string>* texts, const std::string& value,
               const std::string& description, Need need = Need::kOptional);
  // Help shows what *number holds before as the default, if it is one that may be typed.
  // Two values at once; *texts then has both.
  void AddPair(const std::string& name, std::vector<std::string>* texts, const std::string& values,
               const std::string& description);
  void AddNumber(const std::string& name, int* number, int min, int max,
                 const std::string& description);
  void AddSeed(const std::string& name, std::optional<uint64_t>* seed,
               const std::string& description);

 private:
  CLI::App* app_;
};

// All subcommands.
class CommandLine {
 public:
  CommandLine(const std::string& summary, const std::string& version, const std::string& footer);
  ~CommandLine();

  Options AddCommand(const std::string& name, const std::string& summary,
                     const std::string& footer);
  std::string Help() const;

  // Sets the variables of the options. Returns the subcommand that was called, or "" after --help
  // and --version, which have printed what they have to say.
  absl::StatusOr<std::string> Read(int argc, const char* const* argv);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_COMMAND_LINE_H_
