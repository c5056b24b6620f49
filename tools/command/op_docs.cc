#include "tools/command/op_docs.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr char kLoadedFamily[] = "(loaded)";

std::string CountText(int least, int most) {
  if (least == most) return absl::StrCat(least);
  if (most == OpSchema::kMany) return absl::StrCat(least, " or more");
  return absl::StrCat(least, " to ", most);
}

std::string DefaultText(const OpSchema::ArgSpec& arg) {
  if (arg.required) return "required";
  if (!arg.fallback) return "optional";
  const Argument& value = *arg.fallback;
  if (value.has_f()) return absl::StrCat("default ", value.f());
  if (value.has_s()) return absl::StrCat("default \"", value.s(), "\"");
  if (arg.type == OpSchema::ArgType::kBool) {
    return absl::StrCat("default ", value.i() != 0 ? "true" : "false");
  }
  return absl::StrCat("default ", value.i());
}

std::string BlobName(const std::vector<OpSchema::BlobSpec>& blobs, size_t i) {
  return i < blobs.size() && !blobs[i].name.empty() ? blobs[i].name : absl::StrCat("#", i);
}

// "X as Y": which inputs may, or must, be the same blob as which outputs.
std::string InplaceText(const OpSchema& schema) {
  std::vector<std::string> pairs;
  const int inputs = std::max<int>(1, static_cast<int>(schema.inputs().size()));
  const int outputs = std::max<int>(1, static_cast<int>(schema.outputs().size()));
  for (int i = 0; i < inputs && i < schema.max_inputs(); ++i) {
    for (int o = 0; o < outputs && o < schema.max_outputs(); ++o) {
      if (!schema.AllowsInplace(i, o)) continue;
      pairs.push_back(absl::StrCat(BlobName(schema.inputs(), static_cast<size_t>(i)), " as ",
                                   BlobName(schema.outputs(), static_cast<size_t>(o)),
                                   schema.EnforcesInplace(i, o) ? " (must be)" : ""));
    }
  }
  return pairs.empty() ? "no" : absl::StrJoin(pairs, ", ");
}

// "CPU", "CPU (also engine FAST)".
std::string DevicesText(const OpSchema& schema) {
  std::map<DeviceType, std::vector<std::string>> engines;
  for (const OperatorKey& key : OperatorRegistry::Keys()) {
    if (key.type != schema.type()) continue;
    std::vector<std::string>& list = engines[key.device];
    if (!key.engine.empty()) list.push_back(key.engine);
  }
  std::vector<std::string> devices;
  devices.reserve(engines.size());
  for (const auto& [device, list] : engines) {
    devices.push_back(absl::StrCat(
        device == DeviceType::kCpu ? "CPU" : "CUDA",
        list.empty() ? "" : absl::StrCat(" (engines: ", absl::StrJoin(list, ", "), ")")));
  }
  return absl::StrJoin(devices, ", ");
}

// In a cell of a Markdown table.
std::string Cell(absl::string_view text) {
  return absl::StrReplaceAll(absl::StripAsciiWhitespace(text), {{"|", "\\|"}, {"\n", " "}});
}

void AddBlobs(absl::string_view title, const std::vector<OpSchema::BlobSpec>& blobs, int least,
              int most, std::string* text) {
  absl::StrAppend(text, "\n", title, " (", CountText(least, most), ")\n");
  Table table({"", ""});
  for (size_t i = 0; i < blobs.size(); ++i) table.Add({BlobName(blobs, i), blobs[i].doc});
  absl::StrAppend(text, table.ToString("  "));
}

void AddBlobsToMarkdown(absl::string_view title, const std::vector<OpSchema::BlobSpec>& blobs,
                        int least, int most, std::string* text) {
  absl::StrAppend(text, "\n", title, ": ", CountText(least, most), "\n");
  for (size_t i = 0; i < blobs.size(); ++i) {
    absl::StrAppend(text, i == 0 ? "\n" : "", "- `", BlobName(blobs, i), "`: ", Cell(blobs[i].doc),
                    "\n");
  }
}

}  // namespace

std::string FamilyOf(const OpSchema& schema) {
  // "/home/me/doppio/ops/shape/expand.cc", or relative.
  const std::vector<absl::string_view> parts = absl::StrSplit(schema.file(), '/');
  for (size_t i = parts.size(); i-- > 0;) {
    if (parts[i] == "ops" && i + 3 == parts.size()) return std::string(parts[i + 1]);
  }
  return kLoadedFamily;
}

std::map<std::string, std::vector<const OpSchema*>> OpsByFamily() {
  std::map<std::string, std::vector<const OpSchema*>> families;
  for (const std::string& type : OperatorRegistry::Types()) {
    const OpSchema* schema = OpSchemaRegistry::Schema(type);
    if (schema != nullptr) families[FamilyOf(*schema)].push_back(schema);
  }
  return families;
}

std::string FirstSentence(const OpSchema& schema) {
  const std::string doc =
      absl::StrReplaceAll(absl::StripAsciiWhitespace(schema.doc()), {{"\n", " "}});
  const size_t end = std::min(doc.find(". "), doc.find(": "));
  if (end != std::string::npos) return doc.substr(0, end);
  return doc.substr(0, doc.find_last_not_of('.') + 1);
}

std::string GradientText(const OpSchema& schema) {
  switch (GradientRegistry::Kind(schema.type())) {
    case GradientKind::kMaker:
      return "yes";
    case GradientKind::kNone:
      return "none needed";
    case GradientKind::kForbidden:
      return "forbidden";
    case GradientKind::kNotImplemented:
      return "not implemented";
    case GradientKind::kUnregistered:
      break;
  }
  return "not known";
}

std::string OpToText(const OpSchema& schema) {
  std::string text = absl::StrCat(schema.type(), "  (", FamilyOf(schema), ")\n\n",
                                  absl::StripAsciiWhitespace(schema.doc()), "\n");
  AddBlobs("Inputs", schema.inputs(), schema.min_inputs(), schema.max_inputs(), &text);
  AddBlobs("Outputs", schema.outputs(), schema.min_outputs(), schema.max_outputs(), &text);
  if (!schema.args().empty()) {
    Table table({"", "", "", ""});
    for (const OpSchema::ArgSpec& arg : schema.args()) {
      table.Add({arg.name, OpSchema::ArgTypeName(arg.type), DefaultText(arg), arg.doc});
    }
    absl::StrAppend(&text, "\nArguments\n", table.ToString("  "));
  }
  Table facts({"", ""});
  facts.Add({"In place:", InplaceText(schema)});
  facts.Add({"Gradient:", GradientText(schema)});
  facts.Add({"Devices:", DevicesText(schema)});
  facts.Add({"Shapes before a run:", schema.has_inference() ? "inferred" : "not known"});
  return absl::StrCat(text, "\n", facts.ToString());
}

std::string OpToMarkdown(const OpSchema& schema) {
  std::string text =
      absl::StrCat("### ", schema.type(), "\n\n", absl::StripAsciiWhitespace(schema.doc()), "\n");
  AddBlobsToMarkdown("Inputs", schema.inputs(), schema.min_inputs(), schema.max_inputs(), &text);
  AddBlobsToMarkdown("Outputs", schema.outputs(), schema.min_outputs(), schema.max_outputs(),
                     &text);
  if (!schema.args().empty()) {
    absl::StrAppend(&text, "\n| argument | type | | |\n| --- | --- | --- | --- |\n");
    for (const OpSchema::ArgSpec& arg : schema.args()) {
      absl::StrAppend(&text, "| `", arg.name, "` | ", OpSchema::ArgTypeName(arg.type), " | ",
                      Cell(DefaultText(arg)), " | ", Cell(arg.doc), " |\n");
    }
  }
  return absl::StrCat(text, "\nIn place: ", InplaceText(schema),
                      ". Gradient: ", GradientText(schema), ".\n");
}

void OpToJson(const OpSchema& schema, JsonWriter* json) {
  const auto add_blobs = [&](absl::string_view key, const std::vector<OpSchema::BlobSpec>& blobs,
                             int least, int most) {
    json->Key(key).BeginObject().Field("min", least).Key("max");
    most == OpSchema::kMany ? json->Null() : json->Value(most);
    json->Key("blobs").BeginArray();
    for (size_t i = 0; i < blobs.size(); ++i) {
      json->BeginObject().Field("name", BlobName(blobs, i)).Field("doc", blobs[i].doc).EndObject();
    }
    json->EndArray().EndObject();
  };
  json->BeginObject().Field("type", schema.type()).Field("family", FamilyOf(schema));
  json->Field("doc", absl::StripAsciiWhitespace(schema.doc()));
  add_blobs("inputs", schema.inputs(), schema.min_inputs(), schema.max_inputs());
  add_blobs("outputs", schema.outputs(), schema.min_outputs(), schema.max_outputs());
  json->Key("arguments").BeginArray();
  for (const OpSchema::ArgSpec& arg : schema.args()) {
    json->BeginObject().Field("name", arg.name).Field("type", OpSchema::ArgTypeName(arg.type));
    json->Field("required", arg.required).Key("default");
    if (!arg.fallback) {
      json->Null();
    } else if (arg.fallback->has_f()) {
      json->Value(arg.fallback->f());
    } else if (arg.fallback->has_s()) {
      json->Value(arg.fallback->s());
    } else if (arg.type == OpSchema::ArgType::kBool) {
      json->Value(arg.fallback->i() != 0);
    } else {
      json->Value(arg.fallback->i());
    }
    json->Field("doc", arg.doc).EndObject();
  }
  json->EndArray().Field("in_place", InplaceText(schema)).Field("gradient", GradientText(schema));
  json->Field("devices", DevicesText(schema)).Field("has_inference", schema.has_inference());
  json->EndObject();
}

std::string AllOpsToMarkdown() {
  size_t count = 0;
  std::string table = "| family | operators |\n| --- | --- |\n";
  std::string pages;
  for (const auto& [family, schemas] : OpsByFamily()) {
    std::vector<std::string> links;
    absl::StrAppend(&pages, "\n## ", family, "\n");
    for (const OpSchema* schema : schemas) {
      links.push_back(
          absl::StrCat("[", schema->type(), "](#", absl::AsciiStrToLower(schema->type()), ")"));
      absl::StrAppend(&pages, "\n", OpToMarkdown(*schema));
    }
    count += schemas.size();
    absl::StrAppend(&table, "| ", family, " | ", absl::StrJoin(links, ", "), " |\n");
  }
  return absl::StrCat("# Operators\n\nThe ", Counted(static_cast<int64_t>(count), "operator"),
                      " of doppio, by family. `doppio ops --markdown` writes this page from the ",
                      "schemas; do not edit it.\n\n", table, pages);
}

}  // namespace doppio::tools
