#ifndef DOPPIO_TESTS_IO_RANDOM_MESSAGES_H_
#define DOPPIO_TESTS_IO_RANDOM_MESSAGES_H_

#include <google/protobuf/message.h>

#include <memory>
#include <random>
#include <vector>

namespace doppio {

// The types of net.proto, with those inside others.
std::vector<const google::protobuf::Descriptor*> NetProtoTypes();

// A message in which about half of the fields are set, to anything that their types hold; messages
// are at most `depth` deep.
std::unique_ptr<google::protobuf::Message> RandomMessage(const google::protobuf::Descriptor* type,
                                                         int depth, std::mt19937* random);

}  // namespace doppio

#endif  // DOPPIO_TESTS_IO_RANDOM_MESSAGES_H_
