#include "doppio/database.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/storage/database_path.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(CreateDB)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Opens a database to read from: a reader, a blob that is no tensor, which input operators and Load take.
The operators that read from one reader, on several threads if need be, get one record after the other,
each record once; behind the last one comes the first again. With shards, it reads every num_shards-th
record, from record shard_id on.

A run with a reader that is open begins at the first record again. The path is taken as it is, and does
not begin at the root folder of the workspace; but it must lead there, or where else the workspace allows
files (Workspace::SetFileAccess).

Example: CreateDB() -> reader with `db` "train_lmdb" and `db_type` "lmdb".
)DOC")
    .Arg<std::string>(kDbType, kDbTypeDoc, "leveldb")
    .RequiredArg<std::string>("db", "path of the database")
    .Arg<int>("num_shards", "parts that the records are dealt to, at least 1", 1)
    .Arg<int>("shard_id", "which of them is read, from 0 on", 0)
    .Output(0, "reader", "a reader, which is no tensor")
    .HasSideEffects();

template <class Context>
class CreateDBOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit CreateDBOp(OperatorInit* init)
      : Operator<Context>(init),
        files_(init),
        type_(init->GetSingleArgument<std::string>(kDbType)),
        path_(init->GetSingleArgument<std::string>("db")),
        num_shards_(init->GetSingleArgument<int>("num_shards")),
        shard_id_(init->GetSingleArgument<int>("shard_id")) {
    if (path_.empty()) init->Fail(absl::InvalidArgumentError("db, the database's path, is empty"));
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::string path, files_.Allowed(path_));
    return OutputBlob(0)->template GetMutable<DatabaseReader>()->Open(type_, path, num_shards_,
                                                                      shard_id_);
  }

 private:
  const NamedFiles files_;
  const std::string type_;
  const std::string path_;
  const int num_shards_;
  const int shard_id_;
};

DOPPIO_REGISTER_CPU_OPERATOR(CreateDB, CreateDBOp<CPUContext>);
DOPPIO_NO_GRADIENT(CreateDB);

}  // namespace
}  // namespace doppio
