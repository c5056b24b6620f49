#include "src/io/home_database.h"

#include <utility>

#include "src/base/home_process.h"

namespace doppio {
namespace io {
namespace {

class HomeCursor final : public DatabaseCursor {
 public:
  HomeCursor(std::unique_ptr<DatabaseCursor> cursor, std::string path)
      : cursor_(cursor.release()), path_(std::move(path)) {}

  bool Valid() const override { return IsHere() && cursor_->Valid(); }
  absl::string_view Key() const override { return IsHere() ? cursor_->Key() : absl::string_view(); }
  absl::string_view Value() const override {
    return IsHere() ? cursor_->Value() : absl::string_view();
  }
  absl::Status SeekToFirst() override {
    return IsHere() ? cursor_->SeekToFirst() : NotAtHome(path_);
  }
  absl::Status Next() override { return IsHere() ? cursor_->Next() : NotAtHome(path_); }
  absl::Status Seek(absl::string_view key) override {
    return IsHere() ? cursor_->Seek(key) : NotAtHome(path_);
  }
  bool SupportsSeek() const override { return cursor_->SupportsSeek(); }

 private:
  bool IsHere() const { return cursor_.get_deleter().IsHere(); }

  const HomePtr<DatabaseCursor> cursor_;
  const std::string path_;
};

class HomeDatabase final : public Database {
 public:
  HomeDatabase(std::shared_ptr<Database> database, std::string path)
      : database_(new std::shared_ptr<Database>(std::move(database))), path_(std::move(path)) {}

  absl::StatusOr<std::unique_ptr<DatabaseCursor>> NewCursor() override {
    if (!IsHere()) return NotAtHome(path_);
    DOPPIO_ASSIGN_OR_RETURN(std::unique_ptr<DatabaseCursor> cursor, (*database_)->NewCursor());
    return std::make_unique<HomeCursor>(std::move(cursor), path_);
  }
  absl::Status Write(absl::Span<const DatabaseRecord> records) override {
    return IsHere() ? (*database_)->Write(records) : NotAtHome(path_);
  }
  absl::Status Close() override { return IsHere() ? (*database_)->Close() : NotAtHome(path_); }

 private:
  bool IsHere() const { return database_.get_deleter().IsHere(); }

  const HomePtr<std::shared_ptr<Database>> database_;
  const std::string path_;
};

}  // namespace

std::shared_ptr<Database> AtHome(std::shared_ptr<Database> database, const std::string& path) {
  return std::make_shared<HomeDatabase>(std::move(database), path);
}

absl::Status NotAtHome(absl::string_view path) {
  return absl::FailedPreconditionError(absl::StrCat(
      path, ": was opened by the process that this one was forked from; open it again here"));
}

}  // namespace io
}  // namespace doppio
