// The ONNX Runtime half of `tools/bench-peers onnxruntime`: loads a model with all optimisations,
// answers once, and then runs once for every line on standard input, answering with the nanoseconds
// it took.
//
//   peer_onnxruntime LIBRARY MODEL THREADS OUTPUT OUTPUT_FILE [INPUT DIMS INPUT_FILE]...
//
// DIMS are as 1,3,224,224; files hold the floats and nothing else.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "bench/answer_lines.h"
#include "bench/onnxruntime_api.h"

namespace {

using Api = doppio::OnnxRuntimeApi;

std::vector<int64_t> Dims(const std::string& text) {
  std::vector<int64_t> dims;
  std::istringstream in(text);
  for (std::string size; std::getline(in, size, ',');) dims.push_back(std::atoll(size.c_str()));
  return dims;
}

std::vector<char> Bytes(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return std::vector<char>(std::istreambuf_iterator<char>(in), {});
}

absl::Status Save(const Api& api, void* value, const char* path) {
  void* info = nullptr;
  size_t count = 0;
  void* data = nullptr;
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetTensorTypeAndShape, value, &info));
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetTensorShapeElementCount, info, &count));
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kGetTensorMutableData, value, &data));
  std::ofstream(path, std::ios::binary).write(static_cast<char*>(data), count * sizeof(float));
  return absl::OkStatus();
}

absl::Status Serve(int argc, char** argv) {
  constexpr int kWarnings = 2;
  constexpr int kAllOptimisations = 99;
  constexpr int kArenaAllocator = 1;
  constexpr int kDefaultMemory = 0;
  constexpr int kFloat = 1;
  Api api;
  DOPPIO_RETURN_IF_ERROR(api.Open(argv[1]));
  void* env = nullptr;
  void* options = nullptr;
  void* session = nullptr;
  void* memory = nullptr;
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kCreateEnv, kWarnings, "peer", &env));
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kCreateSessionOptions, &options));
  DOPPIO_RETURN_IF_ERROR(
      api.Call(Api::kSetSessionGraphOptimizationLevel, options, kAllOptimisations));
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kSetIntraOpNumThreads, options, std::atoi(argv[3])));
  DOPPIO_RETURN_IF_ERROR(api.Call(Api::kCreateSession, env, argv[2], options, &session));
  DOPPIO_RETURN_IF_ERROR(
      api.Call(Api::kCreateCpuMemoryInfo, kArenaAllocator, kDefaultMemory, &memory));

  std::vector<const char*> names;
  std::vector<void*> values;
  std::vector<std::vector<char>> contents;
  for (int i = 6; i + 2 < argc; i += 3) {
    const std::vector<int64_t> dims = Dims(argv[i + 1]);
    contents.push_back(Bytes(argv[i + 2]));
    names.push_back(argv[i]);
    values.push_back(nullptr);
    DOPPIO_RETURN_IF_ERROR(api.Call(
        Api::kCreateTensorWithDataAsOrtValue, memory, static_cast<void*>(contents.back().data()),
        contents.back().size(), dims.data(), dims.size(), kFloat, &values.back()));
  }
  const char* output = argv[4];
  void* y = nullptr;
  const auto run = [&] {
    if (y != nullptr) api.Release(Api::kReleaseValue, y);
    y = nullptr;
    return api.Call(Api::kRun, session, nullptr, names.data(), values.data(), values.size(),
                    &output, size_t{1}, &y);
  };
  DOPPIO_RETURN_IF_ERROR(run());
  DOPPIO_RETURN_IF_ERROR(Save(api, y, argv[5]));
  return doppio::AnswerLines(run);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6 || argc % 3 != 0) {
    std::cerr << "peer_onnxruntime: library, model, threads, output and its file, and name, "
                 "dimensions and file of each input\n";
    return 2;
  }
  const absl::Status status = Serve(argc, argv);
  if (!status.ok()) std::cerr << "peer_onnxruntime: " << status << "\n";
  // Without the library's own end, which takes its time.
  std::cout.flush();
  std::_Exit(status.ok() ? 0 : 1);
}
