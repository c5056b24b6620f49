#ifndef DOPPIO_TOOLS_COMMAND_HELP_H_
#define DOPPIO_TOOLS_COMMAND_HELP_H_

#include <string>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"

namespace doppio::tools {

// How --help looks: lines of at most 80 columns, and of an option no more than the name of its
// value, "..." where it may be given again, and its default.
class HelpFormatter final : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_opts(const CLI::Option* option) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

}  // namespace doppio::tools

#endif  // DOPPIO_TOOLS_COMMAND_HELP_H_
