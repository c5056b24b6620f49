#ifndef DOPPIO_OPERATOR_REGISTRATION_TABLE_H_
#define DOPPIO_OPERATOR_REGISTRATION_TABLE_H_

#include <algorithm>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace doppio {

// Sentences about registrations that failed, of all registries together.
void ReportRegistrationProblem(std::string problem);

// A registry: values by key, each with the place in the sources that registered it. What is in it
// stays where it is, so that pointers to values remain good while other threads add more.
// HashAndEqual: what absl::flat_hash_map needs to look for keys that are views of others.
template <typename Key, typename Value, typename... HashAndEqual>
class RegistrationTable {
 public:
  // `what` stands in messages: `operator "Expand"`.
  bool Add(const Key& key, std::unique_ptr<Value> value, const char* file, int line,
           const std::string& what) {
    const std::unique_lock lock(mutex_);
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
    const std::unique_lock lock(mutex_);
    Row& row = rows_[key];
    if (row.value != nullptr) replaced_.push_back(std::move(row.value));
    row = {std::move(value), absl::StrCat(file, ":", line)};
  }

  // Name: a Key, or what is as good as one (a view of a string).
  template <typename Name>
  Value* Find(const Name& key) const {
    const std::shared_lock lock(mutex_);
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : found->second.value.get();
  }

  // Whether there is a key for which is_it(key).
  template <typename Predicate>
  bool HasKey(const Predicate& is_it) const {
    const std::shared_lock lock(mutex_);
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const auto& row) { return is_it(row.first); });
  }

  // In order.
  std::vector<Key> Keys() const {
    std::vector<Key> keys;
    {
      const std::shared_lock lock(mutex_);
      for (const auto& row : rows_) keys.push_back(row.first);
    }
    std::sort(keys.begin(), keys.end());
    return keys;
  }

 private:
  struct Row {
    std::unique_ptr<Value> value;
    std::string place;
  };

  mutable std::shared_mutex mutex_;
  absl::flat_hash_map<Key, Row, HashAndEqual...> rows_;
  std::vector<std::unique_ptr<Value>> replaced_;
};

}  // namespace doppio

#endif  // DOPPIO_OPERATOR_REGISTRATION_TABLE_H_
