#include "doppio/database.h"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "python/core/bindings.h"
#include "python/core/interrupt.h"

namespace doppio::python {
namespace {

namespace py = pybind11;

py::bytes Bytes(absl::string_view text) { return {text.data(), text.size()}; }

// Threads of Python may share one, but a cursor is for one at a time. Nobody waits for the
// interpreter's lock while he has this one.
class PyCursor {
 public:
  explicit PyCursor(std::unique_ptr<DatabaseCursor> cursor) : cursor_(std::move(cursor)) {}

  bool SupportsSeek() const { return cursor_->SupportsSeek(); }
  bool Valid() {
    absl::MutexLock lock(&mutex_);
    return cursor_->Valid();
  }
  py::bytes Key() { return Field(&DatabaseCursor::Key); }
  py::bytes Value() { return Field(&DatabaseCursor::Value); }

  void SeekToFirst() {
    Move([](DatabaseCursor* cursor) { return cursor->SeekToFirst(); });
  }
  void Seek(const std::string& key) {
    Move([&](DatabaseCursor* cursor) { return cursor->Seek(key); });
  }
  void Next() {
    Move([](DatabaseCursor* cursor) { return cursor->Next(); });
  }

 private:
  py::bytes Field(absl::string_view (DatabaseCursor::*field)() const) {
    absl::MutexLock lock(&mutex_);
    if (!cursor_->Valid()) {
      Raise(absl::FailedPreconditionError("the cursor is behind the last record"));
    }
    return Bytes((cursor_.get()->*field)());
  }
  template <typename Go>
  void Move(const Go& go) {
    Check(RunUnlocked([&] {
      absl::MutexLock lock(&mutex_);
      return go(cursor_.get());
    }));
  }

  absl::Mutex mutex_;
  std::unique_ptr<DatabaseCursor> cursor_;
};

std::shared_ptr<Database> Open(const std::string& type, const std::string& path, int mode) {
  return ValueOrRaise(
      RunUnlocked([&] { return OpenDatabase(type, path, static_cast<DatabaseMode>(mode)); }));
}

void Write(Database* database, std::vector<std::pair<std::string, std::string>> pairs) {
  std::vector<DatabaseRecord> records;
  for (auto& [key, value] : pairs) records.push_back({std::move(key), std::move(value)});
  Check(RunUnlocked([&] { return database->Write(records); }));
}

}  // namespace

void BindDatabases(py::module_& core) {
  py::class_<PyCursor>(core, "DatabaseCursor")
      .def("supports_seek", &PyCursor::SupportsSeek)
      .def("seek_to_first", &PyCursor::SeekToFirst)
      .def("seek", &PyCursor::Seek)
      .def("next", &PyCursor::Next)
      .def("valid", &PyCursor::Valid)
      .def("key", &PyCursor::Key)
      .def("value", &PyCursor::Value);
  py::class_<Database, std::shared_ptr<Database>>(core, "Database")
      .def("new_cursor",
           [](Database* database) {
             return std::make_unique<PyCursor>(
                 ValueOrRaise(RunUnlocked([&] { return database->NewCursor(); })));
           })
      .def("write", &Write)
      .def("close",
           [](Database* database) { Check(RunUnlocked([&] { return database->Close(); })); });
  core.def("open_database", &Open);
  core.def("database_types", &DatabaseTypes);
}

}  // namespace doppio::python
