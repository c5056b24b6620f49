#include <limits>
#include <string>
#include <unordered_map>
#include <variant>

#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "src/operator/lengths_input.h"
#include "src/operator/shared_state.h"

namespace doppio {
namespace {

using KeyTypes = TypeList<int32_t, int64_t, std::string>;

// Numbers keys from 1 in the order in which they come; 0 stands for those that it does not know.
class Index {
 public:
  // Forgets everything, and takes keys of that type from now on.
  template <typename Key>
  void Create(int64_t max_elements) {
    const absl::MutexLock lock(&mutex_);
    ids_ = Ids<Key>();
    max_elements_ = max_elements;
    is_frozen_ = false;
  }

  void Freeze() {
    const absl::MutexLock lock(&mutex_);
    is_frozen_ = true;
  }
  bool is_frozen() const {
    const absl::ReaderMutexLock lock(&mutex_);
    return is_frozen_;
  }
  int64_t max_elements() const {
    const absl::ReaderMutexLock lock(&mutex_);
    return max_elements_;
  }
  // Of the keys and the 0.
  int64_t size() const {
    const absl::ReaderMutexLock lock(&mutex_);
    return std::visit([](const auto& ids) { return static_cast<int64_t>(ids.size()) + 1; }, ids_);
  }

  // The numbers of `keys`, which are given one where they have none, unless the index is frozen.
  absl::Status Get(const Tensor& keys, Tensor* numbers) {
    return WithKeys(keys, [&](auto tag) {
      using Key = typename decltype(tag)::type;
      {
        const absl::ReaderMutexLock lock(&mutex_);
        if (is_frozen_) return GetFrozen<Key>(keys.span<Key>(), numbers);
      }
      const absl::MutexLock lock(&mutex_);
      // Another thread may have frozen it meanwhile.
      return is_frozen_ ? GetFrozen<Key>(keys.span<Key>(), numbers)
                        : GetOrAdd<Key>(keys.span<Key>(), numbers);
    });
  }

  // Forgets what was there and numbers `keys` but for the first `skipped`.
  absl::Status Load(const Tensor& keys, int64_t skipped) {
    return WithKeys(keys, [&](auto tag) {
      using Key = typename decltype(tag)::type;
      return LoadKeys<Key>(keys.span<Key>().subspan(static_cast<size_t>(skipped)));
    });
  }

  // Becomes `other`, which nobody else has.
  void Take(Index&& other) {
    const absl::MutexLock lock(&mutex_);
    ids_ = std::move(other.ids_);
    max_elements_ = other.max_elements_;
    is_frozen_ = other.is_frozen_;
  }

  // The keys in the order of their numbers.
  absl::Status Store(Tensor* keys) const {
    const absl::ReaderMutexLock lock(&mutex_);
    return std::visit([&](const auto& ids) { return StoreKeys(ids, keys); }, ids_);
  }

 private:
  template <typename Key>
  using Ids = std::unordered_map<Key, int64_t>;

  // f(TypeTag<Key>()) for the type of `keys`.
  template <typename F>
  absl::Status WithKeys(const Tensor& keys, F f) {
    return DispatchType(KeyTypes(), keys.dtype(), f);
  }

  template <typename Key>
  absl::StatusOr<Ids<Key>*> Find() {
    if (Ids<Key>* ids = std::get_if<Ids<Key>>(&ids_)) return ids;
    constexpr const char* kNames[] = {"int32", "int64", "string"};
    return absl::InvalidArgumentError(
        absl::StrCat("keys are of ", DataTypeName(DataTypeOf<Key>::value),
                     ", but the index is one of ", kNames[ids_.index()]));
  }

  template <typename Key>
  absl::Status GetFrozen(absl::Span<const Key> keys, Tensor* numbers) {
    DOPPIO_ASSIGN_OR_RETURN(const Ids<Key>* ids, Find<Key>());
    int64_t* number = numbers->mutable_data<int64_t>();
    for (const Key& key : keys) {
      const auto found = ids->find(key);
      *number++ = found == ids->end() ? 0 : found->second;
    }
    return absl::OkStatus();
  }

  template <typename Key>
  absl::Status GetOrAdd(absl::Span<const Key> keys, Tensor* numbers) {
    DOPPIO_ASSIGN_OR_RETURN(Ids<Key> * ids, Find<Key>());
    int64_t* number = numbers->mutable_data<int64_t>();
    for (const Key& key : keys) {
      const int64_t next = static_cast<int64_t>(ids->size()) + 1;
      const auto found = ids->find(key);
      if (found != ids->end()) {
        *number++ = found->second;
      } else if (next < max_elements_) {
        ids->emplace(key, next);
        *number++ = next;
      } else {
        return absl::ResourceExhaustedError(
            absl::StrCat("the index has ", next,
                         " elements, as many as max_elements allows, and not the key ", key));
      }
    }
    return absl::OkStatus();
  }

  template <typename Key>
  absl::Status LoadKeys(absl::Span<const Key> keys) {
    Ids<Key> ids;
    int64_t next = 1;
    for (const Key& key : keys) {
      if (!ids.emplace(key, next++).second) {
        return absl::InvalidArgumentError(absl::StrCat("the key ", key, " comes twice"));
      }
    }
    const absl::MutexLock lock(&mutex_);
    DOPPIO_ASSIGN_OR_RETURN(Ids<Key> * mine, Find<Key>());
    if (next > max_elements_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("there are ", keys.size(),
                       " keys, with the element 0 more than max_elements, ", max_elements_));
    }
    mine->swap(ids);
    return absl::OkStatus();
  }

  template <typename Key>
  static absl::Status StoreKeys(const Ids<Key>& ids, Tensor* keys) {
    DOPPIO_RETURN_IF_ERROR(
        keys->Resize(DataTypeOf<Key>::value, {static_cast<int64_t>(ids.size())}));
    Key* out = keys->mutable_data<Key>();
    for (const auto& entry : ids) out[entry.second - 1] = entry.first;
    return absl::OkStatus();
  }

  mutable absl::Mutex mutex_;
  std::variant<Ids<int32_t>, Ids<int64_t>, Ids<std::string>> ids_;
  int64_t max_elements_ = std::numeric_limits<int64_t>::max();
  bool is_frozen_ = false;
};

DOPPIO_REGISTER_BLOB_TYPE(Index);

// --- Files: the keys as a tensor; content: "max_elements is_frozen". ---

constexpr char kTypeInFiles[] = "std::unique_ptr<caffe2::IndexBase>";

absl::Status Serialize(const Blob& blob, absl::string_view name, const SerializeOptions&,
                       const BlobSink& sink) {
  const Index& index = *blob.Get<Index>();
  Tensor keys;
  DOPPIO_RETURN_IF_ERROR(index.Store(&keys));
  BlobProto proto;
  DOPPIO_ASSIGN_OR_RETURN(*proto.mutable_tensor(), TensorToProto(keys, name));
  proto.set_name(std::string(name));
  proto.set_type(kTypeInFiles);
  proto.set_content(absl::StrCat(index.max_elements(), " ", index.is_frozen() ? 1 : 0));
  return sink(std::string(name), std::move(proto));
}

absl::Status Deserialize(absl::Span<const BlobProto> chunks, const Limits& limits, Blob* blob) {
  const std::vector<absl::string_view> words = absl::StrSplit(chunks[0].content(), ' ');
  int64_t max_elements = 0;
  if (chunks.size() != 1 || words.size() != 2 || !absl::SimpleAtoi(words[0], &max_elements) ||
      (words[1] != "0" && words[1] != "1")) {
    return absl::InvalidArgumentError(
        absl::StrCat("the content of an index must be a number of elements, and 1 where it is "
                     "frozen, but is \"",
                     chunks[0].content(), "\""));
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor keys, TensorFromProto(chunks[0].tensor(), limits));
  return DispatchType(KeyTypes(), keys.dtype(), [&](auto tag) -> absl::Status {
    Index loaded;
    loaded.Create<typename decltype(tag)::type>(max_elements);
    DOPPIO_RETURN_IF_ERROR(loaded.Load(keys, 0));
    if (words[1] == "1") loaded.Freeze();
    blob->GetMutable<Index>()->Take(std::move(loaded));
    return absl::OkStatus();
  });
}

[[maybe_unused]] const absl::Status kRegistered =
    RegisterBlobSerializer(typeid(Index), {kTypeInFiles, Serialize, Deserialize});

// --- Operators. ---

constexpr char kMaxElements[] = "max_elements";
constexpr char kIndexInput[] = "an index, which is no tensor";

template <typename Key>
void StateCreate(OpSchema& schema) {
  const absl::string_view type = DataTypeName(DataTypeOf<Key>::value);
  schema.NumInputs(0)
      .NumOutputs(1)
      .Doc(absl::StrCat("Makes an empty index, which numbers keys of ", type, R"DOC( from 1 in the
order in which IndexGet sees them. 0 is for keys that it does not know. An index that is there already
forgets its keys.

Example: IndexSize then gives 1, for the element 0.
)DOC"))
      .Arg<int>(kMaxElements, "how many elements there may be, the element 0 included; at least 1",
                std::numeric_limits<int>::max())
      .Output(0, "handle", "the index, a blob that is no tensor")
      .HasSideEffects();
}

DOPPIO_OPERATOR_SCHEMA(IntIndexCreate).FillUsing(StateCreate<int32_t>);
DOPPIO_OPERATOR_SCHEMA(LongIndexCreate).FillUsing(StateCreate<int64_t>);
DOPPIO_OPERATOR_SCHEMA(StringIndexCreate).FillUsing(StateCreate<std::string>);

DOPPIO_OPERATOR_SCHEMA(IndexGet)
    .NumInputs(2)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The numbers of keys. One that the index does not know is given the next number, and where there may be no
more elements that is an error; the keys before it stay. A frozen index gives 0 for it. Several threads
may ask at the same time.

Example: a new index of int64 gives [1,2,1] for [7,5,7]; frozen, it then gives [2,0] for [5,6].
)DOC")
    .Input(0, "handle", kIndexInput)
    .Input(1, "keys", "tensor of the type of the index, int32, int64 or string")
    .Output(0, "indices", "tensor of int64 with the shape of keys")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kInt64, context->dims(1));
      return absl::OkStatus();
    })
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(IndexLoad)
    .NumInputs(2)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .AllowAnyInput(0)
    .Doc(R"DOC(
Makes the items the keys of the index, numbered from 1, in place of those that it had. An item that comes
twice is an error, as are more than there may be elements; the index then stays as it is.

Example: items [7,5] make IndexGet give [2] for [5].
)DOC")
    .Arg<bool>("skip_first_entry", "leave out the first item, which stands for the element 0",
               false)
    .Input(0, "handle", kIndexInput)
    .Input(1, "items", "vector of the type of the index")
    .Output(0, "handle", "the index")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(IndexStore)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The keys of an index in the order of their numbers, from number 1.

Example: after IndexGet of [7,5,7] it gives [7,5].
)DOC")
    .Input(0, "handle", kIndexInput)
    .Output(0, "items", "vector of the type of the index")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(IndexFreeze)
    .NumInputs(1)
    .NumOutputs(1)
    .EnforceInplace({{0, 0}})
    .AllowAnyInput(0)
    .Doc(R"DOC(
Makes IndexGet give 0 for keys that the index does not know, instead of a new number.

Example: a new index that is frozen gives [0] for any key.
)DOC")
    .Input(0, "handle", kIndexInput)
    .Output(0, "handle", "the index")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(IndexSize)
    .NumInputs(1)
    .NumOutputs(1)
    .AllowAnyInput(0)
    .Doc(R"DOC(
How many elements an index has: its keys, and the element 0.

Example: an index with 2 keys gives 3.
)DOC")
    .Input(0, "handle", kIndexInput)
    .Output(0, "items", "scalar of int64")
    .ScalarType(DataType::kInt64)
    .HasSideEffects();

absl::StatusOr<Index*> IndexInput(const OperatorBase& op) {
  return SharedState<Index>(op, 0, "an index that IntIndexCreate or its kin made");
}

template <class Context, typename Key>
class IndexCreateOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IndexCreateOp(OperatorInit* init)
      : Operator<Context>(init), max_elements_(init->GetSingleArgument<int>(kMaxElements)) {
    if (max_elements_ >= 1) return;
    init->Fail(absl::InvalidArgumentError(
        absl::StrCat("max_elements must be at least 1, but is ", max_elements_)));
  }

  absl::Status RunOnDevice() override {
    OutputBlob(0)->template GetMutable<Index>()->template Create<Key>(max_elements_);
    return absl::OkStatus();
  }

 private:
  const int64_t max_elements_;
};

template <class Context>
class IndexGetOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IndexGetOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Index * index, IndexInput(*this));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt64, Input(1).dims()));
    return index->Get(Input(1), output);
  }
};

template <class Context>
class IndexLoadOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IndexLoadOp(OperatorInit* init)
      : Operator<Context>(init), skips_first_(init->GetSingleArgument<bool>("skip_first_entry")) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Index * index, IndexInput(*this));
    const Tensor& items = Input(1);
    DOPPIO_RETURN_IF_ERROR(CheckIsVector(items.dims(), "items"));
    if (skips_first_ && items.numel() == 0) {
      return absl::InvalidArgumentError("there are no items, and so no first one to be left out");
    }
    return index->Load(items, skips_first_ ? 1 : 0);
  }

 private:
  const bool skips_first_;
};

template <class Context>
class IndexStoreOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IndexStoreOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Index * index, IndexInput(*this));
    return index->Store(OutputBlob(0)->template GetMutable<Tensor>());
  }
};

template <class Context>
class IndexFreezeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IndexFreezeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Index * index, IndexInput(*this));
    index->Freeze();
    return absl::OkStatus();
  }
};

template <class Context>
class IndexSizeOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit IndexSizeOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(Index * index, IndexInput(*this));
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(0, DataType::kInt64, {}));
    *output->template mutable_data<int64_t>() = index->size();
    return absl::OkStatus();
  }
};

using IntIndexCreateOp = IndexCreateOp<CPUContext, int32_t>;
using LongIndexCreateOp = IndexCreateOp<CPUContext, int64_t>;
using StringIndexCreateOp = IndexCreateOp<CPUContext, std::string>;

DOPPIO_REGISTER_CPU_OPERATOR(IntIndexCreate, IntIndexCreateOp);
DOPPIO_REGISTER_CPU_OPERATOR(LongIndexCreate, LongIndexCreateOp);
DOPPIO_REGISTER_CPU_OPERATOR(StringIndexCreate, StringIndexCreateOp);
DOPPIO_REGISTER_CPU_OPERATOR(IndexGet, IndexGetOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(IndexLoad, IndexLoadOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(IndexStore, IndexStoreOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(IndexFreeze, IndexFreezeOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(IndexSize, IndexSizeOp<CPUContext>);
DOPPIO_NO_GRADIENT(IntIndexCreate);
DOPPIO_NO_GRADIENT(LongIndexCreate);
DOPPIO_NO_GRADIENT(StringIndexCreate);
DOPPIO_NO_GRADIENT(IndexGet);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IndexLoad);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IndexStore);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IndexFreeze);
DOPPIO_SHOULD_NOT_DO_GRADIENT(IndexSize);

}  // namespace
}  // namespace doppio
