#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "doppio/database.h"
#include "doppio/float16.h"
#include "doppio/gradient_maker.h"
#include "doppio/parallel.h"
#include "doppio/random_engine.h"
#include "doppio/registry.h"
#include "ops/image/picture_changes.h"
#include "ops/image/picture_record.h"
#include "src/runtime/input_place.h"
#include "src/runtime/prefetcher.h"
#include "src/runtime/records_taken.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(ImageInput)
    .NumInputs(0, 1)
    .NumOutputs(2, OpSchema::kMany)
    .AllowAnyInput(0)
    .Doc(R"DOC(
Reads pictures from a database, for training: each run gives the next `batch_size` of them, decoded (PNG
or JPEG), resized, cut out, mirrored and normalised, while the batch after that is made on other threads.
Behind the last record comes the first again.

A record is a message TensorProtos of a picture (the bytes of a file as one string, or pixels as uint8
[height, width, channels], channels blue, green, red), its label (int32 or float; `label_type`), with label
types 3 and 4 a tensor of weights, a tensor for each output behind the label, and perhaps a bounding box
(4 int32: top, left, height, width), which stands in for that of the arguments. A box that does not lie in
the picture is none. With `use_caffe_datum` a record is a message CaffeDatum.

Steps: the box is cut out; the picture is resized (`scale`, `minsize`, `random_scale`, `warp`) as
OpenCV's INTER_AREA does; a square of `crop` x `crop` pixels is cut out, in the middle with `is_test` and at
random otherwise, and perhaps mirrored; colours vary (`color_jitter`, `color_lighting`); Y = (pixel - mean) /
std. With `scale_jitter_type` 1 a random part of the picture is resized to the square instead.

What is random is drawn for each record by itself, from the device option's seed: the number of threads
changes nothing. Not as in Caffe2: a picture that can not be decoded is an error, unless
`max_decode_error_ratio` allows for black ones; gray pictures are made of the decoded colours; the
orientation that cameras note is not applied; and `output_type` counts on the CPU.

Example: a picture of one pixel, red 255, green 0 and blue 100, with `crop` 1, `scale` 1, `mean` 100 and `std`
2 gives [[[[0, -50, 77.5]]]].
)DOC")
    .Arg<int64_t>("batch_size", "pictures of a run, at least 1; must be given", 0)
    .FillUsing([](OpSchema& schema) { StatePictureArguments(&schema); })
    .AnyArg("output_type",
            "of the pictures: FLOAT (the default), FLOAT16, or UINT8, which are the pixels before "
            "all changes of their values")
    .Arg<float>("max_decode_error_ratio",
                "part of a batch that may be pictures that can not be decoded, which become black "
                "ones of 224 x 224; 1 in Caffe2",
                0.0F)
    .Arg<int64_t>("decode_threads", "threads that decode, at least 1", 4)
    .Arg<int64_t>("no_prefetch", "not 0: a batch is made when it is asked for", 0)
    .Arg<int64_t>("use_gpu_transform", "must be 0: it is for the GPU", 0)
    .Arg<std::string>("db", "without a reader as the input: path of the database", "")
    .Arg<std::string>("db_type", "its type", "leveldb")
    .Input(0, "reader", "(optional) a reader, made by CreateDB")
    .Output(0, "data", "[batch_size, crop, crop, 3 or 1], channels blue, green, red or gray")
    .Output(1, "label",
            "of the records' type: [batch_size], or [batch_size, num_labels] with label_type 1, 2, "
            "3 and 5; float with 3")
    .Output(2, "extra",
            "[batch_size, the first of output_sizes], numbers of the records' type; others follow")
    .HasSideEffects()
    .TensorInference([](InferenceContext* context) {
      const int64_t batch_size = context->GetSingleArgument<int64_t>("batch_size");
      const int64_t crop = context->GetSingleArgument<int64_t>("crop");
      if (batch_size < 1 || crop < 1) {
        return absl::InvalidArgumentError(absl::StrCat("batch_size is ", batch_size, " and crop ",
                                                       crop, ", both must be at least 1"));
      }
      context->SetOutput(0, context->GetDataTypeArgument("output_type", DataType::kFloat),
                         {batch_size, crop, crop,
                          context->GetSingleArgument<int64_t>("color") != 0 ? int64_t{3} : 1});
      return absl::OkStatus();
    });

// Calls body(i) for all i below `count`, on as many threads, this one included, or on fewer where
// the machine gives no more.
void OnThreads(int64_t threads, int64_t count, absl::FunctionRef<void(int64_t)> body) {
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    const SerialScope serial;
    for (int64_t i = next++; i < count; i = next++) body(i);
  };
  std::vector<std::thread> others;
  try {
    while (static_cast<int64_t>(others.size()) + 1 < std::min(threads, count)) {
      others.emplace_back(work);
    }
  } catch (const std::system_error&) {
  }
  work();
  for (std::thread& thread : others) thread.join();
}

template <class Context>
class ImageInputOp final : public Operator<Context>, public InputPlace {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit ImageInputOp(OperatorInit* init)
      : Operator<Context>(init),
        batch_size_(init->GetSingleArgument<int64_t>("batch_size")),
        threads_(init->GetSingleArgument<int64_t>("decode_threads")),
        error_ratio_(init->GetSingleArgument<float>("max_decode_error_ratio")),
        path_(init->GetSingleArgument<std::string>("db")),
        database_type_(init->GetSingleArgument<std::string>("db_type")),
        output_type_(init->GetDataTypeArgument("output_type", DataType::kFloat)),
        record_settings_(ReadRecordSettings(init)),
        picture_settings_(ReadPictureSettings(init)),
        prefetcher_([this] { return MakeBatch(); },
                    init->GetSingleArgument<int64_t>("no_prefetch") == 0) {
    if (batch_size_ < 1 || threads_ < 1) {
      Reject(init, absl::StrCat("batch_size is ", batch_size_, " and decode_threads ", threads_,
                                ", both must be at least 1"));
    }
    if (InputSize() == 0 && path_.empty()) {
      Reject(init, "there must be a reader as the input, or the path of a database in db");
    }
    if (init->GetSingleArgument<int64_t>("use_gpu_transform") != 0) {
      Reject(init,
             "use_gpu_transform is for the GPU; without it the pictures are the same, but "
             "NHWC");
    }
    CheckOutputType(init);
  }

  absl::Status RunOnDevice() override {
    DOPPIO_RETURN_IF_ERROR(FindReader());
    return prefetcher_.Take([this] {
      // What the outputs had becomes the memory of the next batch.
      for (int i = 0; i < OutputSize(); ++i) {
        std::swap(*OutputBlob(i)->template GetMutable<Tensor>(), batch_[static_cast<size_t>(i)]);
      }
      taken_.Add(batch_size_);
      return absl::OkStatus();
    });
  }

  // The records, and behind them the seed that was drawn for all of them.
  absl::StatusOr<std::string> Place() const override {
    std::string place = taken_.Place();
    if (InputSize() > 0) {
      const DatabaseReader* reader = InputBlob(0).template Get<DatabaseReader>();
      if (reader != nullptr) DOPPIO_RETURN_IF_ERROR(reader->ToProto("").status());
    }
    // Before the first batch was taken the thread may be about to draw it.
    if (place != "0") absl::StrAppend(&place, " ", absl::StrJoin(seed_, " "));
    return place;
  }

  absl::Status GoTo(const std::string& place) override {
    const std::vector<std::string> parts = absl::StrSplit(place, ' ');
    std::vector<uint64_t> seed(parts.size() - 1);
    for (size_t i = 0; i < seed.size(); ++i) {
      if (absl::SimpleAtoi(parts[i + 1], &seed[i])) continue;
      return absl::DataLossError(absl::StrCat("\"", place, "\" is no place"));
    }
    if (seed.size() != (parts[0] == "0" ? 0 : 2)) {
      return absl::DataLossError(absl::StrCat("\"", place, "\" is no place"));
    }
    DOPPIO_RETURN_IF_ERROR(FindReader());
    std::shared_ptr<const DatabaseReader> reader;
    {
      const absl::MutexLock lock(&mutex_);
      reader = next_reader_;
    }
    std::string key, value;
    uint64_t number = 0;
    DOPPIO_RETURN_IF_ERROR(taken_.GoTo(parts[0], [&]() -> absl::StatusOr<bool> {
      DOPPIO_RETURN_IF_ERROR(reader->Read(&key, &value));
      ++number;
      return true;
    }));
    number_ = number;
    seed_ = std::move(seed);
    return absl::OkStatus();
  }

 private:
  struct Record {
    std::string key;
    std::string value;
    absl::Status status;
    absl::Status picture_error;
    PictureRecord content;
  };

  static void Reject(OperatorInit* init, absl::string_view why) {
    init->Fail(absl::InvalidArgumentError(why));
  }

  void CheckOutputType(OperatorInit* init) const {
    if (output_type_ != DataType::kFloat && output_type_ != DataType::kFloat16 &&
        output_type_ != DataType::kUInt8) {
      Reject(init, absl::StrCat("output_type is ", DataTypeName(output_type_),
                                ", must be float, float16 or uint8"));
    }
    const PictureSettings& settings = picture_settings_;
    bool changes_values = settings.has_color_jitter || settings.has_color_lighting;
    for (int c = 0; c < 3; ++c) {
      changes_values = changes_values || settings.mean[c] != 0 || settings.inverse_std[c] != 1;
    }
    if (output_type_ == DataType::kUInt8 && changes_values) {
      Reject(init,
             "with output_type uint8 pixels stay as they are: there must be no mean, no std, "
             "no color_jitter and no color_lighting");
    }
  }

  // What the next batch that is begun reads from; a reader lives on where its blob is removed.
  absl::Status FindReader() {
    std::shared_ptr<const DatabaseReader> reader;
    if (InputSize() > 0) {
      const DatabaseReader* of_blob = InputBlob(0).template Get<DatabaseReader>();
      if (of_blob == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat(
            "reader ", DescribeInput(0), " must be a reader that CreateDB made, but holds ",
            InputBlob(0).TypeName()));
      }
      reader = of_blob->Share();
    } else if (own_reader_ == nullptr) {
      auto own = std::make_shared<DatabaseReader>();
      DOPPIO_RETURN_IF_ERROR(own->Open(database_type_, path_));
      own_reader_ = std::move(own);
    }
    const absl::MutexLock lock(&mutex_);
    next_reader_ = reader != nullptr ? reader : own_reader_;
    return absl::OkStatus();
  }

  absl::Status MakeBatch() {
    {
      const absl::MutexLock lock(&mutex_);
      reader_ = next_reader_;
    }
    const int64_t crop = picture_settings_.crop;
    batch_.resize(static_cast<size_t>(OutputSize()));
    DOPPIO_RETURN_IF_ERROR(
        batch_[0].Resize(output_type_, {batch_size_, crop, crop, record_settings_.Channels()}));
    records_.resize(static_cast<size_t>(batch_size_));
    for (Record& record : records_) {
      DOPPIO_RETURN_IF_ERROR(reader_->Read(&record.key, &record.value));
    }
    if (seed_.empty()) seed_ = {context_.RandomGenerator()(), context_.RandomGenerator()()};
    OnThreads(threads_, batch_size_, [this](int64_t i) {
      Record& record = records_[static_cast<size_t>(i)];
      record.status = MakePicture(i, &record);
    });
    number_ += static_cast<uint64_t>(batch_size_);
    DOPPIO_RETURN_IF_ERROR(CheckRecords());
    for (int i = 1; i < OutputSize(); ++i) DOPPIO_RETURN_IF_ERROR(JoinNumbers(i));
    return absl::OkStatus();
  }

  absl::Status MakePicture(int64_t i, Record* record) {
    DOPPIO_ASSIGN_OR_RETURN(record->content, ReadPictureRecord(record->value, record_settings_,
                                                               &record->picture_error));
    const uint64_t number = number_ + static_cast<uint64_t>(i);
    std::seed_seq seed{seed_[0], seed_[1], number, number >> 32};  // the lower half of each
    PictureRandom random(seed);
    const int64_t channels = record_settings_.Channels();
    const int64_t count = picture_settings_.crop * picture_settings_.crop * channels;
    const PictureRecord& content = record->content;
    if (output_type_ == DataType::kUInt8) {
      return CutPicture(content.picture, content.box, picture_settings_, &random,
                        batch_[0].template mutable_data<uint8_t>() + i * count);
    }
    std::vector<uint8_t> pixels(static_cast<size_t>(count));
    DOPPIO_RETURN_IF_ERROR(
        CutPicture(content.picture, content.box, picture_settings_, &random, pixels.data()));
    if (output_type_ == DataType::kFloat) {
      ColorPicture(pixels.data(), channels, picture_settings_, &random,
                   batch_[0].template mutable_data<float>() + i * count);
      return absl::OkStatus();
    }
    std::vector<float> values(static_cast<size_t>(count));
    ColorPicture(pixels.data(), channels, picture_settings_, &random, values.data());
    std::transform(values.begin(), values.end(),
                   batch_[0].template mutable_data<float16>() + i * count,
                   [](float value) { return float16(value); });
    return absl::OkStatus();
  }

  absl::Status CheckRecords() const {
    const auto annotated = [&](const Record& record, const absl::Status& status) {
      return Annotate(status,
                      absl::StrCat("record \"", record.key, "\" of ", reader_->Description()));
    };
    int64_t errors = 0;
    const Record* first = nullptr;
    for (const Record& record : records_) {
      if (!record.status.ok()) return annotated(record, record.status);
      if (record.picture_error.ok()) continue;
      if (errors++ == 0) first = &record;
    }
    if (static_cast<float>(errors) / static_cast<float>(batch_size_) <= error_ratio_) {
      return absl::OkStatus();
    }
    return annotated(*first, first->picture_error);
  }

  const Tensor& Numbers(const Record& record, int output) const {
    return output == 1 ? record.content.label
                       : record.content.extra[static_cast<size_t>(output - 2)];
  }

  absl::Status JoinNumbers(int output) {
    const Tensor& first = Numbers(records_[0], output);
    Dims dims = {batch_size_};
    if (output > 1 || !record_settings_.HasSingleLabel()) dims.push_back(first.numel());
    Tensor* joined = &batch_[static_cast<size_t>(output)];
    DOPPIO_RETURN_IF_ERROR(joined->Resize(first.dtype(), dims));
    char* to = static_cast<char*>(joined->raw_mutable_data());
    for (const Record& record : records_) {
      const Tensor& numbers = Numbers(record, output);
      if (numbers.dtype() != first.dtype()) {
        return absl::InvalidArgumentError(
            absl::StrCat("records of a batch must have numbers of one type for output ", output,
                         ", but \"", records_[0].key, "\" has ", DataTypeName(first.dtype()),
                         " and \"", record.key, "\" ", DataTypeName(numbers.dtype())));
      }
      if (numbers.bytes() > 0) std::memcpy(to, numbers.raw_data(), numbers.bytes());
      to += numbers.bytes();
    }
    return absl::OkStatus();
  }

  const int64_t batch_size_;
  const int64_t threads_;
  const float error_ratio_;
  const std::string path_;
  const std::string database_type_;
  const DataType output_type_;
  const RecordSettings record_settings_;
  const PictureSettings picture_settings_;
  std::shared_ptr<const DatabaseReader> own_reader_;  // without an input
  absl::Mutex mutex_;
  std::shared_ptr<const DatabaseReader> next_reader_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const DatabaseReader> reader_;  // of the batch that is being made
  std::vector<uint64_t> seed_;
  uint64_t number_ = 0;  // of the batch's first record
  RecordsTaken taken_;
  std::vector<Record> records_;
  std::vector<Tensor> batch_;  // what the outputs will be
  Prefetcher prefetcher_;      // the last: it uses the others
};

DOPPIO_REGISTER_CPU_OPERATOR(ImageInput, ImageInputOp<CPUContext>);
DOPPIO_NO_GRADIENT(ImageInput);

}  // namespace
}  // namespace doppio
