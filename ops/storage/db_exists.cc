#include <algorithm>

#include "absl/strings/str_join.h"
#include "doppio/database.h"
#include "doppio/gradient_maker.h"
#include "doppio/registry.h"
#include "ops/storage/database_path.h"

namespace doppio {
namespace {

DOPPIO_OPERATOR_SCHEMA(DBExists)
    .NumInputs(0)
    .NumOutputs(1)
    .Doc(R"DOC(
Whether there is a database of that type at that path: one that can be opened, or that somebody else
holds.

Example: DBExists() -> exists gives false for the `db_name` "nothing_here".
)DOC")
    .Arg<bool>(kAbsolutePath, kAbsolutePathDoc, false)
    .RequiredArg<std::string>("db_name", "path of the database")
    .RequiredArg<std::string>(kDbType, kDbTypeDoc)
    .Output(0, "exists", "scalar bool")
    .TensorInference([](InferenceContext* context) {
      context->SetOutput(0, DataType::kBool, {});
      return absl::OkStatus();
    })
    .HasSideEffects();

template <class Context>
class DBExistsOp final : public Operator<Context> {
 public:
  DOPPIO_USE_OPERATOR_FUNCTIONS;
  explicit DBExistsOp(OperatorInit* init)
      : Operator<Context>(init),
        paths_(init),
        name_(init->GetSingleArgument<std::string>("db_name")),
        type_(init->GetSingleArgument<std::string>(kDbType)) {
    const std::vector<std::string> types = DatabaseTypes();
    if (std::find(types.begin(), types.end(), type_) == types.end()) {
      init->Fail(absl::InvalidArgumentError(absl::StrCat(
          "db_type is \"", type_, "\", which is none of ", absl::StrJoin(types, ", "))));
    }
  }

  absl::Status RunOnDevice() override {
    DOPPIO_ASSIGN_OR_RETURN(const std::string path, paths_.PathOf(name_));
    const absl::Status opened = OpenDatabase(type_, path, DatabaseMode::kRead).status();
    DOPPIO_ASSIGN_OR_RETURN(Tensor * exists, Output(0, DataType::kBool, {}));
    *exists->template mutable_data<bool>() = opened.ok() || absl::IsUnavailable(opened);
    return absl::OkStatus();
  }

 private:
  const DatabasePaths paths_;
  const std::string name_;
  const std::string type_;
};

DOPPIO_REGISTER_CPU_OPERATOR(DBExists, DBExistsOp<CPUContext>);
DOPPIO_SHOULD_NOT_DO_GRADIENT(DBExists);

}  // namespace
}  // namespace doppio
