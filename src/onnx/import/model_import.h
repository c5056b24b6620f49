#ifndef DOPPIO_ONNX_IMPORT_MODEL_IMPORT_H_
#define DOPPIO_ONNX_IMPORT_MODEL_IMPORT_H_

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "doppio/infer.h"
#include "doppio/limits.h"
#include "doppio/model.h"
#include "doppio/onnx.pb.h"
#include "doppio/status.h"

namespace doppio {
namespace onnx {

// Versions of operators by domain; "" is ONNX's own.
using Opsets = std::map<std::string, int64_t>;

// The versions that are imported, ONNX's own among those that are read.
absl::StatusOr<Opsets> OpsetsOf(
    const google::protobuf::RepeatedPtrField<OperatorSetIdProto>& imports);

// A function of the model. It stands in ModelImport by its domain, name and overload.
struct Function {
  const FunctionProto* proto = nullptr;
  Opsets opsets;
  bool is_called = false;  // at the moment
};
using FunctionKey = std::tuple<std::string, std::string, std::string>;

// What all graphs of a model share while they are imported.
struct ModelImport {
  const ModelProto* proto = nullptr;
  std::string folder;
  Limits limits;
  Opsets opsets;
  std::map<FunctionKey, Function> functions;
  Model model;
  std::set<std::string> names;       // of the values of the model's graph, and of all blobs
  BlobInfos infos;                   // what is known of blobs
  std::map<std::string, int> ranks;  // of those whose rank was declared
  int64_t nodes = 0;                 // those of functions as often as they are called
  int64_t repeated_bytes = 0;        // of functions and inner graphs, as often as they are imported

  // `wanted`, or, where it is taken, that with a number.
  std::string NewName(const std::string& wanted);
  // A function or an inner graph is imported, once more.
  absl::Status CountRepeated(const google::protobuf::Message& part);
  // What many nodes have that can not be taken along is told once.
  void AddProblem(const absl::Status& problem, const std::string& where);
  bool has_problems() const { return !problems_.empty(); }
  // All problems as one error, of their code where they have one in common.
  absl::Status status() const;

 private:
  struct Problem {
    std::string where;
    std::string what;
    int64_t more = 0;  // with the same problem
  };

  std::map<std::string, int> taken_;  // by name: the numbers that were tried
  std::vector<Problem> problems_;     // those that are told
  std::map<std::string, size_t> unsupported_;
  int64_t untold_ = 0;
  absl::StatusCode code_ = absl::StatusCode::kOk;
};

// "" for ONNX's own domain, which has two names.
std::string DomainOf(const std::string& domain);

}  // namespace onnx
}  // namespace doppio

#endif  // DOPPIO_ONNX_IMPORT_MODEL_IMPORT_H_
