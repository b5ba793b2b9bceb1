#include <napi.h>

#include "functions.h"
#include "runtime/environment.h"

namespace semisup {
namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  // Creates the Environment and makes it the instance data, which Environment::Of() returns.
  Environment::Init(env, exports);
  DefineFunctions(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)

}  // namespace semisup
