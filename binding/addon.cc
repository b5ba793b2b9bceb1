#include "environment.h"

namespace semisup {
NODE_API_ADDON(Environment)
}  // namespace semisup
