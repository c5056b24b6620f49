#include "tools/command/shape_table.h"

#include <set>

#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "doppio/op_def.h"
#include "tools/command/known_shapes.h"
#include "tools/command/net_input.h"
#include "tools/command/table.h"

namespace doppio::tools {
namespace {

constexpr size_t kShownUnknown = 8;

int64_t BytesOf(const TensorInfo& info) {
  if (!info.IsKnown()) return 0;
  const int64_t elements = NumElements(*info.dims).value_or(0);
  return CheckedProduct(elements, static_cast<int64_t>(DataTypeSize(info.dtype))).value_or(0);
}

// Where the shape of what a net reads is from.
struct Source {
  TensorInfo info;
  std::string from;
  bool is_weight = false;
};

Source SourceOf(const std::string& blob, const BlobInfos& given, const NetShapes& shapes) {
  const auto known = given.find(blob);
  if (known != given.end() && known->second.IsKnown()) return {known->second, "given", false};
  for (const WeightShape& weight : shapes.weights) {
    if (weight.blob != blob) continue;
    std::string from = "inferred";
    if (!weight.width_from.empty()) {
      absl::StrAppend(&from, ", outputs by ", Printable(weight.width_from));
    }
    return {weight.info, weight.is_guess ? from + " (a guess)" : from, true};
  }
  for (const UnknownShape& unknown : shapes.unknown) {
    if (unknown.blob == blob) return {TensorInfo(), Printable(unknown.why), false};
  }
  return {TensorInfo(), "", false};
}

// "4.09 G", "12.6 M".
std::string Short(int64_t count) {
  const double value = static_cast<double>(count);
  if (value < 1e4) return absl::StrCat(count);
  if (value < 1e6) return absl::StrFormat("%.1f k", value * 1e-3);
  if (value < 1e9) return absl::StrFormat("%.1f M", value * 1e-6);
  return absl::StrFormat("%.2f G", value * 1e-9);
}

std::string Made(const NetShapes::Op& op) {
  std::vector<std::string> made;
  for (int o = 0; o < op.def->output_size(); ++o) {
    made.push_back(absl::StrCat(Printable(op.def->output(o)), " ", InfoToString(op.outputs[o])));
  }
  return absl::StrCat(absl::StrJoin(made, ", "), op.is_most ? " at most" : "");
}

int64_t WeightBytes(const NetShapes& shapes) {
  int64_t bytes = 0;
  for (const WeightShape& weight : shapes.weights) bytes += BytesOf(weight.info);
  return bytes;
}

}  // namespace

std::string ShapesToText(const NetDef& net, const BlobInfos& given, const NetShapes& shapes,
                         const PublishedWidths& widths) {
  Table read({"reads", "type", "shape", ">bytes", "from"});
  for (const NeededInput& input : NeededInputs(net)) {
    const Source source = SourceOf(input.blob, given, shapes);
    const TensorInfo& info = source.info;
    read.Add({Printable(input.blob), info.IsKnown() ? std::string(DataTypeName(info.dtype)) : "?",
              info.IsKnown() ? ShapeToString(*info.dims) : "?",
              info.IsKnown() ? absl::StrCat(BytesOf(info)) : "?", source.from});
  }
  Table ops({">op", "operator", ">multiply-adds", ">bytes read", ">bytes written", "makes"});
  for (size_t k = 0; k < shapes.ops.size(); ++k) {
    const NetShapes::Op& op = shapes.ops[k];
    ops.Add({absl::StrCat(k), absl::StrCat(std::string(2 * op.depth, ' '), op.def->type()),
             op.cost.multiply_adds > 0 ? absl::StrCat(op.cost.multiply_adds) : "",
             absl::StrCat(op.cost.bytes_read), absl::StrCat(op.cost.bytes_written), Made(op)});
  }
  std::string text = absl::StrCat(read.ToString("  "), ops.ToString("  "));
  absl::StrAppend(&text, shapes.unknown.empty() ? "  together " : "  what is known: ",
                  Short(shapes.total.multiply_adds), " multiply-adds; ",
                  HumanBytes(shapes.total.bytes_read), " read, ",
                  HumanBytes(shapes.total.bytes_written), " written");
  if (!shapes.weights.empty()) {
    absl::StrAppend(&text, "; ", Counted(static_cast<int64_t>(shapes.weights.size()), "weight"),
                    " inferred, ", HumanBytes(WeightBytes(shapes)));
  }
  absl::StrAppend(&text, "\n", WidthSources(shapes, widths));
  std::vector<std::string> unknown_inputs;
  for (const UnknownShape& unknown : shapes.unknown) {
    if (unknown.is_input) unknown_inputs.push_back(Printable(unknown.blob));
  }
  if (!unknown_inputs.empty()) {
    const auto count = static_cast<int64_t>(unknown_inputs.size());
    if (unknown_inputs.size() > kShownUnknown) {
      unknown_inputs.resize(kShownUnknown);
      unknown_inputs.push_back("...");
    }
    absl::StrAppend(&text, "  not known, and what depends on it: ", Counted(count, "shape"),
                    ", of ", absl::StrJoin(unknown_inputs, ", "),
                    "; --shape, --init and --widths can tell them\n");
  }
  // What the net reads has its reason in the first table; of blobs with one reason one is enough.
  std::set<std::string> reasons;
  for (const UnknownShape& unknown : shapes.unknown) {
    if (unknown.is_input || !reasons.insert(unknown.why).second) continue;
    absl::StrAppend(&text, "  unknown: ", Printable(unknown.blob), ": ", Printable(unknown.why),
                    "\n");
  }
  return text;
}

void ShapesToJson(const NetDef& net, const BlobInfos& given, const NetShapes& shapes,
                  const PublishedWidths& widths, JsonWriter* json) {
  const auto info_fields = [&](const TensorInfo& info) {
    if (!info.IsKnown()) return;
    json->Field("dtype", DataTypeName(info.dtype)).ListField("shape", *info.dims);
    json->Field("bytes", BytesOf(info));
  };
  json->Key("inputs").BeginArray();
  for (const NeededInput& input : NeededInputs(net)) {
    const Source source = SourceOf(input.blob, given, shapes);
    json->BeginObject().Field("name", input.blob);
    info_fields(source.info);
    json->Field("is_inferred_weight", source.is_weight).Field("from", source.from).EndObject();
  }
  json->EndArray().Key("ops").BeginArray();
  for (const NetShapes::Op& op : shapes.ops) {
    json->BeginObject().Field("type", op.def->type()).Field("depth", op.depth);
    json->Field("multiply_adds", op.cost.multiply_adds).Field("flops", op.cost.flops);
    json->Field("bytes_read", op.cost.bytes_read).Field("bytes_written", op.cost.bytes_written);
    json->Field("shapes_depend_on_data", op.is_most).Key("outputs").BeginArray();
    for (int o = 0; o < op.def->output_size(); ++o) {
      json->BeginObject().Field("name", op.def->output(o));
      info_fields(op.outputs[o]);
      json->EndObject();
    }
    json->EndArray().EndObject();
  }
  json->EndArray().Key("total").BeginObject();
  json->Field("multiply_adds", shapes.total.multiply_adds).Field("flops", shapes.total.flops);
  json->Field("bytes_read", shapes.total.bytes_read);
  json->Field("bytes_written", shapes.total.bytes_written);
  json->Field("inferred_weight_bytes", WeightBytes(shapes)).EndObject();
  json->Field("widths_from", widths.title).Key("unknown").BeginArray();
  for (const UnknownShape& unknown : shapes.unknown) {
    json->BeginObject().Field("name", unknown.blob).Field("why", unknown.why).EndObject();
  }
  json->EndArray();
}

}  // namespace doppio::tools
