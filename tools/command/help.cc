#include "tools/command/help.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

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

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kNameWidth); }

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
  // CLI11 adds what a value is checked for behind a colon; an error says it too.
  const std::string type = option->get_type_name();
  const std::string name = type.substr(0, type.find(':'));
  return absl::StrCat(name.empty() ? "" : " ", name, option->get_expected_max() > 1 ? " ..." : "");
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  const std::string fallback = option->get_default_str();
  return Wrapped(absl::StrCat(option->get_description(),
                              fallback.empty() ? "" : absl::StrCat(" (default ", fallback, ")")),
                 kTextWidth);
}

}  // namespace doppio::tools
