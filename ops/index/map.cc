#include <algorithm>

#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "src/operator/movable_blob.h"
#include "src/operator/number_map.h"

namespace doppio {
namespace {

using MapInt32ToInt32 = NumberMap<int32_t, int32_t>;
using MapInt32ToInt64 = NumberMap<int32_t, int64_t>;
using MapInt64ToInt32 = NumberMap<int64_t, int32_t>;
using MapInt64ToInt64 = NumberMap<int64_t, int64_t>;

DOPPIO_REGISTER_BLOB_TYPE(MapInt32ToInt32);
DOPPIO_REGISTER_MOVABLE_BLOB(MapInt32ToInt32);
DOPPIO_REGISTER_BLOB_TYPE(MapInt32ToInt64);
DOPPIO_REGISTER_MOVABLE_BLOB(MapInt32ToInt64);
DOPPIO_REGISTER_BLOB_TYPE(MapInt64ToInt32);
DOPPIO_REGISTER_MOVABLE_BLOB(MapInt64ToInt32);
DOPPIO_REGISTER_BLOB_TYPE(MapInt64ToInt64);
DOPPIO_REGISTER_MOVABLE_BLOB(MapInt64ToInt64);

using NumberTypes = TypeList<int32_t, int64_t>;

// Calls f(TypeTag<Key>(), TypeTag<Value>()).
template <typename F>
absl::Status DispatchMap(DataType key, DataType value, F f) {
  return DispatchType(NumberTypes(), key, [&](auto key_tag) {
    return DispatchType(NumberTypes(), value,
                        [&](auto value_tag) { return f(key_tag, value_tag); });
  });
}

template <typename Map>
absl::Status MapToTensors(const Map& map, Tensor* keys, Tensor* values) {
  using Key = typename Map::key_type;
  using Value = typename Map::mapped_type;
  const int64_t size = static_cast<int64_t>(map.size());
  DOPPIO_RETURN_IF_ERROR(keys->Resize(DataTypeOf<Key>::value, {size}));
  DOPPIO_RETURN_IF_ERROR(values->Resize(DataTypeOf<Value>::value, {size}));
  Key* key = keys->mutable_data<Key>();
  Value* value = values->mutable_data<Value>();
  for (const auto& entry : map) {
    *key++ = entry.first;
    *value++ = entry.second;
  }
  return absl::OkStatus();
}

absl::Status CheckPairs(const Tensor& keys, const Tensor& values) {
  if (keys.numel() == values.numel()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("there must be a value for each key, but keys are ", keys.TypeAndShape(),
                   " and values ", values.TypeAndShape()));
}

// The first value of a key stays.
template <typename Map>
void AddPairs(const Tensor& keys, const Tensor& values, Map* map) {
  const auto* value = values.data<typename Map::mapped_type>();
  for (const auto key : keys.span<typename Map::key_type>()) map->emplace(key, *value++);
}

// --- Files: two tensors in the content, under Caffe2's name of the type. ---

template <typename Map>
absl::Status Serialize(const Blob& blob, const std::string& type, absl::string_view name,
                       const BlobSink& sink) {
  Tensor keys;
  Tensor values;
  DOPPIO_RETURN_IF_ERROR(MapToTensors(*blob.Get<Map>(), &keys, &values));
  TensorProtos both;
  DOPPIO_ASSIGN_OR_RETURN(*both.add_protos(), TensorToProto(keys, name));
  DOPPIO_ASSIGN_OR_RETURN(*both.add_protos(), TensorToProto(values, name));
  BlobProto proto;
  proto.set_name(std::string(name));
  proto.set_type(type);
  proto.set_content(both.SerializeAsString());
  return sink(std::string(name), std::move(proto));
}

template <typename Map>
absl::Status Deserialize(absl::Span<const BlobProto> chunks, const Limits& limits, Blob* blob) {
  TensorProtos both;
  if (chunks.size() != 1 || !both.ParseFromString(chunks[0].content()) || both.protos_size() != 2) {
    return absl::InvalidArgumentError("a map must be one message with two tensors");
  }
  DOPPIO_ASSIGN_OR_RETURN(const Tensor keys, TensorFromProto(both.protos(0), limits));
  DOPPIO_ASSIGN_OR_RETURN(const Tensor values, TensorFromProto(both.protos(1), limits));
  if (!keys.Is<typename Map::key_type>() || !values.Is<typename Map::mapped_type>()) {
    return absl::InvalidArgumentError(absl::StrCat("a map has keys ", keys.TypeAndShape(),
                                                   " and values ", values.TypeAndShape(),
                                                   ", which are of other types than it says"));
  }
  DOPPIO_RETURN_IF_ERROR(CheckPairs(keys, values));
  Map map;
  AddPairs(keys, values, &map);
  *blob->GetMutable<Map>() = std::move(map);
  return absl::OkStatus();
}

template <typename Map>
absl::Status RegisterSerializer() {
  const auto name = [](DataType type) { return absl::StrCat(DataTypeName(type), "_t"); };
  const std::string type =
      absl::StrCat("(std::unordered_map<", name(DataTypeOf<typename Map::key_type>::value), ", ",
                   name(DataTypeOf<typename Map::mapped_type>::value), ">)");
  return RegisterBlobSerializer(
      typeid(Map),
      {type,
       [type](const Blob& blob, absl::string_view blob_name, const SerializeOptions&,
              const BlobSink& sink) { return Serialize<Map>(blob, type, blob_name, sink); },
       Deserialize<Map>});
}

[[maybe_unused]] const absl::Status kRegistered[] = {
    RegisterSerializer<MapInt32ToInt32>(), RegisterSerializer<MapInt32ToInt64>(),
    RegisterSerializer<MapInt64ToInt32>(), RegisterSerializer<MapInt64ToInt64>()};

// --- Operators. ---

constexpr char kKeyType[] = "key_dtype";
constexpr char kValueType[] = "value_dtype";

DOPPIO_OPERATOR_SCHEMA(CreateMap)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Makes an empty map from numbers to numbers, a blob that is no tensor. A map that is there already loses
what is in it.

Example: MapToKeyValue then gives two empty vectors.
)DOC")
    .AnyArg(kKeyType, "type of the keys, int32 or int64, by number or name; default: int32")
    .AnyArg(kValueType, "type of the values, int32 or int64, by number or name; default: int32")
    .Output(0, "map", "the map")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(KeyValueToMap)
    .NumInputs(2)
    .NumOutputs(1)
    .Doc(R"DOC(
Puts keys with their values into a map. The first value of a key stays, also where it is there from
before: a map of these types that the output holds is not emptied (CreateMap does that).

Example: [3,1,3] and [10,20,30] give the map with 1: 20 and 3: 10.
)DOC")
    .Input(0, "keys", "tensor of int32 or int64")
    .Input(1, "values", "tensor of int32 or int64 with as many elements")
    .Output(0, "map", "the map, which is no tensor")
    .HasSideEffects();

DOPPIO_OPERATOR_SCHEMA(MapToKeyValue)
    .NumInputs(1)
    .NumOutputs(2)
    .AllowAnyInput(0)
    .Doc(R"DOC(
The keys of a map, in order from the smallest, and their values.

Example: the map with 3: 10 and 1: 20 gives [1,3] and [20,10].
)DOC")
    .Input(0, "map", "a map, made by CreateMap or KeyValueToMap")
    .Output(0, "keys", "vector of the type of the keys")
    .Output(1, "values", "vector of the type of the values")
    .HasSideEffects();

template <class Context>
class CreateMapOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateMapOp(OperatorInit* init)
      : Operator<Context>(init),
        key_(init->GetDataTypeArgument(kKeyType, DataType::kInt32)),
        value_(init->GetDataTypeArgument(kValueType, DataType::kInt32)) {
    init->Fail(DispatchMap(key_, value_, [](auto, auto) { return absl::OkStatus(); }));
  }

  absl::Status RunOnDevice() override {
    return DispatchMap(key_, value_, [this](auto key, auto value) {
      OutputBlob(0)
          ->template GetMutable<
              NumberMap<typename decltype(key)::type, typename decltype(value)::type>>()
          ->clear();
      return absl::OkStatus();
    });
  }

 private:
  const DataType key_;
  const DataType value_;
};

template <class Context>
class KeyValueToMapOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit KeyValueToMapOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(CheckPairs(Input(0), Input(1)));
    return DispatchMap(Input(0).dtype(), Input(1).dtype(), [this](auto key, auto value) {
      using Map = NumberMap<typename decltype(key)::type, typename decltype(value)::type>;
      AddPairs(Input(0), Input(1), OutputBlob(0)->template GetMutable<Map>());
      return absl::OkStatus();
    });
  }
};

template <class Context>
class MapToKeyValueOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit MapToKeyValueOp(OperatorInit* init) : Operator<Context>(init) {}

  absl::Status RunOnDevice() override {
    const Blob& blob = InputBlob(0);
    if (const auto* map = blob.template Get<MapInt32ToInt32>()) return Write(*map);
    if (const auto* map = blob.template Get<MapInt32ToInt64>()) return Write(*map);
    if (const auto* map = blob.template Get<MapInt64ToInt32>()) return Write(*map);
    if (const auto* map = blob.template Get<MapInt64ToInt64>()) return Write(*map);
    return absl::InvalidArgumentError(absl::StrCat(
        "map \"", this->def().input(0),
        "\" must be a map that CreateMap or KeyValueToMap made, but holds ", blob.TypeName()));
  }

 private:
  template <typename Map>
  absl::Status Write(const Map& map) {
    return MapToTensors(map, OutputBlob(0)->template GetMutable<Tensor>(),
                        OutputBlob(1)->template GetMutable<Tensor>());
  }
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateMap, CreateMapOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(KeyValueToMap, KeyValueToMapOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(MapToKeyValue, MapToKeyValueOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(CreateMap);
DOPPIO_SHOULD_NOT_DO_GRADIENT(KeyValueToMap);
DOPPIO_SHOULD_NOT_DO_GRADIENT(MapToKeyValue);

}  // namespace
}  // namespace doppio
