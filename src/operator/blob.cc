#include "doppio/blob.h"

#include <cxxabi.h>

#include <cstdlib>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace doppio {
namespace {

struct TypeNames {
  absl::Mutex mutex;
  absl::flat_hash_map<std::type_index, std::string> names ABSL_GUARDED_BY(mutex);
};

TypeNames& Names() {
  static TypeNames& names = *new TypeNames;
  return names;
}

std::string Demangle(const char* name) {
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 ? text.get() : name;
}

}  // namespace

bool RegisterBlobTypeName(std::type_index type, absl::string_view name) {
  TypeNames& names = Names();
  absl::MutexLock lock(&names.mutex);
  return names.names.emplace(type, name).second;
}

std::string Blob::TypeName() const {
  if (IsEmpty()) return "nothing";
  if (IsTensor()) return "Tensor";
  if (Is<std::string>()) return "std::string";
  TypeNames& names = Names();
  absl::MutexLock lock(&names.mutex);
  const auto found = names.names.find(type_);
  return found != names.names.end() ? found->second : Demangle(type_.name());
}

void Blob::Reset() {
  tensor_.Reset();
  other_.reset();
  form_ = nullptr;
  type_ = typeid(void);
  is_tensor_ = false;
}

std::array<const Tensor*, 2> Blob::StoredTensors() const {
  const Tensor* tensor = is_tensor_.load(std::memory_order_acquire) ? &tensor_ : nullptr;
  return {form_ == nullptr ? nullptr : &form_->stored(), tensor};
}

const Tensor* Blob::MadeTensor() const {
  static absl::Mutex& mutex = *new absl::Mutex;
  const absl::MutexLock lock(&mutex);
  if (!is_tensor_.load(std::memory_order_relaxed)) {
    if (!form_->MakeTensor(&tensor_).ok()) return nullptr;
    is_tensor_.store(true, std::memory_order_release);
  }
  return &tensor_;
}

void Blob::BecomeTensor() {
  if (form_ == nullptr || MadeTensor() == nullptr) tensor_.Reset();
  other_.reset();
  form_ = nullptr;
  type_ = typeid(Tensor);
  is_tensor_ = true;
}

}  // namespace doppio
