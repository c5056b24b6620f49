#include "src/io/pickled_strings.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"

namespace doppio {
namespace io {
namespace {

// What the objects in a pickled array of strings can be.
enum class Kind {
  kMark,
  kNumber,  // whole numbers, truth values and None, whose values nothing here depends on
  kString,  // bytes or text
  kTuple,
  kList,  // of strings
  kMakeArray,
  kArrayClass,
  kTypeClass,
  kEncode,
  kBytesClass,
  kArray,
  kType,
};

struct Value {
  Kind kind = Kind::kNumber;
  absl::string_view text;    // of a string; it lies in the pickle, or in Machine::encoded_
  std::vector<Value> items;  // of a tuple or list
};

struct GlobalRow {
  absl::string_view module;
  absl::string_view name;
  Kind kind;
};

constexpr GlobalRow kGlobals[] = {
    {"numpy.core.multiarray", "_reconstruct", Kind::kMakeArray},
    {"numpy._core.multiarray", "_reconstruct", Kind::kMakeArray},
    {"numpy", "ndarray", Kind::kArrayClass},
    {"numpy", "dtype", Kind::kTypeClass},
    {"_codecs", "encode", Kind::kEncode},
    {"__builtin__", "bytes", Kind::kBytesClass},
    {"builtins", "bytes", Kind::kBytesClass},
};

absl::Status NotStrings(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(
      "a pickled array (\"|O\") is read where its elements are bytes or text; this one holds ",
      what));
}

// The machine that pickles are programs of, with the instructions that arrays of strings use:
// https://github.com/python/cpython/blob/main/Lib/pickletools.py describes them.
class Machine {
 public:
  Machine(absl::string_view pickle, int64_t max_bytes)
      : size_(pickle.size()), rest_(pickle), max_bytes_(max_bytes) {}

  // The list of the array's elements.
  absl::StatusOr<std::vector<Value>> Run() {
    bool stops = false;
    while (!stops) {
      DOPPIO_ASSIGN_OR_RETURN(const uint64_t code, TakeNumber(1));
      DOPPIO_RETURN_IF_ERROR(Step(static_cast<uint8_t>(code), &stops));
    }
    if (!rest_.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the pickle is followed by ", rest_.size(), " more bytes"));
    }
    if (stack_.size() != 1 || stack_[0].kind != Kind::kArray || stack_[0].items.size() != 1) {
      return NotStrings("no array");
    }
    return std::move(stack_[0].items[0].items);
  }

 private:
  absl::Status Step(uint8_t code, bool* stops);
  absl::Status Global(absl::string_view module, absl::string_view name);
  absl::Status Tuple(size_t size);
  absl::Status Append(size_t count);
  absl::Status Reduce();
  absl::Status Build();

  absl::StatusOr<absl::string_view> Take(uint64_t count) {
    if (count > rest_.size()) {
      return absl::DataLossError(
          absl::StrCat("the pickle ends at byte ", size_, ", in the middle of an instruction"));
    }
    const absl::string_view taken = rest_.substr(0, static_cast<size_t>(count));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  // A little-endian number of that many bytes.
  absl::StatusOr<uint64_t> TakeNumber(int bytes) {
    DOPPIO_ASSIGN_OR_RETURN(const absl::string_view taken, Take(static_cast<uint64_t>(bytes)));
    uint64_t number = 0;
    for (size_t i = taken.size(); i-- > 0;) number = number << 8 | static_cast<uint8_t>(taken[i]);
    return number;
  }

  absl::StatusOr<absl::string_view> TakeLine() {
    const size_t end = rest_.find('\n');
    DOPPIO_ASSIGN_OR_RETURN(absl::string_view line,
                            Take(end == absl::string_view::npos ? end : end + 1));
    line.remove_suffix(1);
    return line;
  }

  absl::Status Push(Value value) {
    if (static_cast<int64_t>((stack_.size() + 1) * sizeof(Value)) > max_bytes_) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the pickled array is above the limit of ", max_bytes_, " bytes"));
    }
    stack_.push_back(std::move(value));
    return absl::OkStatus();
  }

  absl::Status PushKind(Kind kind) {
    Value value;
    value.kind = kind;
    return Push(std::move(value));
  }

  absl::Status PushString(absl::string_view text) {
    Value value;
    value.kind = Kind::kString;
    value.text = text;
    return Push(std::move(value));
  }

  // A string that follows its length, which is a number of that many bytes.
  absl::Status TakeString(int length_bytes) {
    DOPPIO_ASSIGN_OR_RETURN(const uint64_t length, TakeNumber(length_bytes));
    DOPPIO_ASSIGN_OR_RETURN(const absl::string_view text, Take(length));
    return PushString(text);
  }

  absl::Status Skip(uint64_t bytes) { return Take(bytes).status(); }

  absl::Status TakeInteger(uint64_t bytes) {
    DOPPIO_RETURN_IF_ERROR(Skip(bytes));
    return PushKind(Kind::kNumber);
  }

  // The values above the last mark, which goes.
  absl::StatusOr<size_t> CountToMark() {
    const auto mark = std::find_if(stack_.rbegin(), stack_.rend(),
                                   [](const Value& value) { return value.kind == Kind::kMark; });
    if (mark == stack_.rend()) return Broken();
    const auto count = mark - stack_.rbegin();
    stack_.erase(stack_.end() - count - 1);
    return static_cast<size_t>(count);
  }

  // The last `count` values have to be there.
  absl::Status Need(size_t count) const {
    return stack_.size() < count ? Broken() : absl::OkStatus();
  }

  Value Pop() {
    Value value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }

  absl::Status Broken() const {
    return absl::InvalidArgumentError(
        absl::StrCat("the pickle is broken before byte ", size_ - rest_.size()));
  }

  absl::Status Remember(uint64_t place) {
    DOPPIO_RETURN_IF_ERROR(Need(1));
    memo_[place] = {stack_.back().kind, stack_.back().text};
    return absl::OkStatus();
  }

  // Only what has no parts is ever asked for again in an array of strings.
  absl::Status Recall(uint64_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) return Broken();
    const auto [kind, text] = found->second;
    if (kind == Kind::kTuple || kind == Kind::kList || kind == Kind::kArray) {
      return NotStrings("an object twice that is no string");
    }
    Value value;
    value.kind = kind;
    value.text = text;
    return Push(std::move(value));
  }

  const size_t size_;
  absl::string_view rest_;
  const int64_t max_bytes_;
  std::vector<Value> stack_;
  absl::flat_hash_map<uint64_t, std::pair<Kind, absl::string_view>> memo_;
  std::deque<std::string> encoded_;  // bytes that stood in the pickle as text
};

absl::Status Machine::Global(absl::string_view module, absl::string_view name) {
  for (const GlobalRow& row : kGlobals) {
    if (row.module == module && row.name == name) return PushKind(row.kind);
  }
  return NotStrings(absl::StrCat(module.substr(0, 100), ".", name.substr(0, 100)));
}

absl::Status Machine::Tuple(size_t size) {
  DOPPIO_RETURN_IF_ERROR(Need(size));
  Value tuple;
  tuple.kind = Kind::kTuple;
  const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(size);
  for (auto item = begin; item != stack_.end(); ++item) {
    // The state of an array holds its shape; nothing lies deeper.
    const auto is_deep = [](const Value& part) { return part.kind == Kind::kTuple; };
    if (item->kind == Kind::kMark) return Broken();
    if (item->kind == Kind::kTuple &&
        std::any_of(item->items.begin(), item->items.end(), is_deep)) {
      return NotStrings("tuples");
    }
  }
  tuple.items.assign(std::make_move_iterator(begin), std::make_move_iterator(stack_.end()));
  stack_.erase(begin, stack_.end());
  return Push(std::move(tuple));
}

absl::Status Machine::Append(size_t count) {
  DOPPIO_RETURN_IF_ERROR(Need(count + 1));
  const auto begin = stack_.end() - static_cast<std::ptrdiff_t>(count);
  Value& list = *(begin - 1);
  if (list.kind != Kind::kList) return Broken();
  for (auto item = begin; item != stack_.end(); ++item) {
    if (item->kind != Kind::kString) {
      return NotStrings(absl::StrCat("something else as element ", list.items.size()));
    }
    list.items.push_back(std::move(*item));
  }
  stack_.erase(begin, stack_.end());
  return absl::OkStatus();
}

// A call, of which only the four that make arrays, their type and bytes are known.
absl::Status Machine::Reduce() {
  DOPPIO_RETURN_IF_ERROR(Need(2));
  const Value arguments = Pop();
  const Value function = Pop();
  if (arguments.kind != Kind::kTuple) return Broken();
  const std::vector<Value>& items = arguments.items;
  switch (function.kind) {
    case Kind::kMakeArray:
      return PushKind(Kind::kArray);
    case Kind::kTypeClass:
      if (items.empty() || items[0].text.substr(0, 1) != "O") return NotStrings("no objects");
      return PushKind(Kind::kType);
    case Kind::kBytesClass:
      if (!items.empty()) return NotStrings("bytes that are made of something");
      return PushString("");
    case Kind::kEncode: {
      // Before protocol 3, bytes are text whose characters are their values.
      if (items.size() != 2 || items[0].kind != Kind::kString || items[1].text != "latin1") {
        return NotStrings("text that is encoded otherwise than bytes are");
      }
      std::string bytes;
      for (size_t i = 0; i < items[0].text.size(); ++i) {
        const auto first = static_cast<uint8_t>(items[0].text[i]);
        if (first < 0x80) {
          bytes.push_back(static_cast<char>(first));
          continue;
        }
        // Two bytes of UTF-8 hold the values from 0x80 to 0xff.
        if ((first != 0xc2 && first != 0xc3) || ++i == items[0].text.size()) return Broken();
        const auto second = static_cast<uint8_t>(items[0].text[i]);
        if ((second & 0xc0) != 0x80) return Broken();
        bytes.push_back(static_cast<char>((first & 3) << 6 | (second & 0x3f)));
      }
      return PushString(encoded_.emplace_back(std::move(bytes)));
    }
    default:
      return NotStrings("a call of something that is no function");
  }
}

// Gives an object its state. That of an array ends with the list of its elements.
absl::Status Machine::Build() {
  DOPPIO_RETURN_IF_ERROR(Need(2));
  Value state = Pop();
  Value& object = stack_.back();
  if (object.kind == Kind::kType) return absl::OkStatus();
  if (object.kind != Kind::kArray || !object.items.empty() || state.items.empty() ||
      state.items.back().kind != Kind::kList) {
    return NotStrings("something else than a list of strings");
  }
  object.items.push_back(std::move(state.items.back()));
  return absl::OkStatus();
}

absl::Status Machine::Step(uint8_t code, bool* stops) {
  switch (code) {
    case 0x80:  // PROTO
      return Skip(1);
    case 0x95:  // FRAME
      return Skip(8);
    case '.':  // STOP
      *stops = true;
      return absl::OkStatus();

    case 'N':   // NONE
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      return PushKind(Kind::kNumber);
    case 'K':  // BININT1
      return TakeInteger(1);
    case 'M':  // BININT2
      return TakeInteger(2);
    case 'J':  // BININT
      return TakeInteger(4);
    case 0x8a: {  // LONG1
      DOPPIO_ASSIGN_OR_RETURN(const uint64_t bytes, TakeNumber(1));
      return TakeInteger(bytes);
    }

    case 'C':   // SHORT_BINBYTES
    case 'U':   // SHORT_BINSTRING, which Python 2 wrote
    case 0x8c:  // SHORT_BINUNICODE
      return TakeString(1);
    case 'B':  // BINBYTES
    case 'T':  // BINSTRING
    case 'X':  // BINUNICODE
      return TakeString(4);
    case 0x8d:  // BINUNICODE8
    case 0x8e:  // BINBYTES8
      return TakeString(8);

    case '(':  // MARK
      return PushKind(Kind::kMark);
    case ')':  // EMPTY_TUPLE
      return PushKind(Kind::kTuple);
    case ']':  // EMPTY_LIST
      return PushKind(Kind::kList);
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      return Tuple(code - size_t{0x84});
    case 't': {  // TUPLE
      DOPPIO_ASSIGN_OR_RETURN(const size_t count, CountToMark());
      return Tuple(count);
    }
    case 'a':  // APPEND
      return Append(1);
    case 'e': {  // APPENDS
      DOPPIO_ASSIGN_OR_RETURN(const size_t count, CountToMark());
      return Append(count);
    }

    case 'q': {  // BINPUT
      DOPPIO_ASSIGN_OR_RETURN(const uint64_t place, TakeNumber(1));
      return Remember(place);
    }
    case 'r': {  // LONG_BINPUT
      DOPPIO_ASSIGN_OR_RETURN(const uint64_t place, TakeNumber(4));
      return Remember(place);
    }
    case 0x94:  // MEMOIZE
      return Remember(memo_.size());
    case 'h': {  // BINGET
      DOPPIO_ASSIGN_OR_RETURN(const uint64_t place, TakeNumber(1));
      return Recall(place);
    }
    case 'j': {  // LONG_BINGET
      DOPPIO_ASSIGN_OR_RETURN(const uint64_t place, TakeNumber(4));
      return Recall(place);
    }

    case 'c': {  // GLOBAL
      DOPPIO_ASSIGN_OR_RETURN(const absl::string_view module, TakeLine());
      DOPPIO_ASSIGN_OR_RETURN(const absl::string_view name, TakeLine());
      return Global(module, name);
    }
    case 0x93: {  // STACK_GLOBAL
      DOPPIO_RETURN_IF_ERROR(Need(2));
      const absl::string_view name = Pop().text;
      const absl::string_view module = Pop().text;
      return Global(module, name);
    }
    case 'R':  // REDUCE
      return Reduce();
    case 'b':  // BUILD
      return Build();
    default:
      return NotStrings(absl::StrCat("an instruction (", static_cast<int>(code), " at byte ",
                                     size_ - rest_.size() - 1, ") that they have no need of"));
  }
}

}  // namespace

absl::Status ReadPickledStrings(absl::string_view pickle, int64_t max_bytes,
                                absl::Span<std::string> strings) {
  Machine machine(pickle, max_bytes);
  DOPPIO_ASSIGN_OR_RETURN(const std::vector<Value> elements, machine.Run());
  if (elements.size() != strings.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the header says ", strings.size(), " elements, but the pickle has ", elements.size()));
  }
  // A string may stand there many times and cost two bytes each time.
  int64_t left = max_bytes - static_cast<int64_t>(strings.size() * sizeof(std::string));
  for (size_t i = 0; i < strings.size(); ++i) {
    left -= static_cast<int64_t>(elements[i].text.size());
    if (left < 0) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the pickled array is above the limit of ", max_bytes, " bytes"));
    }
    strings[i] = std::string(elements[i].text);
  }
  return absl::OkStatus();
}

}  // namespace io
}  // namespace doppio
