#include "doppio/registry.h"

#include <algorithm>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "doppio/coverage.h"
#include "doppio/devices.h"
#include "glog/logging.h"
#include "src/operator/operator_list.h"
#include "src/operator/operator_maker.h"
#include "src/operator/registration_table.h"

namespace doppio {
namespace registry_internal {

using Key = std::tuple<std::string, DeviceType, std::string>;  // type, device, engine
using KeyView = std::tuple<absl::string_view, DeviceType, absl::string_view>;

struct KeyHash : absl::Hash<KeyView> {
  using is_transparent = void;
};
struct KeyEqual : std::equal_to<KeyView> {
  using is_transparent = void;
};

// How operators of one type, device and list of engines are made.
struct Recipe {
  const OpSchema* schema;
  // The factories to try, in order, with the engine's name.
  absl::InlinedVector<std::pair<std::string, OperatorFactory>, 2> candidates;
};

}  // namespace registry_internal

namespace {

using registry_internal::Key;
using registry_internal::KeyEqual;
using registry_internal::KeyHash;
using registry_internal::KeyView;
using registry_internal::Recipe;

RegistrationTable<Key, OperatorFactory, KeyHash, KeyEqual>& Operators() {
  static auto& table = *new RegistrationTable<Key, OperatorFactory, KeyHash, KeyEqual>;
  return table;
}

struct Problems {
  absl::Mutex mutex;
  std::vector<std::string> sentences ABSL_GUARDED_BY(mutex);
};

const char* operator_list = nullptr;  // SetOperatorList, before main

Problems& AllProblems() {
  static Problems& problems = *new Problems;
  return problems;
}

}  // namespace

bool SetOperatorList(const char* name) {
  operator_list = name;
  return true;
}

void ReportRegistrationProblem(std::string problem) {
  LOG(ERROR) << problem;
  Problems& problems = AllProblems();
  absl::MutexLock lock(&problems.mutex);
  problems.sentences.push_back(std::move(problem));
}

std::vector<std::string> RegistrationProblems() {
  std::vector<std::string> sentences;
  {
    Problems& problems = AllProblems();
    absl::MutexLock lock(&problems.mutex);
    sentences = problems.sentences;
  }
  for (const auto& [type, device, engine] : Operators().Keys()) {
    if (OpSchemaRegistry::Schema(type) == nullptr) {
      sentences.push_back(
          absl::StrCat("operator \"", type, "\" has no schema and can not be created"));
    }
  }
  return sentences;
}

bool OperatorRegistry::Register(const char* type, DeviceType device, const char* engine,
                                OperatorFactory factory, const char* file, int line) {
  std::string what = absl::StrCat("operator \"", type, "\" for ", DeviceName(device));
  if (engine[0] != '\0') absl::StrAppend(&what, " with engine ", engine);
  return Operators().Add(Key(type, device, engine), std::make_unique<OperatorFactory>(factory),
                         file, line, what);
}

std::vector<OperatorKey> OperatorRegistry::Keys() {
  std::vector<OperatorKey> keys;
  for (const auto& [type, device, engine] : Operators().Keys()) {
    if (OpSchemaRegistry::Schema(type) != nullptr) keys.push_back({type, device, engine});
  }
  return keys;
}

std::vector<std::string> OperatorRegistry::Types(DeviceType device) {
  std::vector<std::string> types;
  for (const OperatorKey& key : Keys()) {
    if (key.device == device && (types.empty() || types.back() != key.type))
      types.push_back(key.type);
  }
  return types;
}

bool OperatorRegistry::Has(absl::string_view type, DeviceType device) {
  if (Operators().Find(KeyView(type, device, "")) != nullptr) return true;
  return OpSchemaRegistry::Schema(type) != nullptr && Operators().HasKey([&](const Key& key) {
    return std::get<0>(key) == type && std::get<1>(key) == device;
  });
}

std::vector<std::string> OperatorRegistry::NearNames(absl::string_view type) {
  return NearestNames(type, Types(DeviceType::kCpu));
}

std::string OperatorRegistry::MissingMessage(absl::string_view type, DeviceType device) {
  const std::string missing =
      absl::StrCat("there is no operator \"", type, "\" for ", DeviceName(device));
  if (device != DeviceType::kCpu && Has(type)) {
    return absl::StrCat(missing, "; there is one for the CPU");
  }
  if (operator_list != nullptr) {
    return absl::StrCat(missing, DidYouMean(type, Types()),
                        "; this doppio was built with those of ", operator_list,
                        " alone: `doppio ops --of NET` of a whole one writes such a "
                        "list, and cmake -DDOPPIO_OPERATORS=",
                        operator_list, " builds it in");
  }
  const std::string known = WhatIsKnownOf(type);
  return known.empty() ? absl::StrCat(missing, DidYouMean(type, Types()))
                       : absl::StrCat(missing, "; ", known);
}

namespace {

DeviceType DeviceOf(const OperatorDef& def) {
  return static_cast<DeviceType>(def.device_option().device_type());
}

absl::StatusOr<Recipe> RecipeOf(const OperatorDef& def) {
  const DeviceType device = DeviceOf(def);
  Recipe recipe{OpSchemaRegistry::Schema(def.type()), {}};
  const auto add = [&](absl::string_view engine) {
    const OperatorFactory* factory = Operators().Find(KeyView(def.type(), device, engine));
    if (factory != nullptr) recipe.candidates.emplace_back(engine, *factory);
  };
  for (absl::string_view engine : absl::StrSplit(def.engine(), ',', absl::SkipWhitespace())) {
    add(absl::StripAsciiWhitespace(engine));
  }
  add("");
  if (recipe.candidates.empty()) {
    return absl::NotFoundError(absl::StrCat(OperatorRegistry::MissingMessage(def.type(), device),
                                            ". Operators of a library of yours are there after "
                                            "LoadOperatorLibrary(path) or --load path"));
  }
  if (recipe.schema == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("operator \"", def.type(), "\" has no schema (DOPPIO_OPERATOR_SCHEMA)"));
  }
  return recipe;
}

absl::StatusOr<std::unique_ptr<OperatorBase>> MakeBy(const Recipe& recipe,
                                                     const std::shared_ptr<const OperatorDef>& def,
                                                     BlobScope* scope) {
  absl::Status status;
  for (const auto& [engine, factory] : recipe.candidates) {
    OperatorInit init(def, recipe.schema, scope);
    std::unique_ptr<OperatorBase> op = factory(&init);
    if (init.status().ok()) {
      op->set_engine(engine);
      return op;
    }
    status = init.status();
    if (!absl::IsUnimplemented(status)) break;
  }
  return status;
}

}  // namespace

struct OperatorMaker::Recipes {
  absl::flat_hash_map<Key, Recipe, KeyHash, KeyEqual> by_key;
};

OperatorMaker::OperatorMaker(BlobScope* scope)
    : scope_(scope), recipes_(std::make_unique<Recipes>()) {}

OperatorMaker::~OperatorMaker() = default;

absl::StatusOr<std::unique_ptr<OperatorBase>> OperatorMaker::Make(
    std::shared_ptr<const OperatorDef> def) {
  auto& known = recipes_->by_key;
  auto found = known.find(KeyView(def->type(), DeviceOf(*def), def->engine()));
  if (found == known.end()) {
    DOPPIO_ASSIGN_OR_RETURN(Recipe recipe, RecipeOf(*def));
    found = known.emplace(Key(def->type(), DeviceOf(*def), def->engine()), std::move(recipe)).first;
  }
  return MakeBy(found->second, def, scope_);
}

absl::StatusOr<std::unique_ptr<OperatorBase>> CreateOperator(std::shared_ptr<const OperatorDef> def,
                                                             BlobScope* scope) {
  DOPPIO_ASSIGN_OR_RETURN(const Recipe recipe, RecipeOf(*def));
  DOPPIO_RETURN_IF_ERROR(recipe.schema->Verify(*def));
  return MakeBy(recipe, def, scope);
}

absl::StatusOr<std::unique_ptr<OperatorBase>> CreateOperator(const OperatorDef& def,
                                                             BlobScope* scope) {
  return CreateOperator(std::make_shared<const OperatorDef>(def), scope);
}

std::vector<std::string> NearestNames(absl::string_view name,
                                      const std::vector<std::string>& candidates, size_t most) {
  constexpr int kMaxDistance = 6;  // in halves of an edit
  const auto distance = [&](absl::string_view other) {
    std::vector<int> row(other.size() + 1);
    for (size_t j = 0; j <= other.size(); ++j) row[j] = 2 * static_cast<int>(j);
    for (size_t i = 1; i <= name.size(); ++i) {
      int diagonal = row[0];
      row[0] = 2 * static_cast<int>(i);
      for (size_t j = 1; j <= other.size(); ++j) {
        int substitution = 2;
        if (absl::ascii_tolower(name[i - 1]) == absl::ascii_tolower(other[j - 1])) substitution = 1;
        if (name[i - 1] == other[j - 1]) substitution = 0;
        const int best = std::min({diagonal + substitution, row[j] + 2, row[j - 1] + 2});
        diagonal = row[j];
        row[j] = best;
      }
    }
    return row[other.size()];
  };
  std::vector<std::pair<int, std::string>> ranked;
  for (const std::string& candidate : candidates) {
    const int difference = static_cast<int>(candidate.size()) - static_cast<int>(name.size());
    if (std::abs(difference) * 2 > kMaxDistance) continue;
    const int d = distance(candidate);
    // A name of which more than half must change is another name.
    if (d <= kMaxDistance && d <= static_cast<int>(name.size())) ranked.emplace_back(d, candidate);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> names;
  for (const auto& [d, candidate] : ranked) {
    if (names.size() < most) names.push_back(candidate);
  }
  return names;
}

std::string DidYouMean(absl::string_view name, const std::vector<std::string>& candidates) {
  const std::vector<std::string> near = NearestNames(name, candidates);
  return near.empty() ? "" : absl::StrCat("; did you mean ", absl::StrJoin(near, " or "), "?");
}

}  // namespace doppio
