#ifndef DOPPIO_OPERATOR_REGISTRATION_TABLE_H_
#define DOPPIO_OPERATOR_REGISTRATION_TABLE_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace doppio {

// Sentences about registrations that failed, of all registries together.
void ReportRegistrationProblem(std::string problem);

// A registry: values by key, each with the place in the sources that registered it. What is in it
// stays where it is, so that pointers to values remain good while other threads add more.
template <typename Key, typename Value>
class RegistrationTable {
 public:
  // `what` stands in messages: `operator "Expand"`.
  bool Add(const Key& key, std::unique_ptr<Value> value, const char* file, int line,
           const std::string& what) {
    absl::MutexLock lock(&mutex_);
    const std::string place = absl::StrCat(file, ":", line);
    auto [found, is_new] = rows_.try_emplace(key);
    if (!is_new) {
      ReportRegistrationProblem(absl::StrCat(what, " is registered twice: at ", found->second.place,
                                             " and at ", place, "; the first one counts"));
      return false;
    }
    found->second = {std::move(value), place};
    return true;
  }

  // Puts `value` where another one of that key stands, if one does. Pointers to the other one
  // remain good: it is kept.
  void Replace(const Key& key, std::unique_ptr<Value> value, absl::string_view file, int line) {
    absl::MutexLock lock(&mutex_);
    Row& row = rows_[key];
    if (row.value != nullptr) replaced_.push_back(std::move(row.value));
    row = {std::move(value), absl::StrCat(file, ":", line)};
  }

  Value* Find(const Key& key) const {
    absl::ReaderMutexLock lock(&mutex_);
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : found->second.value.get();
  }

  std::vector<Key> Keys() const {
    absl::ReaderMutexLock lock(&mutex_);
    std::vector<Key> keys;
    for (const auto& row : rows_) keys.push_back(row.first);
    return keys;
  }

 private:
  struct Row {
    std::unique_ptr<Value> value;
    std::string place;
  };

  mutable absl::Mutex mutex_;
  std::map<Key, Row> rows_;
  std::vector<std::unique_ptr<Value>> replaced_;
};

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_REGISTRATION_TABLE_H_
