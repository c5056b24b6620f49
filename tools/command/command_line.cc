#include "tools/command/command_line.h"

#include <memory>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tools/command/command.h"

namespace doppio::tools {
namespace {

constexpr size_t kNameWidth = 26;
constexpr size_t kTextWidth = 80 - kNameWidth;

std::string Wrapped(absl::string_view text, size_t width) {
  std::string wrapped;
  size_t column = 0;
  for (const absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    const bool is_new_line = column + 1 + word.size() > width;
    absl::StrAppend(&wrapped, column == 0 ? "" : is_new_line ? "\n" : " ", word);
    column = column == 0 || is_new_line ? word.size() : column + 1 + word.size();
  }
  return wrapped;
}

// How --help looks: lines of at most 80 columns, and of an option no more than the name of its
// value, "..." where it may be given again, and its default.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kNameWidth); }

  std::string make_option_opts(const CLI::Option* option) const override {
    // CLI11 adds what a value is checked for behind a colon; an error says it too.
    const std::string type = option->get_type_name();
    const std::string name = type.substr(0, type.find(':'));
    return absl::StrCat(name.empty() ? "" : " ", name,
                        option->get_expected_max() > 2 ? " ..." : "");
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string fallback = option->get_default_str();
    return Wrapped(absl::StrCat(option->get_description(),
                                fallback.empty() ? "" : absl::StrCat(" (default ", fallback, ")")),
                   kTextWidth);
  }
};

}  // namespace

void Options::AddPositional(const std::string& name, std::string* text,
                            const std::string& description, Need need) {
  AddText(name, text, "", description, need);
}

void Options::AddFlag(const std::string& name, bool* is_set, const std::string& description) {
  app_->add_flag(name, *is_set, description);
}

void Options::AddText(const std::string& name, std::string* text, const std::string& value,
                      const std::string& description, Need need) {
  app_->add_option(name, *text, description)->type_name(value)->required(need == Need::kRequired);
}

void Options::AddChoice(const std::string& name, std::string* text,
                        const std::vector<std::string>& choices, const std::string& value,
                        const std::string& description) {
  app_->add_option(name, *text, description)->check(CLI::IsMember(choices))->type_name(value);
}

void Options::AddList(const std::string& name, std::vector<std::string>* texts,
                      const std::string& value, const std::string& description, Need need) {
  // Without allow_extra_args(false) the option would swallow the positionals that follow it.
  app_->add_option(name, *texts, description)
      ->allow_extra_args(false)
      ->type_name(value)
      ->required(need == Need::kRequired);
}

void Options::AddPair(const std::string& name, std::vector<std::string>* texts,
                      const std::string& values, const std::string& description) {
  app_->add_option(name, *texts, description)->expected(2)->type_name(values);
}

void Options::AddNumber(const std::string& name, int* number, int min, int max,
                        const std::string& description) {
  CLI::Option* option = app_->add_option(name, *number, description);
  option->check(CLI::Range(min, max))->type_name("N");
  if (*number >= min && *number <= max) option->capture_default_str();
}

void Options::AddSeed(const std::string& name, std::optional<uint64_t>* seed,
                      const std::string& description) {
  app_->add_option(name, *seed, description)->check(CLI::NonNegativeNumber)->type_name("SEED");
}

CommandLine::CommandLine(const std::string& summary, const std::string& version,
                         const std::string& footer)
    : app_(std::make_unique<CLI::App>(summary, "doppio")) {
  app_->set_version_flag("--version", version);
  app_->require_subcommand(1);
  app_->footer(footer);
  app_->formatter(std::make_shared<HelpFormatter>());
}

CommandLine::~CommandLine() = default;

Options CommandLine::AddCommand(const std::string& name, const std::string& summary,
                                const std::string& footer) {
  CLI::App* command = app_->add_subcommand(name, summary);
  command->footer(footer);
  return Options(command);
}

std::string CommandLine::Help() const { return app_->help(); }

absl::StatusOr<std::string> CommandLine::Read(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) return UsageError(error.what());
    app_->exit(error);  // prints help or version
    return "";
  }
  return app_->get_subcommands().front()->get_name();
}

}  // namespace doppio::tools
