#include "compiled/compiled_model_functions.h"
#include "functions.h"
#include "runtime/close_executor.h"
#include "runtime/export.h"
#include "search/vector_store_functions.h"
#include "tensor/host_tensor_functions.h"

namespace semisup {

void DefineFunctions(Napi::Env env, Napi::Object exports) {
  DefineSharedFunctions(env, exports);
  compiled::DeclareMappedFiles(env);
  search::DeclareVectorStores(env);
  Export<CloseExecutor<compiled::CompiledModel, search::VectorStore>>(exports, "closeExecutor");
  Export<host::CreateTensor>(exports, "createTensor");
  Export<host::DescribeTensor>(exports, "describeTensor");
  Export<host::ReadTensor>(exports, "readTensor");
  Export<host::ReshapeTensor>(exports, "reshapeTensor");
  Export<host::SummarizeTensor>(exports, "summarizeTensor");
  Export<host::ToHostTensor>(exports, "toHostTensor");
  Export<host::DisposeTensor>(exports, "disposeTensor");
  Export<compiled::OpenModel>(exports, "openModel");
  Export<compiled::ReadMetadata>(exports, "readMetadata");
  Export<compiled::CallMethod>(exports, "callMethod");
  Export<compiled::SoftmaxTopK>(exports, "softmaxTopk");
  Export<search::CreateVectors>(exports, "createVectors");
  Export<search::OpenVectors>(exports, "openVectors");
  Export<search::AppendVectors>(exports, "appendVectors");
  Export<search::RemoveVectors>(exports, "removeVectors");
  Export<search::CompactVectors>(exports, "compactVectors");
  Export<search::ReadVectors>(exports, "readVectors");
  Export<search::SearchVectors>(exports, "searchVectors");
  Export<search::UniteVectors>(exports, "uniteVectors");
  Export<search::CompareVectors>(exports, "compareVectors");
}

}  // namespace semisup
