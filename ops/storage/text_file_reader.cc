#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/storage/database_path.h"
#include "ops/storage/text_rows.h"
#include "src/runtime/input_place.h"
#include "src/runtime/records_taken.h"

namespace doppio {
namespace {

using FieldTypes = TypeList<float, double, bool, int8_t, int16_t, int32_t, int64_t, uint8_t,
                            uint16_t, std::string>;

// What a blob that CreateTextFileReader makes holds. Threads share it; who reads keeps the state of
// one that is replaced meanwhile.
struct TextFileReader {
  struct State {
    std::vector<DataType> types;
    std::mutex mutex;
    std::unique_ptr<TextRows> rows;
    absl::Status failure;  // after an error nobody knows where to go on
  };
  std::shared_ptr<State> state;
};

DOPPIO_REGISTER_BLOB_TYPE(TextFileReader);

DOPPIO_OPERATOR_SCHEMA(CreateTextFileReader)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Opens a file of text, whose lines TextFileReaderRead reads: each has as many fields as there are
`field_types`, with a separator between them. A reader that the blob held before is closed.

The file is not read at once, and may be larger than the memory. Its last line may do without the line
break; Caffe2 drops or refuses such a line. A byte 0 takes the byte after it as part of the field,
whatever it is. There are no quotes.

Example: with `field_types` [4, 1] (strings and floats) the line "cat<TAB>0.5" is a record of "cat" and 0.5.
)DOC")
    .RequiredArg<std::string>("filename", "path of the file")
    .Arg<int64_t>("num_passes", "times that the file is read, at least 1", 1)
    .RequiredArg<std::vector<int64_t>>(
        "field_types", "TensorProto.DataType of each field: numbers but float16, or strings")
    .Arg<std::string>("separator", "the byte between fields; Caffe2 knows tabs alone", "\t")
    .Output(0, "reader", "a reader, which is no tensor")
    .HasSideEffects();

template <class Context>
class CreateTextFileReaderOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateTextFileReaderOp(OperatorInit* init)
      : Operator<Context>(init),
        files_(init),
        filename_(init->GetSingleArgument<std::string>("filename")),
        passes_(init->GetSingleArgument<int64_t>("num_passes")),
        separator_(init->GetSingleArgument<std::string>("separator")) {
    if (passes_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("num_passes is ", passes_, ", must be at least 1")));
    }
    if (separator_.size() != 1 || separator_[0] == '\n' || separator_[0] == '\0') {
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "separator must be one byte, and neither a line break nor 0, but has ", separator_.size(),
          separator_.size() == 1 ? " byte of this kind" : " bytes")));
    }
    const std::vector<int64_t> numbers = init->GetRepeatedArgument<int64_t>("field_types");
    if (numbers.empty()) {
      init->Fail(absl::InvalidArgumentError("field_types is empty, but lines have fields"));
    }
    for (int64_t number : numbers) {
      const absl::StatusOr<DataType> type = DataTypeFromNumber(number);
      const absl::Status status =
          type.ok()
              ? DispatchType(FieldTypes(), *type, [](auto /*tag*/) { return absl::OkStatus(); })
              : type.status();
      if (!status.ok()) {
        init->Fail(Annotate(status, "field_types"));
        return;
      }
      types_.push_back(*type);
    }
  }

  absl::Status RunOnDevice() override {
    auto state = std::make_shared<TextFileReader::State>();
    state->types = types_;
    DOPPIO_ASSIGN_OR_RETURN(std::string path, files_.Allowed(filename_));
    DOPPIO_ASSIGN_OR_RETURN(state->rows, TextRows::Open(std::move(path), separator_[0], passes_));
    OutputBlob(0)->template GetMutable<TextFileReader>()->state = std::move(state);
    return absl::OkStatus();
  }

 private:
  NamedFiles files_;
  std::string filename_;
  int64_t passes_;
  std::string separator_;
  std::vector<DataType> types_;
};

DOPPIO_OPERATOR_SCHEMA(TextFileReaderRead)
    .NumInputs(1)
    .NumOutputs(1, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Reads the next lines of a file: output i is a vector of what field i of them is. There are fewer than
`batch_size` where the file ends before, and none, empty vectors, after its end. With several passes a
batch may begin at the end of one and end in the next.

A line with another number of fields, and a field that is no number where one must be, is an error that
names the line; the reader then stays where it is, and every further read says the same. White space
around a number does not matter, so lines may end in CR LF. Caffe2 takes "0.5x" for 0.5.

Threads may read from one reader: each line goes to one of them.
)DOC")
    .Arg<int64_t>("batch_size", "most lines to read, at least 1", 1)
    .Input(0, "reader", "a reader, made by CreateTextFileReader")
    .Output(0, "field_0", "vector of the type of the first field; the others follow")
    .HasSideEffects();

template <typename T>
bool ParseField(const std::string& text, T* value) {
  if constexpr (std::is_same_v<T, float>) {
    return absl::SimpleAtof(text, value);
  } else if constexpr (std::is_same_v<T, double>) {
    return absl::SimpleAtod(text, value);
  } else if constexpr (std::is_same_v<T, bool>) {
    int64_t number;
    if (!absl::SimpleAtoi(text, &number)) {
      return absl::SimpleAtob(absl::StripAsciiWhitespace(text), value);
    }
    *value = number == 1;
    return number == 0 || number == 1;
  } else {
    int64_t number;
    if (!absl::SimpleAtoi(text, &number) || number < std::numeric_limits<T>::min() ||
        number > std::numeric_limits<T>::max()) {
      return false;
    }
    *value = static_cast<T>(number);
    return true;
  }
}

template <class Context>
class TextFileReaderReadOp final : public Operator<Context>, public InputPlace {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit TextFileReaderReadOp(OperatorInit* init)
      : Operator<Context>(init), batch_size_(init->GetSingleArgument<int64_t>("batch_size")) {
    if (batch_size_ < 1) {
      init->Fail(absl::InvalidArgumentError(
          absl::StrCat("batch_size is ", batch_size_, ", must be at least 1")));
    }
  }

  absl::Status RunOnDevice() override {
    // An output may be the blob of the reader.
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TextFileReader::State> state, State());
    const size_t count = state->types.size();
    if (static_cast<int>(count) != OutputSize()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the reader has ", count, " fields, but there are ", OutputSize(), " outputs"));
    }
    columns_.resize(count);
    DOPPIO_RETURN_IF_ERROR(ReadRows(state.get()));
    for (size_t i = 0; i < count; ++i) {
      DOPPIO_RETURN_IF_ERROR(SetColumn(static_cast<int>(i), state->types[i]));
    }
    taken_.Add(rows_);
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Place() const override {
    DOPPIO_RETURN_IF_ERROR(State().status());
    return taken_.Place();
  }

  absl::Status GoTo(const std::string& place) override {
    DOPPIO_ASSIGN_OR_RETURN(const std::shared_ptr<TextFileReader::State> state, State());
    const std::lock_guard<std::mutex> held(state->mutex);
    fields_.resize(state->types.size());
    return taken_.GoTo(place, [&] { return state->rows->Next(&fields_); });
  }

 private:
  absl::StatusOr<std::shared_ptr<TextFileReader::State>> State() const {
    const TextFileReader* reader = InputBlob(0).template Get<TextFileReader>();
    if (reader != nullptr && reader->state != nullptr) return reader->state;
    return absl::InvalidArgumentError(absl::StrCat(
        "reader ", DescribeInput(0), " must be a reader that CreateTextFileReader made, but holds ",
        InputBlob(0).TypeName()));
  }

  // The values of one field; which of the two there are depends on its type.
  struct Column {
    std::vector<char> numbers;
    std::vector<std::string> strings;
  };

  absl::Status ReadRows(TextFileReader::State* state) {
    const std::lock_guard<std::mutex> held(state->mutex);
    if (state->failure.ok()) state->failure = ReadSomeRows(state);
    return state->failure;
  }

  absl::Status ReadSomeRows(TextFileReader::State* state) {
    for (Column& column : columns_) {
      column.numbers.clear();
      column.strings.clear();
    }
    fields_.resize(columns_.size());
    for (rows_ = 0; rows_ < batch_size_; ++rows_) {
      DOPPIO_ASSIGN_OR_RETURN(const bool has_row, state->rows->Next(&fields_));
      if (!has_row) break;
      for (size_t i = 0; i < fields_.size(); ++i) {
        if (AddField(state->types[i], fields_[i], &columns_[i])) continue;
        return absl::InvalidArgumentError(absl::StrCat(state->rows->Place(), ", field ", i + 1,
                                                       ": \"", fields_[i], "\" is no ",
                                                       DataTypeName(state->types[i])));
      }
    }
    return absl::OkStatus();
  }

  static bool AddField(DataType type, const std::string& text, Column* column) {
    const absl::Status status = DispatchType(FieldTypes(), type, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_same_v<T, std::string>) {
        column->strings.push_back(text);
      } else {
        T value;
        if (!ParseField(text, &value)) return absl::InvalidArgumentError("");
        const char* bytes = reinterpret_cast<const char*>(&value);
        column->numbers.insert(column->numbers.end(), bytes, bytes + sizeof(T));
      }
      return absl::OkStatus();
    });
    return status.ok();
  }

  absl::Status SetColumn(int i, DataType type) {
    DOPPIO_ASSIGN_OR_RETURN(Tensor * output, Output(i, type, {rows_}));
    Column& column = columns_[static_cast<size_t>(i)];
    if (type == DataType::kString) {
      std::move(column.strings.begin(), column.strings.end(),
                output->template mutable_data<std::string>());
    } else if (!column.numbers.empty()) {
      std::memcpy(output->raw_mutable_data(), column.numbers.data(), column.numbers.size());
    }
    return absl::OkStatus();
  }

  int64_t batch_size_;
  RecordsTaken taken_;
  int64_t rows_ = 0;
  std::vector<std::string> fields_;
  std::vector<Column> columns_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateTextFileReader, CreateTextFileReaderOp<CPUContext>);
DOPPIO_REGISTER_CPU_OPERATOR(TextFileReaderRead, TextFileReaderReadOp<CPUContext>);
DOPPIO_NO_GRADIENT(CreateTextFileReader);
DOPPIO_NO_GRADIENT(TextFileReaderRead);

}  // namespace
}  // namespace doppio
