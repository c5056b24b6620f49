#ifndef DOPPIO_BENCH_ONNXRUNTIME_API_H_
#define DOPPIO_BENCH_ONNXRUNTIME_API_H_

#include <dlfcn.h>

#include <cstdint>

#include "doppio/status.h"

namespace doppio {

// ONNX Runtime's C API, out of a library that is opened when it is asked for. It is a table of
// functions that only grows: version 14 is in all newer libraries. Those that are used here, by
// their position in it.
class OnnxRuntimeApi {
 public:
  using Status = void*;

  absl::Status Open(const char* library) {
    void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return absl::NotFoundError(dlerror());
    struct Base {
      const void* const* (*table)(uint32_t version);
      const char* (*version)();
    };
    const auto base = reinterpret_cast<const Base* (*)()>(dlsym(handle, "OrtGetApiBase"));
    if (base != nullptr) table_ = base()->table(14);
    if (table_ != nullptr) return absl::OkStatus();
    return absl::NotFoundError("this library has no API of version 14");
  }

  // Calls the function at `position`, which returns null or an error.
  template <typename... Args>
  absl::Status Call(int position, Args... args) const {
    const Status status = reinterpret_cast<Status (*)(Args...)>(Function(position))(args...);
    if (status == nullptr) return absl::OkStatus();
    constexpr int kGetErrorMessage = 2;
    constexpr int kReleaseStatus = 93;
    const auto message = reinterpret_cast<const char* (*)(Status)>(Function(kGetErrorMessage));
    const absl::Status error = absl::InternalError(message(status));
    Release(kReleaseStatus, status);
    return error;
  }
  void Release(int position, void* object) const {
    reinterpret_cast<void (*)(void*)>(Function(position))(object);
  }

  static constexpr int kCreateEnv = 3;
  static constexpr int kCreateSession = 7;
  static constexpr int kCreateSessionFromArray = 8;
  static constexpr int kRun = 9;
  static constexpr int kCreateSessionOptions = 10;
  static constexpr int kSetSessionGraphOptimizationLevel = 23;
  static constexpr int kSetIntraOpNumThreads = 24;
  static constexpr int kCreateTensorWithDataAsOrtValue = 49;
  static constexpr int kGetTensorMutableData = 51;
  static constexpr int kGetTensorElementType = 60;
  static constexpr int kGetDimensionsCount = 61;
  static constexpr int kGetDimensions = 62;
  static constexpr int kGetTensorShapeElementCount = 64;
  static constexpr int kGetTensorTypeAndShape = 65;
  static constexpr int kCreateCpuMemoryInfo = 69;
  static constexpr int kReleaseSession = 95;
  static constexpr int kReleaseValue = 96;
  static constexpr int kReleaseTensorTypeAndShapeInfo = 99;

 private:
  void* Function(int position) const { return const_cast<void*>(table_[position]); }

  const void* const* table_ = nullptr;
};

}  // namespace doppio

#endif  // DOPPIO_BENCH_ONNXRUNTIME_API_H_
