#include "doppio/width_table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "doppio/op_def.h"
#include "src/graph/width_layers.h"

namespace doppio {
namespace {

// Whether `text` is `pattern`, in which * stands for anything. The last * alone needs to be tried
// again, so this takes |pattern| |text| steps at most.
bool Fits(absl::string_view pattern, absl::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = absl::string_view::npos;
  size_t after_star = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos) {
      p = star + 1;
      t = ++after_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string ArgumentText(const Argument& argument) {
  if (argument.ints_size() > 0) return absl::StrJoin(argument.ints(), ",");
  if (argument.has_s()) return argument.s();
  return argument.has_i() ? absl::StrCat(argument.i()) : "";
}

bool Holds(const PublishedWidths::Condition& condition, const NetDef& net) {
  return std::any_of(net.op().begin(), net.op().end(), [&](const OperatorDef& op) {
    const auto reads_it = [&](const std::string& input) { return Fits(condition.blob, input); };
    if (std::none_of(op.input().begin(), op.input().end(), reads_it)) return false;
    if (condition.argument.empty()) return true;
    const Argument* argument = FindArgument(op, condition.argument);
    return argument != nullptr && ArgumentText(*argument) == condition.value;
  });
}

absl::Status ReadLine(absl::string_view line, std::vector<PublishedWidths>* table) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits(' ', 1));
  const absl::string_view what = parts.first;
  const absl::string_view rest = absl::StripAsciiWhitespace(parts.second);
  if (rest.empty()) return absl::InvalidArgumentError(absl::StrCat("\"", what, "\" of what?"));
  if (what == "net") {
    table->emplace_back().title = std::string(rest);
    return absl::OkStatus();
  }
  if (table->empty()) return absl::InvalidArgumentError("a section begins with \"net TITLE\"");
  PublishedWidths& section = table->back();
  const std::vector<std::string> words = absl::StrSplit(rest, ' ', absl::SkipEmpty());
  if (what == "source") {
    section.source = std::string(rest);
  } else if (what == "name") {
    section.names.emplace_back(rest);
  } else if (what == "where") {
    PublishedWidths::Condition condition{words[0], "", ""};
    if (words.size() > 1) {
      const std::pair<std::string, std::string> argument =
          absl::StrSplit(words[1], absl::MaxSplits('=', 1));
      condition.argument = argument.first;
      condition.value = argument.second;
    }
    if (words.size() > 2 || (words.size() == 2 && condition.value.empty())) {
      return absl::InvalidArgumentError("write \"where BLOB\" or \"where BLOB ARGUMENT=VALUE\"");
    }
    section.conditions.push_back(std::move(condition));
  } else if (what == "width" || what == "guess") {
    PublishedWidths::Width width{words[0], 0, what == "guess"};
    if (words.size() != 2 || !absl::SimpleAtoi(words[1], &width.outputs) || width.outputs < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("write \"", what, " BLOB N\" with a number N of outputs above 0"));
    }
    section.widths.push_back(std::move(width));
  } else if (what == "layers") {
    return ReadLayers(rest, &section.layers);
  } else {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", what, "\" is none of net, source, name, where, layers, width, guess"));
  }
  return absl::OkStatus();
}

}  // namespace

bool PublishedWidths::IsFor(const NetDef& net) const {
  const auto fits = [&](const std::string& name) { return Fits(name, net.name()); };
  return (names.empty() || std::any_of(names.begin(), names.end(), fits)) &&
         std::all_of(conditions.begin(), conditions.end(),
                     [&](const Condition& condition) { return Holds(condition, net); }) &&
         (layers.empty() || AreLayersOf(layers, LayersOf(net)));
}

const PublishedWidths::Width* PublishedWidths::Find(absl::string_view blob) const {
  const auto found = std::find_if(widths.begin(), widths.end(),
                                  [&](const Width& width) { return Fits(width.blob, blob); });
  return found == widths.end() ? nullptr : &*found;
}

absl::StatusOr<std::vector<PublishedWidths>> ParseWidthTable(absl::string_view text) {
  std::vector<PublishedWidths> table;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    DOPPIO_RETURN_IF_ERROR(Annotate(ReadLine(line, &table), absl::StrCat("line ", number)));
  }
  for (const PublishedWidths& section : table) {
    if (section.names.empty() && section.conditions.empty() && section.layers.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "net ", section.title, ": say which nets it is for, with name, where or layers"));
    }
  }
  return table;
}

std::optional<PublishedWidths> FindPublishedWidths(const std::vector<PublishedWidths>& table,
                                                   const NetDef& net) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const PublishedWidths& section) {
    return section.IsFor(net);
  });
  if (found == table.end()) return std::nullopt;
  PublishedWidths section = *found;
  if (section.layers.empty()) return section;
  const std::vector<NetLayer> layers = LayersOf(net);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].weights.empty()) continue;
    section.widths.push_back({layers[i].weights, section.layers[i].outputs, false});
  }
  return section;
}

}  // namespace doppio
