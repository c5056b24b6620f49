#include "tests/support/onnxruntime.h"

#include <cstdlib>
#include <filesystem>
#include <list>

#include "absl/strings/match.h"
#include "bench/onnxruntime_api.h"
#include "src/onnx/onnx_tensor.h"

namespace doppio {
namespace {

using Api = OnnxRuntimeApi;

std::string FindLibrary() {
  if (const char* given = std::getenv("DOPPIO_ONNXRUNTIME")) return given;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string folder =
      (cache != nullptr ? std::string(cache)
                        : std::string(home == nullptr ? "" : home) + "/.cache") +
      "/doppio/peers/onnxruntime";
#ifdef __x86_64__
  constexpr absl::string_view kEnding = "/linux/x64/libonnxruntime.so.1";
#else
  constexpr absl::string_view kEnding = "/linux/arm64/libonnxruntime.so.1";
#endif
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (absl::EndsWith(entry.path().string(), kEnding)) return entry.path();
  }
  return "";
}

// The library with what all models share; made once.
struct Runtime {
  Api api;
  absl::Status status;
  void* env = nullptr;
  void* options = nullptr;
  void* memory = nullptr;

  Runtime() { status = Start(); }

  absl::Status Start() {
    constexpr int kErrors = 3;
    constexpr int kAsItIs = 0;
    constexpr int kArenaAllocator = 1;
    constexpr int kDefaultMemory = 0;
    const std::string library = OnnxRuntimeLibrary();
    if (library.empty()) return absl::NotFoundError("ONNX Runtime is not installed");
    DOPPIO_RETURN_IF_ERROR(api.Open(library.c_str()));
    DOPPIO_RETURN_IF_ERROR(api.Call(Api::kCreateEnv, kErrors, "test", &env));
    DOPPIO_RETURN_IF_ERROR(api.Call(Api::kCreateSessionOptions, &options));
    DOPPIO_RETURN_IF_ERROR(api.Call(Api::kSetSessionGraphOptimizationLevel, options, kAsItIs));
    DOPPIO_RETURN_IF_ERROR(api.Call(Api::kSetIntraOpNumThreads, options, 1));
    return api.Call(Api::kCreateCpuMemoryInfo, kArenaAllocator, kDefaultMemory, &memory);
  }
};

// What the runtime gave out, given back.
class Held {
 public:
  Held(const Api& api, int release) : api_(api), release_(release) {}
  ~Held() {
    if (object != nullptr) api_.Release(release_, object);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void* object = nullptr;

 private:
  const Api& api_;
  const int release_;
};

absl::StatusOr<Tensor> ToTensor(const Api& api, void* value) {
  Held info(api, Api::kReleaseTensorTypeAndShapeInfo);
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetTensorTypeAndShape, value, &info.object));
  int type = 0;
  size_t rank = 0;
  void* data = nullptr;
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetTensorElementType, info.object, &type));
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetDimensionsCount, info.object, &rank));
  Dims dims(rank);
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetDimensions, info.object, dims.data(), rank));
  DOPPIO_ASSIGN_OR_RETURN(const DataType dtype, onnx::DataTypeFromOnnx(type));
  if (dtype == DataType::kString) return absl::UnimplementedError("strings");
  DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, dims));
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetTensorMutableData, value, &data));
  if (tensor.bytes() > 0) std::memcpy(tensor.raw_mutable_data(), data, tensor.bytes());
  return tensor;
}

}  // namespace

std::string OnnxRuntimeLibrary() {
  static const auto* const library = new std::string(FindLibrary());
  return *library;
}

absl::StatusOr<std::vector<Tensor>> RunInOnnxRuntime(const std::string& model,
                                                     const std::map<std::string, Tensor>& inputs,
                                                     const std::vector<std::string>& outputs) {
  static const auto* const runtime = new Runtime;
  DOPPIO_RETURN_IF_ERROR(runtime->status);
  const Api& api = runtime->api;
  Held session(api, Api::kReleaseSession);
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kCreateSessionFromArray, runtime->env,
                                  static_cast<const void*>(model.data()), model.size(),
                                  runtime->options, &session.object));
  std::vector<const char*> input_names, output_names;
  std::vector<void*> given, made(outputs.size(), nullptr);
  std::list<Held> held;
  for (const auto& [name, tensor] : inputs) {
    if (tensor.Is<std::string>()) return absl::UnimplementedError("strings");
    held.emplace_back(api, Api::kReleaseValue);
    DOPPIO_RETURN_IF_ERROR(api.Call(
        Api::kCreateTensorWithDataAsOrtValue, runtime->memory, const_cast<void*>(tensor.raw_data()),
        tensor.bytes(), tensor.dims().data(), tensor.dims().size(),
        static_cast<int>(onnx::DataTypeToOnnx(tensor.dtype())), &held.back().object));
    input_names.push_back(name.c_str());
    given.push_back(held.back().object);
  }
  for (const std::string& name : outputs) output_names.push_back(name.c_str());
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kRun, session.object, static_cast<void*>(nullptr),
                                  input_names.data(), given.data(), given.size(),
                                  output_names.data(), output_names.size(), made.data()));
  std::vector<Tensor> tensors;
  for (void* value : made) {
    held.emplace_back(api, Api::kReleaseValue);
    held.back().object = value;
  }
  for (void* value : made) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor tensor, ToTensor(api, value));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

}  // namespace doppio
