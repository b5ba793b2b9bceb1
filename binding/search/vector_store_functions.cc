#include "search/vector_store_functions.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "runtime/error.h"
#include "runtime/job.h"
#include "search/nearest.h"
#include "search/pairs.h"

namespace semisup::search {
namespace {

constexpr const char* kMappedUsage = "MappedFile";

engine::DType ToDType(Napi::Value name) {
  return name.As<Napi::String>().Utf8Value() == "bfloat16" ? engine::DType::kBFloat16
                                                           : engine::DType::kFloat32;
}

// The rows of a Float32Array [n, dimensions].
std::vector<const float*> ToVectors(Napi::Value value, const VectorStore& store) {
  const auto array = value.As<Napi::Float32Array>();
  const auto dimensions = static_cast<size_t>(store.dimensions());
  if (array.ElementLength() % dimensions != 0) {
    throw Error("ERR_SEMISUP_OPTION_VALUE", "Expected vectors of " + std::to_string(dimensions) +
                                                " elements, but received others.");
  }
  std::vector<const float*> vectors;
  for (size_t at = 0; at < array.ElementLength(); at += dimensions) {
    vectors.push_back(array.Data() + at);
  }
  return vectors;
}

template <class T>
std::vector<T> ToNumbers(Napi::Value value) {
  const auto array = value.As<Napi::Int32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

void CheckRows(const VectorStore& store, int64_t first, int64_t count) {
  if (first >= 0 && count >= 0 && first <= store.rows() - count) return;
  throw Error("ERR_SEMISUP_OPTION_VALUE", "The vectors have fewer rows.");
}

template <class Row>
void CheckRows(const VectorStore& store, const std::vector<Row>& rows) {
  for (const auto row : rows) CheckRows(store, row, 1);
}

template <class Array, class T>
Array ToTypedArray(Napi::Env env, const std::vector<T>& values) {
  auto array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

// Returns a function that updates what V8 and memory() know of the size of a store.
auto ReportSize(Napi::Value handle) {
  auto reference =
      std::make_shared<Napi::ObjectReference>(Napi::Persistent(handle.As<Napi::Object>()));
  return [reference](Napi::Env env, int64_t bytes) {
    auto& holder = HolderOf<VectorStore>(reference->Value());
    if (!holder.object) return;
    holder.Account(env, -1);
    holder.bytes = bytes;
    holder.Account(env, +1);
  };
}

struct Appended {
  // The index of a vector that is not finite; nothing was appended then.
  std::optional<int64_t> invalid;
  int64_t bytes;
};

struct OpenedVectors {
  std::shared_ptr<VectorStore> store;
  std::weak_ptr<const void> file;
  int64_t bytes;
};

QueueOptions WithTaskId(Napi::Value task_id) {
  return {.task_id = task_id.As<Napi::Number>().Int64Value()};
}

}  // namespace

void DeclareVectorStores(Napi::Env env) {
  Environment::Of(env).UsageOf(HandleTraits<VectorStore>::kName);
}

Napi::Value CreateVectors(const Napi::CallbackInfo& info) {
  const auto dimensions = info[1].As<Napi::Number>().Int64Value();
  return Wrap(info.Env(), std::make_shared<VectorStore>(ToDType(info[0]), dimensions));
}

Napi::Value OpenVectors(const Napi::CallbackInfo& info) {
  const std::string path = info[1].As<Napi::String>();
  const auto header = info[2].As<Napi::Uint8Array>();
  const auto layout = info[3].As<Napi::Object>();
  const auto number = [&](const char* name) {
    return layout.Get(name).As<Napi::Number>().Int64Value();
  };
  auto open = [path, header_data = header.Data(), header_bytes = header.ByteLength(),
               dtype = ToDType(layout.Get("dtype")), dimensions = number("dimensions"),
               offset = number("offset"), rows = number("rows")] {
    engine::MappedFile file;
    try {
      file = engine::MapFile(path);
    } catch (const std::runtime_error& failure) {
      throw Error("ERR_SEMISUP_INDEX_NOT_FOUND", failure.what());
    }
    if (file.bytes < header_bytes || std::memcmp(file.data, header_data, header_bytes) != 0) {
      throw Error("ERR_SEMISUP_INDEX_FORMAT", "it was replaced while it was read");
    }
    const auto bytes = static_cast<int64_t>(file.bytes);
    return WithCode("ERR_SEMISUP_INDEX_FORMAT", [&] {
      const std::weak_ptr owner(file.owner);
      auto store = std::make_shared<VectorStore>(dtype, dimensions, std::move(file), offset, rows);
      return OpenedVectors{std::move(store), owner, bytes};
    });
  };
  auto result = [](Napi::Env env, OpenedVectors&& opened) -> Napi::Value {
    Environment::Of(env).ReportUsage(kMappedUsage, [file = opened.file, bytes = opened.bytes] {
      return file.expired() ? std::nullopt : std::optional(bytes);
    });
    return Wrap(env, std::move(opened.store));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), {header}}, std::move(open), result);
}

Napi::Value AppendVectors(const Napi::CallbackInfo& info) {
  const auto store = Unwrap<VectorStore>(info[1]);
  auto vectors = ToVectors(info[2], *store);
  auto append = [store, vectors = std::move(vectors), removed = ToNumbers<int64_t>(info[3])] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      CheckRows(*store, removed);
      const auto invalid = store->Append(vectors);
      if (!invalid) store->Remove(removed);
      return Appended{invalid, store->bytes()};
    });
  };
  auto result = [report = ReportSize(info[1])](Napi::Env env, const Appended& appended) {
    report(env, appended.bytes);
    if (!appended.invalid) return env.Undefined();
    return Napi::Value(Napi::Number::New(env, static_cast<double>(*appended.invalid)));
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), {info[2].As<Napi::Object>()}},
                std::move(append), result);
}

Napi::Value RemoveVectors(const Napi::CallbackInfo& info) {
  const auto store = Unwrap<VectorStore>(info[1]);
  auto remove = [store, rows = ToNumbers<int64_t>(info[2])] {
    CheckRows(*store, rows);
    store->Remove(rows);
    return std::monostate{};
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(remove), &ToUndefined);
}

Napi::Value CompactVectors(const Napi::CallbackInfo& info) {
  const auto store = Unwrap<VectorStore>(info[1]);
  auto compact = [store] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      store->Compact();
      return store->bytes();
    });
  };
  auto result = [report = ReportSize(info[1])](Napi::Env env, int64_t bytes) -> Napi::Value {
    report(env, bytes);
    return env.Undefined();
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(compact), result);
}

Napi::Value ReadVectors(const Napi::CallbackInfo& info) {
  const auto store = Unwrap<VectorStore>(info[1]);
  auto target = info[4].As<Napi::Uint8Array>();
  auto read = [store, first = info[2].As<Napi::Number>().Int64Value(),
               count = info[3].As<Napi::Number>().Int64Value(), data = target.Data(),
               bytes = target.ByteLength()] {
    CheckRows(*store, first, count);
    if (static_cast<int64_t>(bytes) != count * store->row_bytes()) {
      throw Error("ERR_SEMISUP_OPTION_VALUE", "The buffer has another size than the rows.");
    }
    store->Read(first, count, reinterpret_cast<char*>(data));
    return std::monostate{};
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0]), {target}}, std::move(read), &ToUndefined);
}

Napi::Value SearchVectors(const Napi::CallbackInfo& info) {
  const auto store = Unwrap<VectorStore>(info[1]);
  auto queries = ToVectors(info[2], *store);
  const SubmitOptions options{
      Unwrap<Executor>(info[0]), {info[2].As<Napi::Object>()}, WithTaskId(info[4])};
  auto search = [store, queries = std::move(queries),
                 limit = info[3].As<Napi::Number>().Int64Value()] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      return FindNearest(*store, queries, std::min(limit, store->live_rows()));
    });
  };
  auto result = [](Napi::Env env, Neighbors&& neighbors) -> Napi::Value {
    auto object = Napi::Object::New(env);
    object.Set("rows", ToTypedArray<Napi::Int32Array>(env, neighbors.rows));
    object.Set("scores", ToTypedArray<Napi::Float32Array>(env, neighbors.scores));
    return object;
  };
  return Submit(info.Env(), options, std::move(search), result);
}

Napi::Value UniteVectors(const Napi::CallbackInfo& info) {
  const auto store = Unwrap<VectorStore>(info[1]);
  auto parents = info[5].As<Napi::Int32Array>();
  const SubmitOptions options{Unwrap<Executor>(info[0]), {parents}, WithTaskId(info[6])};
  auto unite = [store, first = info[2].As<Napi::Number>().Int64Value(),
                count = info[3].As<Napi::Number>().Int64Value(),
                threshold = info[4].As<Napi::Number>().FloatValue(), data = parents.Data(),
                end = static_cast<int64_t>(parents.ElementLength())] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      CheckRows(*store, 0, end);
      if (first < 0 || count < 0 || first > end - count) {
        throw Error("ERR_SEMISUP_OPTION_VALUE", "The vectors have fewer rows.");
      }
      UnitePairs(*store, {first, count}, end, threshold, data);
      return std::monostate{};
    });
  };
  return Submit(info.Env(), options, std::move(unite), &ToUndefined);
}

Napi::Value CompareVectors(const Napi::CallbackInfo& info) {
  const auto store = Unwrap<VectorStore>(info[1]);
  auto compare = [store, a = ToNumbers<int32_t>(info[2]), b = ToNumbers<int32_t>(info[3])] {
    return WithCode("ERR_SEMISUP_TENSOR", [&] {
      CheckRows(*store, a);
      CheckRows(*store, b);
      return CompareRows(*store, a, b);
    });
  };
  auto result = [](Napi::Env env, std::vector<float>&& scores) -> Napi::Value {
    return ToTypedArray<Napi::Float32Array>(env, scores);
  };
  return Submit(info.Env(), {Unwrap<Executor>(info[0])}, std::move(compare), result);
}

}  // namespace semisup::search
