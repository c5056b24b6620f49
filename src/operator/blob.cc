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

Blob::Blob() : type_(typeid(void)) {}
Blob::~Blob() = default;

std::string Blob::TypeName() const {
  if (IsEmpty()) return "nothing";
  if (Is<Tensor>()) return "Tensor";
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
  phantom_.reset();
  type_ = typeid(void);
  is_at_hand_.store(false, std::memory_order_relaxed);
}

}  // namespace doppio
