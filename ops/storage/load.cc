#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_join.h"
#include "doppio/cancellation.h"
#include "doppio/database.h"
#include "doppio/devices.h"
#include "doppio/gradient_maker.h"
#include "doppio/proto_io.h"
#include "doppio/registry.h"
#include "doppio/serialize.h"
#include "ops/storage/database_path.h"
#include "ops/storage/loaded_blobs.h"

namespace doppio {
namespace {

constexpr char kDb[] = "db";
constexpr char kDbs[] = "dbs";
constexpr char kSourceNames[] = "source_blob_names";
constexpr char kShape[] = "shape";
constexpr char kDtype[] = "dtype";

DOPPIO_OPERATOR_SCHEMA(Load)
    .NumInputs(0, OpSchema::kMany)
    .NumOutputs(0, OpSchema::kMany)
    .AllowAnyInput(OpSchema::kMany)
    .Doc(R"DOC(
Reads blobs that Save wrote, from the databases `dbs`, or the one `db`, or those that readers (CreateDB)
have open. An output is the blob of its name, or that which `source_blob_names` names in its place; what
else is in the databases is skipped. With `load_all` every blob of the databases becomes a blob of the
workspace, whether an output names it or not.

Everything is read and checked before any blob is changed: a database that is damaged, a blob that is
missing (all of them are named), comes twice or is not complete, and one of another shape than `shape`
leave the workspace as it was. That costs the memory of the new blobs beside the old ones. Caffe2 leaves
behind what it had loaded until then.

With readers, all records are looked at, and the reader stays where it is. (Caffe2 begins where the
reader stands, and leaves it behind what was loaded.)

Example: Load() -> X, Y with `db` "model.minidb" and `db_type` "minidb" reads what Save(X, Y) wrote there.
)DOC")
    .OptionalArg<std::string>(kDb, "path of the database, where there are no inputs and no `dbs`")
    .OptionalArg<std::vector<std::string>>(kDbs, "paths of several")
    .Arg<std::string>(kDbType, kDbTypeDoc, "")
    .Arg<bool>(kAbsolutePath, kAbsolutePathDoc, false)
    .Arg<std::string>(
        kStripPrefix,
        "names of blobs begin behind the first of this in their names in the database", "")
    .Arg<std::string>("add_prefix", "what names of blobs then begin with; outputs have it too", "")
    .OptionalArg<std::vector<std::string>>(
        kSourceNames,
        "what the outputs are called in the databases; not with load_all or strip_prefix")
    .Arg<bool>("load_all", "all blobs, also those that are no outputs", false)
    .Arg<bool>("allow_incomplete", "outputs that are missing stay as they were", false)
    .Arg<bool>("keep_device", "blobs of another device than the CPU are an error", false)
    .OptionalArg<std::vector<int64_t>>(kShape, "of the output, where there is one")
    .AnyArg(kDtype, "its element type, together with `shape`; float if nothing else is said")
    .Arg<std::string>("db_options", "Caffe2 hands it to types of databases; none has any", "")
    .Input(0, "reader", "database that is open; any number of them, or none")
    .Output(0, "X", "blob; any number of them")
    .TensorInference([](InferenceContext* context) {
      const std::vector<int64_t> shape = context->GetRepeatedArgument<int64_t>(kShape);
      if (context->OutputSize() != 1 || shape.empty()) return absl::OkStatus();
      context->SetOutput(0, context->GetDataTypeArgument(kDtype, DataType::kFloat), shape);
      return absl::OkStatus();
    })
    .HasSideEffects();

template <class Context>
class LoadOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit LoadOp(OperatorInit* init)
      : Operator<Context>(init),
        paths_(init),
        type_(init->GetSingleArgument<std::string>(kDbType)),
        databases_(init->GetRepeatedArgument<std::string>(kDbs)),
        strip_prefix_(init->GetSingleArgument<std::string>(kStripPrefix)),
        add_prefix_(init->GetSingleArgument<std::string>("add_prefix")),
        names_(init->GetRepeatedArgument<std::string>(kSourceNames)),
        load_all_(init->GetSingleArgument<bool>("load_all")),
        allow_incomplete_(init->GetSingleArgument<bool>("allow_incomplete")),
        keep_device_(init->GetSingleArgument<bool>("keep_device")),
        shape_(init->GetRepeatedArgument<int64_t>(kShape)) {
    if (init->HasArgument(kDtype)) {
      dtype_ = init->GetDataTypeArgument(kDtype, DataType::kFloat);
    }
    if (databases_.empty() && init->HasArgument(kDb)) {
      databases_.push_back(init->GetSingleArgument<std::string>(kDb));
    }
    if (InputSize() == 0) init->Fail(CheckDatabases());
    init->Fail(CheckNames(init));
  }

  absl::Status RunOnDevice() override {
    LoadedBlobs loaded(paths_.limits());
    DOPPIO_RETURN_IF_ERROR(ReadAll(&loaded));
    DOPPIO_RETURN_IF_ERROR(loaded.CheckComplete());
    DOPPIO_RETURN_IF_ERROR(CheckLoaded(loaded));
    for (size_t i = 0; i < names_.size(); ++i) {
      if (loaded.Has(names_[i])) {
        DOPPIO_RETURN_IF_ERROR(loaded.MoveTo(names_[i], OutputBlob(static_cast<int>(i))));
      } else {
        RemoveIfEmpty(static_cast<int>(i));
      }
    }
    if (!load_all_) return absl::OkStatus();
    const std::set<std::string> outputs(names_.begin(), names_.end());
    for (const std::string& name : loaded.Names()) {
      if (outputs.count(name) > 0) continue;
      DOPPIO_RETURN_IF_ERROR(loaded.MoveTo(name, paths_.workspace().CreateBlob(name).get()));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckDatabases() const {
    if (type_.empty()) return absl::InvalidArgumentError("db_type is not given");
    std::set<std::string> seen;
    for (const std::string& database : databases_) {
      if (database.empty()) return absl::InvalidArgumentError("the path of a database is empty");
      if (!seen.insert(database).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("the database \"", database, "\" is given twice"));
      }
    }
    return seen.empty() ? absl::InvalidArgumentError("neither db nor dbs nor a reader is given")
                        : absl::OkStatus();
  }

  // names_ becomes what each output is called in the databases, prefixes changed.
  absl::Status CheckNames(OperatorInit* init) {
    const auto& outputs = init->def().output();
    if (!names_.empty() && names_.size() != static_cast<size_t>(outputs.size())) {
      return absl::InvalidArgumentError(absl::StrCat(kSourceNames, " has ", names_.size(),
                                                     " names for ", outputs.size(), " outputs"));
    }
    if (!names_.empty() && (load_all_ || !strip_prefix_.empty())) {
      return absl::InvalidArgumentError(absl::StrCat(kSourceNames, " does not go together with ",
                                                     load_all_ ? "load_all" : kStripPrefix));
    }
    if (names_.empty()) names_.assign(outputs.begin(), outputs.end());
    std::set<std::string> seen;
    for (const std::string& name : names_) {
      if (!seen.insert(name).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("the blob \"", name, "\" of the database is asked for twice"));
      }
    }
    wanted_ = std::move(seen);
    return absl::OkStatus();
  }

  absl::Status ReadAll(LoadedBlobs* loaded) const {
    if (InputSize() == 0) {
      for (const std::string& database : databases_) {
        DOPPIO_ASSIGN_OR_RETURN(const std::string path, paths_.PathOf(database));
        DOPPIO_ASSIGN_OR_RETURN(const auto opened, OpenDatabase(type_, path, DatabaseMode::kRead));
        DOPPIO_ASSIGN_OR_RETURN(const auto cursor, opened->NewCursor());
        DOPPIO_RETURN_IF_ERROR(ReadFrom(cursor.get(), path, databases_.size() == 1, loaded));
      }
      return absl::OkStatus();
    }
    for (int i = 0; i < InputSize(); ++i) {
      const DatabaseReader* reader = InputBlob(i).template Get<DatabaseReader>();
      if (reader == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat("input ", i, " ", DescribeInput(i),
                                                       " must be a reader, as CreateDB makes one"));
      }
      DOPPIO_ASSIGN_OR_RETURN(const auto cursor, reader->NewCursor());
      DOPPIO_RETURN_IF_ERROR(
          ReadFrom(cursor.get(), reader->Description(), InputSize() == 1, loaded));
    }
    return absl::OkStatus();
  }

  absl::Status ReadFrom(DatabaseCursor* cursor, const std::string& source, bool is_only_one,
                        LoadedBlobs* loaded) const {
    while (cursor->Valid()) {
      DOPPIO_RETURN_IF_ERROR(Annotate(CancellationStatus(), source));
      const std::string name = absl::StrCat(
          add_prefix_, StripPrefix(std::string(NameOfChunkKey(cursor->Key())), strip_prefix_));
      if (load_all_ || wanted_.count(name) > 0) {
        BlobProto proto;
        const std::string where = absl::StrCat(source, ": \"", cursor->Key(), "\"");
        DOPPIO_RETURN_IF_ERROR(ParseProto(cursor->Value(), &proto, {}, where));
        DOPPIO_RETURN_IF_ERROR(CheckDevice(proto, where));
        DOPPIO_RETURN_IF_ERROR(loaded->Add(name, cursor->Key(), std::move(proto), source));
        // A database may be much larger than what is wanted of it.
        const bool has_all = loaded->complete() == static_cast<int>(wanted_.size());
        if (is_only_one && !load_all_ && has_all) return absl::OkStatus();
      }
      DOPPIO_RETURN_IF_ERROR(cursor->Next());
    }
    return absl::OkStatus();
  }

  absl::Status CheckDevice(const BlobProto& proto, const std::string& where) const {
    const int device = proto.tensor().device_detail().device_type();
    if (!keep_device_ || device == PROTO_CPU) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(where, ": is to be kept on its device, ",
                                                      DeviceName(static_cast<DeviceType>(device)),
                                                      ", which is not there"));
  }

  absl::Status CheckLoaded(const LoadedBlobs& loaded) const {
    std::vector<std::string> missing;
    for (const std::string& name : names_) {
      if (!loaded.Has(name)) missing.push_back(absl::StrCat("\"", name, "\""));
    }
    if (!missing.empty() && (load_all_ || !allow_incomplete_)) {
      return absl::NotFoundError(absl::StrCat(
          missing.size(), " of ", names_.size(), " blobs are not in ",
          InputSize() > 0 ? "the databases of the readers" : absl::StrJoin(databases_, ", "), ": ",
          absl::StrJoin(missing, ", ")));
    }
    if (shape_.empty() || names_.size() != 1 || !missing.empty()) return absl::OkStatus();
    const Tensor* tensor = loaded.TensorOf(names_[0]);
    if (tensor != nullptr && tensor->dims() == DimsView(shape_) &&
        (dtype_ == DataType::kUndefined || tensor->dtype() == dtype_)) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", names_[0], "\" is ", tensor == nullptr ? "no tensor" : tensor->TypeAndShape(),
        " in the database, but the arguments shape and dtype say ",
        dtype_ == DataType::kUndefined ? "" : DataTypeName(dtype_), ShapeToString(shape_)));
  }

  // An output that was made for this operator and got no value, as in Caffe2.
  void RemoveIfEmpty(int i) {
    if (!OutputBlob(i)->IsEmpty()) return;
    // Not where it is another workspace's.
    paths_.workspace().RemoveBlob(this->def().output(i)).IgnoreError();
  }

  const DatabasePaths paths_;
  const std::string type_;
  std::vector<std::string> databases_;
  const std::string strip_prefix_;
  const std::string add_prefix_;
  std::vector<std::string> names_;
  const bool load_all_;
  const bool allow_incomplete_;
  const bool keep_device_;
  const std::vector<int64_t> shape_;
  DataType dtype_ = DataType::kUndefined;
  std::set<std::string> wanted_;
};

DOPPIO_REGISTER_CPU_OPERATOR(Load, LoadOp<CPUContext>);
DOPPIO_NO_GRADIENT(Load);

}  // namespace
}  // namespace doppio
