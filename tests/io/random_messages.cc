#include "tests/io/random_messages.h"

#include <cstring>
#include <limits>
#include <string>

#include "doppio/net.pb.h"

namespace doppio {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void AddTypes(const Descriptor* type, std::vector<const Descriptor*>* types) {
  types->push_back(type);
  for (int i = 0; i < type->nested_type_count(); ++i) AddTypes(type->nested_type(i), types);
}

uint64_t RandomBits(std::mt19937* random) {
  return static_cast<uint64_t>((*random)()) << 32 | (*random)();
}

// Of all sizes, the smallest and the largest among them.
template <typename T>
T RandomInteger(std::mt19937* random) {
  switch ((*random)() % 8) {
    case 0:
      return std::numeric_limits<T>::min();
    case 1:
      return std::numeric_limits<T>::max();
    default:
      return static_cast<T>(RandomBits(random) >> ((*random)() % 64));
  }
}

// Of all bits, but for NaN, of which only one survives text.
template <typename T, typename Bits>
T RandomNumber(std::mt19937* random) {
  if ((*random)() % 2 == 0) return static_cast<T>(static_cast<int32_t>((*random)()) % 1000) / 100;
  const Bits bits = static_cast<Bits>(RandomBits(random));
  T number;
  std::memcpy(&number, &bits, sizeof number);
  return number == number ? number : std::numeric_limits<T>::quiet_NaN();
}

std::string RandomString(std::mt19937* random) {
  std::string text((*random)() % 12, '\0');
  for (char& c : text) c = static_cast<char>((*random)() % 3 == 0 ? (*random)() : 'a');
  return text;
}

void AddRandomValue(const FieldDescriptor* field, int depth, std::mt19937* random,
                    Message* message) {
  const Reflection& to = *message->GetReflection();
  const bool many = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto value = RandomInteger<int32_t>(random);
      return many ? to.AddInt32(message, field, value) : to.SetInt32(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto value = RandomInteger<uint32_t>(random);
      return many ? to.AddUInt32(message, field, value) : to.SetUInt32(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      const auto value = RandomInteger<int64_t>(random);
      return many ? to.AddInt64(message, field, value) : to.SetInt64(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_FLOAT: {
      const auto value = RandomNumber<float, uint32_t>(random);
      return many ? to.AddFloat(message, field, value) : to.SetFloat(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const auto value = RandomNumber<double, uint64_t>(random);
      return many ? to.AddDouble(message, field, value) : to.SetDouble(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool value = (*random)() % 2 == 0;
      return many ? to.AddBool(message, field, value) : to.SetBool(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto count = static_cast<uint32_t>(field->enum_type()->value_count());
      const auto* value = field->enum_type()->value(static_cast<int>((*random)() % count));
      return many ? to.AddEnum(message, field, value) : to.SetEnum(message, field, value);
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = RandomString(random);
      return many ? to.AddString(message, field, value) : to.SetString(message, field, value);
    }
    default: {
      Message* inner = many ? to.AddMessage(message, field) : to.MutableMessage(message, field);
      inner->CopyFrom(*RandomMessage(field->message_type(), depth - 1, random));
    }
  }
}

}  // namespace

std::vector<const Descriptor*> NetProtoTypes() {
  std::vector<const Descriptor*> types;
  const auto* file = NetDef::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) AddTypes(file->message_type(i), &types);
  return types;
}

std::unique_ptr<Message> RandomMessage(const Descriptor* type, int depth, std::mt19937* random) {
  std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE && depth <= 1) continue;
    if ((*random)() % 2 == 0) continue;
    for (uint32_t count = field->is_repeated() ? (*random)() % 4 : 1; count > 0; --count) {
      AddRandomValue(field, depth, random, message.get());
    }
  }
  return message;
}

}  // namespace doppio
