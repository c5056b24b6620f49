#include "doppio/database.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "absl/strings/str_join.h"
#include "src/io/home_database.h"

namespace doppio {
namespace {

struct Table {
  absl::Mutex mutex;
  std::vector<std::unique_ptr<const DatabaseFormat>> formats ABSL_GUARDED_BY(mutex);
};

Table& TheTable() {
  static Table* const table = new Table;
  return *table;
}

bool HasName(const DatabaseFormat& format, absl::string_view name) {
  return std::find(format.names.begin(), format.names.end(), name) != format.names.end();
}

// Stays valid.
const DatabaseFormat* FindFormat(const std::function<bool(const DatabaseFormat&)>& is_it) {
  Table& table = TheTable();
  absl::MutexLock lock(&table.mutex);
  for (const auto& format : table.formats) {
    if (is_it(*format)) return format.get();
  }
  return nullptr;
}

}  // namespace

absl::Status RegisterDatabaseFormat(DatabaseFormat format) {
  Table& table = TheTable();
  absl::MutexLock lock(&table.mutex);
  for (const auto& known : table.formats) {
    for (const std::string& name : format.names) {
      if (HasName(*known, name)) {
        return absl::AlreadyExistsError(
            absl::StrCat("databases of type \"", name, "\" are registered already"));
      }
    }
  }
  table.formats.push_back(std::make_unique<const DatabaseFormat>(std::move(format)));
  return absl::OkStatus();
}

std::vector<std::string> DatabaseTypes() {
  std::vector<std::string> names;
  FindFormat([&](const DatabaseFormat& format) {
    names.insert(names.end(), format.names.begin(), format.names.end());
    return false;
  });
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::shared_ptr<Database>> OpenDatabase(absl::string_view type,
                                                       const std::string& path, DatabaseMode mode,
                                                       const Limits& limits) {
  const DatabaseFormat* format =
      FindFormat([&](const DatabaseFormat& known) { return HasName(known, type); });
  if (format == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(path, ": there are no databases of type \"", type,
                     "\"; there are: ", absl::StrJoin(DatabaseTypes(), ", ")));
  }
  if (path.empty()) return absl::InvalidArgumentError("a database needs a path");
  DOPPIO_ASSIGN_OR_RETURN(std::shared_ptr<Database> database, format->open(path, mode, limits));
  return io::AtHome(std::move(database), path);
}

absl::StatusOr<std::string> DetectDatabaseType(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(path, ": cannot open"));
  }
  const DatabaseFormat* format = FindFormat([&](const DatabaseFormat& known) {
    return known.recognises != nullptr && known.recognises(path);
  });
  if (format != nullptr) return format->names.front();
  return absl::InvalidArgumentError(absl::StrCat(path, ": no database of a type that is known (",
                                                 absl::StrJoin(DatabaseTypes(), ", "), ")"));
}

}  // namespace doppio
