#include "python/core/release.h"

#include <Python.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace doppio::python {
namespace {

using Garbage = std::pair<void*, void (*)(void*)>;

struct List {
  std::mutex mutex;
  std::vector<Garbage> items;
  std::atomic<bool> is_empty{true};
};

List& TheList() {
  static List& list = *new List;
  return list;
}

int ReleasePending(void*) {
  ReleaseLater();
  return 0;
}

void Release(void* object, void (*release)(void*)) {
  if (!Py_IsInitialized()) return;  // the process ends
  if (PyGILState_Check()) return release(object);
  List& list = TheList();
  {
    std::lock_guard<std::mutex> lock(list.mutex);
    list.items.emplace_back(object, release);
    list.is_empty.store(false, std::memory_order_release);
  }
  Py_AddPendingCall(&ReleasePending, nullptr);  // where it has no room, the next call here does it
}

}  // namespace

std::shared_ptr<const void> Share(void* object, void (*release)(void*)) {
  return {object, [release](const void* shared) { Release(const_cast<void*>(shared), release); }};
}

std::shared_ptr<const void> ShareObject(pybind11::object object) {
  return Share(object.release().ptr(),
               [](void* shared) { Py_DECREF(static_cast<PyObject*>(shared)); });
}

pybind11::handle ObjectOf(const std::shared_ptr<const void>& share) {
  return static_cast<PyObject*>(const_cast<void*>(share.get()));
}

void ReleaseLater() {
  List& list = TheList();
  if (list.is_empty.load(std::memory_order_acquire)) return;
  std::vector<Garbage> items;
  {
    std::lock_guard<std::mutex> lock(list.mutex);
    items.swap(list.items);
    list.is_empty.store(true, std::memory_order_release);
  }
  for (const auto& [object, release] : items) release(object);
}

}  // namespace doppio::python
