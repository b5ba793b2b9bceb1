#include "script/outputs.h"

#include <ATen/core/List.h>

#include <utility>

#include "runtime/error.h"

namespace semisup {

std::vector<at::Tensor> OutputsOf(const c10::IValue& value) {
  if (value.isTensor()) return {value.toTensor()};
  std::vector<at::Tensor> tensors;
  const auto add = [&](const c10::IValue& element) {
    if (!element.isTensor()) {
      throw Error("ERR_SEMISUP_SCRIPT", "The method returned " + element.type()->annotation_str() +
                                            " in place of a tensor.");
    }
    tensors.push_back(element.toTensor());
  };
  if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) add(element);
  } else if (value.isList()) {
    for (const auto& element : value.toListRef()) add(element);
  } else {
    add(value);
  }
  return tensors;
}

c10::IValue SelectOutputs(const c10::IValue& value, const OutputSelection& selected) {
  const auto outputs = OutputsOf(value);
  c10::List<at::Tensor> list;
  for (const size_t index : engine::SelectedIndices(selected, outputs.size())) {
    list.push_back(outputs[index]);
  }
  return list;
}

c10::IValue FromOutputs(std::vector<at::Tensor> outputs, const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::ListType) return c10::List<at::Tensor>(outputs);
  const auto tuple = type->cast<c10::TupleType>();
  if (!tuple) return outputs.at(0);
  std::vector<c10::IValue> elements(outputs.begin(), outputs.end());
  if (tuple->schema()) return c10::ivalue::Tuple::createNamed(std::move(elements), tuple);
  return c10::ivalue::Tuple::create(std::move(elements));
}

}  // namespace semisup
