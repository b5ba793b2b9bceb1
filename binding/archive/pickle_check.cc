#include "archive/pickle_check.h"

#include <c10/util/complex.h>
#include <c10/util/hash.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "archive/dict_keys.h"
#include "archive/nesting.h"
#include "archive/pickle_reader.h"
#include "archive/storage_types.h"

namespace semisup {
namespace {

// A list of 4 million numbers; networks have a few thousand values, text models with a vocabulary a
// few hundred thousand.
constexpr size_t kMaxValues = size_t{1} << 23;
constexpr size_t kMaxTypeLength = 4096;
constexpr size_t kMaxContainers = size_t{1} << 21;
// LibTorch's methods visit a shared module or list once per path that leads to it.
constexpr uint32_t kMaxVisits = uint32_t{1} << 24;
constexpr size_t kMaxDimensions = 64;

enum class Kind : uint8_t {
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kTuple,
  kList,
  kDict,
  kTensor,
  kObject,
  kComplexNumber,
  // A value of a type that nothing here looks into.
  kOther,
  // What GLOBAL pushes.
  kStorageType,
  kQuantizationScheme,
  kRebuildTensor,
  kRebuildQuantized,
  kRebuildParameter,
  kRebuildSparse,
  kBuildList,
  kRestoreType,
  kComplex,
  kOrderedDict,
  kDevice,
  kClass,
};

struct Value {
  Kind kind = Kind::kNone;
  // Of storage types and tensors.
  uint8_t bits = 0;
  // How deep the values inside are nested.
  uint32_t depth = 0;
  // How many values a traversal without memory visits; saturates.
  uint32_t visits = 0;
  // Int: the value. String: where it begins. Tuple: its first element. List, dict: its container.
  // Tensor: the bytes of its storage. Quantization scheme: whether it is per channel. Bool: 0 or 1.
  // Float: its bits. Complex number: its hash.
  int64_t number = 0;
  // String: its length. Tuple: the number of its elements. Tensor: the number of its elements.
  uint64_t size = 0;
};

struct Container {
  uint32_t depth = 1;
  uint32_t visits = 1;
  // Whether it is part of another value, whose depth was computed from this one's.
  bool is_complete = false;
};

uint32_t AddVisits(uint32_t a, uint32_t b) {
  return std::min(kMaxVisits + 1, std::min(a, kMaxVisits + 1) + std::min(b, kMaxVisits + 1));
}

// Stands for every number that a signed 64-bit number cannot represent.
constexpr uint64_t kTooMany = uint64_t{1} << 63;

uint64_t Multiply(uint64_t a, uint64_t b) { return a != 0 && b >= kTooMany / a ? kTooMany : a * b; }
uint64_t Add(uint64_t a, uint64_t b) { return a >= kTooMany - b ? kTooMany : a + b; }

class Checker {
 public:
  Checker(std::string_view pickle, const PickleContext& context)
      : reader_(pickle), context_(context) {}

  void Run() {
    if (reader_.ReadInstruction() != 0x80 || reader_.ReadByte() != 2)
      Fail("it does not begin as a pickle of protocol 2");
    while (true) {
      const uint8_t opcode = reader_.ReadInstruction();
      if (opcode == '.') break;
      Execute(opcode);
      if (stack_.size() > kMaxValues) Fail("it has more than 8 million values at once");
    }
    if (stack_.size() != 1 || !marks_.empty()) Fail("it ends with values left over");
    if (dict_keys_.HaveOversizedTable()) {
      Fail("the keys of a dict are chosen so that hashing them takes too much memory");
    }
  }

 private:
  [[noreturn]] void Fail(const std::string& reason) const { reader_.Fail(reason); }

  // The stack

  void Push(Value value) { stack_.push_back(value); }
  void PushKind(Kind kind) { stack_.push_back({.kind = kind}); }
  void PushInt(int64_t number) { stack_.push_back({.kind = Kind::kInt, .number = number}); }

  // The bottom of what may be popped: values below a mark belong to another container.
  size_t Floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void Require(size_t count) const {
    if (stack_.size() < Floor() + count) Fail("it takes a value from an empty stack");
  }
  Value Pop() {
    Require(1);
    const auto value = stack_.back();
    stack_.pop_back();
    return value;
  }
  size_t PopMark() {
    if (marks_.empty()) Fail("it takes a mark from an empty stack");
    const auto mark = marks_.back();
    marks_.pop_back();
    return mark;
  }

  // Containers

  // The depth and visits of a value as a part of another; completes a list or dict.
  std::pair<uint32_t, uint32_t> Enclose(const Value& value) {
    if (value.kind != Kind::kList && value.kind != Kind::kDict) {
      return {value.depth, value.visits};
    }
    auto& container = containers_[static_cast<size_t>(value.number)];
    container.is_complete = true;
    return {container.depth, container.visits};
  }

  void CheckBounds(uint32_t depth, uint32_t visits) const {
    if (depth > kMaxNesting) {
      Fail("values are nested more than " + std::to_string(kMaxNesting) + " deep");
    }
    if (visits > kMaxVisits) Fail("it refers to the same values more than 16 million times");
  }

  void CountContainer() {
    if (++container_count_ > kMaxContainers) Fail("it has more than 2 million containers");
  }

  void PushContainer(Kind kind) {
    CountContainer();
    Push({.kind = kind, .number = static_cast<int64_t>(containers_.size())});
    containers_.emplace_back();
  }

  // Adds the values from `begin` to the container, and removes them from the stack.
  void AddTo(const Value& target, size_t begin) {
    if (containers_[static_cast<size_t>(target.number)].is_complete) {
      Fail("it changes a list or dict that is already part of another value");
    }
    for (size_t i = begin; i < stack_.size(); i++) {
      const bool is_itself = stack_[i].kind == target.kind && stack_[i].number == target.number;
      if (is_itself) Fail("it adds a list or dict to itself");
      const auto [depth, visits] = Enclose(stack_[i]);
      auto& container = containers_[static_cast<size_t>(target.number)];
      container.depth = std::max(container.depth, depth + 1);
      container.visits = AddVisits(container.visits, visits);
      CheckBounds(container.depth, container.visits);
    }
    stack_.resize(begin);
  }

  Value TargetBelow(size_t mark, Kind kind) const {
    if (mark <= Floor() || mark > stack_.size() || stack_[mark - 1].kind != kind) {
      Fail("it adds values to something other than a list or dict");
    }
    return stack_[mark - 1];
  }

  void MakeTuple(size_t begin) {
    CountContainer();
    Value tuple{.kind = Kind::kTuple,
                .depth = 1,
                .visits = 1,
                .number = static_cast<int64_t>(elements_.size()),
                .size = stack_.size() - begin};
    if (elements_.size() + tuple.size > kMaxValues)
      Fail("its tuples have more than 8 million values");
    for (size_t i = begin; i < stack_.size(); i++) {
      const auto [depth, visits] = Enclose(stack_[i]);
      tuple.depth = std::max(tuple.depth, depth + 1);
      tuple.visits = AddVisits(tuple.visits, visits);
      elements_.push_back(stack_[i]);
    }
    CheckBounds(tuple.depth, tuple.visits);
    stack_.resize(begin);
    Push(tuple);
  }

  // Typed access to elements

  const Value& ElementOf(const Value& tuple, size_t index) const {
    if (tuple.kind != Kind::kTuple || index >= tuple.size)
      Fail("it calls a function with too few arguments");
    return elements_[static_cast<size_t>(tuple.number) + index];
  }
  Value Argument(const Value& tuple, size_t index, Kind kind) const {
    const auto& value = ElementOf(tuple, index);
    if (value.kind != kind) Fail("it calls a function with an argument of the wrong type");
    return value;
  }
  std::string_view Text(const Value& string) const {
    return reader_.Bytes(static_cast<size_t>(string.number), static_cast<size_t>(string.size));
  }
  // A tuple of integers of at least 0.
  std::vector<uint64_t> Sizes(const Value& tuple) const {
    if (tuple.size > kMaxDimensions) Fail("a tensor has more than 64 dimensions");
    std::vector<uint64_t> sizes(tuple.size);
    for (size_t i = 0; i < sizes.size(); i++) {
      const auto size = Argument(tuple, i, Kind::kInt).number;
      if (size < 0) Fail("a tensor has a negative size or stride");
      sizes[i] = static_cast<uint64_t>(size);
    }
    return sizes;
  }

  // Memo

  void Memoize(size_t id) {
    Require(1);
    // A pickler numbers its values in order; LibTorch's table grows to the highest number.
    if (id > memo_.size()) {
      Fail("it stores a value as number " + std::to_string(id) + ", but the next number is " +
           std::to_string(memo_.size()));
    }
    if (id == memo_.size())
      memo_.push_back(stack_.back());
    else
      memo_[id] = stack_.back();
  }
  void Recall(size_t id) {
    if (id >= memo_.size()) Fail("it refers to a value that it has not stored");
    Push(memo_[id]);
  }

  // Globals

  void PushGlobal() {
    const auto module = reader_.ReadLine();
    const auto name = reader_.ReadLine();
    Push(Resolve(module, name));
  }

  Value Resolve(std::string_view module, std::string_view name) {
    if (module == "torch") {
      for (const auto& type : kStorageTypes) {
        if (type.name == name) return {.kind = Kind::kStorageType, .bits = type.bits};
      }
      if (name == "device") return {.kind = Kind::kDevice};
      if (name == "per_tensor_affine") return {.kind = Kind::kQuantizationScheme, .number = 0};
      if (name == "per_channel_affine" || name == "per_channel_affine_float_qparams") {
        return {.kind = Kind::kQuantizationScheme, .number = 1};
      }
    } else if (module == "torch._utils") {
      if (name == "_rebuild_tensor_v2") return {.kind = Kind::kRebuildTensor};
      if (name == "_rebuild_qtensor") return {.kind = Kind::kRebuildQuantized};
      if (name == "_rebuild_parameter") return {.kind = Kind::kRebuildParameter};
      if (name == "_rebuild_sparse_tensor") return {.kind = Kind::kRebuildSparse};
    } else if (module == "torch.jit._pickle") {
      if (name == "restore_type_tag") return {.kind = Kind::kRestoreType};
      constexpr std::string_view kLists[] = {"build_intlist", "build_tensorlist",
                                             "build_doublelist", "build_boollist"};
      if (std::count(std::begin(kLists), std::end(kLists), name)) return {.kind = Kind::kBuildList};
    } else if (module == "collections" && name == "OrderedDict") {
      return {.kind = Kind::kOrderedDict};
    } else if (module == "builtins" && name == "complex") {
      return {.kind = Kind::kComplex};
    } else if (module == "__torch__" || module.starts_with("__torch__.")) {
      if (context_.on_class) context_.on_class(std::string(module) + "." + std::string(name));
      return {.kind = Kind::kClass};
    }
    Fail("it names '" + std::string(module.substr(0, 100)) + "." +
         std::string(name.substr(0, 100)) + "', which no TorchScript archive contains");
  }

  void Reduce() {
    const auto argument = Pop();
    const auto function = Pop();
    switch (function.kind) {
      case Kind::kRebuildTensor:
      case Kind::kRebuildQuantized:
        return RebuildTensor(argument, function.kind == Kind::kRebuildQuantized);
      case Kind::kRebuildParameter:
        return Push(Argument(argument, 0, Kind::kTensor));
      case Kind::kRebuildSparse:
        ElementOf(argument, 0);
        if (context_.on_sparse) context_.on_sparse();
        // Without storage or elements of its own, so that no other tensor can be made from it.
        return Push({.kind = Kind::kTensor});
      case Kind::kBuildList:
        return Push(Argument(argument, 0, Kind::kList));
      case Kind::kRestoreType:
        return RestoreType(argument);
      case Kind::kComplex:
        return PushComplex(Argument(argument, 0, Kind::kFloat),
                           Argument(argument, 1, Kind::kFloat));
      case Kind::kOrderedDict:
        return PushKind(Kind::kNone);
      case Kind::kDevice:
        Argument(argument, 0, Kind::kString);
        return PushKind(Kind::kOther);
      case Kind::kClass: {
        CountContainer();
        const auto [depth, visits] = Enclose(argument);
        CheckBounds(depth + 1, AddVisits(visits, 1));
        return Push({.kind = Kind::kObject, .depth = depth + 1, .visits = AddVisits(visits, 1)});
      }
      default:
        Fail("it calls a value that is not a function");
    }
  }

  void RestoreType(const Value& argument) {
    const auto& value = ElementOf(argument, 0);
    const auto type = Text(Argument(argument, 1, Kind::kString));
    if (value.kind != Kind::kList && value.kind != Kind::kDict) {
      Fail("it sets the type of a value that is neither a list nor a dict");
    }
    size_t depth = 0;
    for (const char c : type) {
      if (c == '[' || c == '(' || c == '{') depth++;
      if (c == ']' && depth > 0) depth--;
      if (depth > kMaxNesting) Fail("a type is nested too deeply");
    }
    if (type.size() > kMaxTypeLength) {
      Fail("a type is longer than " + std::to_string(kMaxTypeLength) + " bytes");
    }
    if (context_.on_type) context_.on_type(type);
    Push(value);
  }

  void LoadStorage() {
    const auto id = Pop();
    if (Text(Argument(id, 0, Kind::kString)) != "storage") Fail("it refers to an unknown object");
    const auto bits = Argument(id, 1, Kind::kStorageType).bits;
    const auto key = Text(Argument(id, 2, Kind::kString));
    Argument(id, 3, Kind::kString);
    const auto elements = Argument(id, 4, Kind::kInt).number;
    if (elements < 0) Fail("a storage has a negative size");
    // LibTorch multiplies by a whole number of bytes.
    const auto bytes = Multiply(static_cast<uint64_t>(elements), (bits + 7) / 8);
    uint64_t available = 0;
    if (elements > 0) {
      const auto size = context_.storage_size(key);
      if (!size)
        Fail("a storage refers to the record '" + std::string(key.substr(0, 100)) +
             "', which is missing");
      available = *size;
      storage_bytes_ += available;
      if (storage_bytes_ > context_.max_storage_bytes) {
        Fail("it reads the same storages repeatedly, more bytes than the archive has");
      }
    }
    if (bytes > available) {
      Fail("a storage claims " + std::to_string(elements) + " elements of " +
           std::to_string((bits + 7) / 8) + " bytes, but its record has " +
           std::to_string(available) + " bytes");
    }
    Push({.kind = Kind::kTensor,
          .bits = bits,
          .number = static_cast<int64_t>(bytes),
          .size = static_cast<uint64_t>(elements)});
  }

  void RebuildTensor(const Value& argument, bool is_quantized) {
    const auto storage = Argument(argument, 0, Kind::kTensor);
    const auto offset = Argument(argument, 1, Kind::kInt).number;
    const auto sizes = Sizes(Argument(argument, 2, Kind::kTuple));
    const auto strides = Sizes(Argument(argument, 3, Kind::kTuple));
    if (is_quantized) CheckQuantization(Argument(argument, 4, Kind::kTuple), sizes);
    ElementOf(argument, 5);
    if (offset < 0 || sizes.size() != strides.size() || storage.bits == 0) {
      Fail("a tensor has a negative offset, or not as many strides as sizes");
    }
    uint64_t elements = 1;
    // The index after the last element.
    uint64_t end = static_cast<uint64_t>(offset) + 1;
    bool is_empty = false;
    for (size_t i = 0; i < sizes.size(); i++) {
      const auto size = std::max<uint64_t>(sizes[i], 1);
      is_empty = is_empty || sizes[i] == 0;
      elements = Multiply(elements, size);
      end = Add(end, Multiply(size - 1, strides[i]));
    }
    if (elements == kTooMany || end == kTooMany) {
      Fail("a tensor has more elements than a number can count");
    }
    if (!is_empty && Multiply(end, storage.bits) > static_cast<uint64_t>(storage.number) * 8) {
      Fail("a tensor reaches to element " + std::to_string(end) + " of a storage of " +
           std::to_string(storage.number) + " bytes");
    }
    Push({.kind = Kind::kTensor,
          .bits = storage.bits,
          .number = storage.number,
          .size = is_empty ? 0 : elements});
  }

  void CheckQuantization(const Value& parameters, const std::vector<uint64_t>& sizes) const {
    if (Argument(parameters, 0, Kind::kQuantizationScheme).number == 0) {
      Argument(parameters, 1, Kind::kFloat);
      Argument(parameters, 2, Kind::kInt);
      return;
    }
    const auto scales = Argument(parameters, 1, Kind::kTensor);
    const auto zero_points = Argument(parameters, 2, Kind::kTensor);
    const auto axis = Argument(parameters, 3, Kind::kInt).number;
    if (axis < 0 || static_cast<size_t>(axis) >= sizes.size() ||
        scales.size < sizes[static_cast<size_t>(axis)] ||
        zero_points.size < sizes[static_cast<size_t>(axis)]) {
      Fail("a quantized tensor has fewer scales or zero points than channels");
    }
  }

  void Execute(uint8_t opcode) {
    switch (opcode) {
      case ']':
        return PushContainer(Kind::kList);
      case '}':
        return PushContainer(Kind::kDict);
      case ')':
        return Push({.kind = Kind::kTuple,
                     .depth = 1,
                     .visits = 1,
                     .number = static_cast<int64_t>(elements_.size())});
      case 'q':
        return Memoize(reader_.ReadByte());
      case 'r':
        return Memoize(static_cast<size_t>(reader_.ReadLittleEndian(4)));
      case 'h':
        return Recall(reader_.ReadByte());
      case 'j':
        return Recall(static_cast<size_t>(reader_.ReadLittleEndian(4)));
      case '(':
        if (marks_.size() > kMaxValues) Fail("it has too many marks");
        return marks_.push_back(stack_.size());
      case 0x88:
      case 0x89:
        return Push({.kind = Kind::kBool, .number = opcode == 0x88});
      case 'N':
        return PushKind(Kind::kNone);
      case 'K':
        return PushInt(reader_.ReadByte());
      case 'M':
        return PushInt(static_cast<int64_t>(reader_.ReadLittleEndian(2)));
      case 'J':
        return PushInt(static_cast<int32_t>(reader_.ReadLittleEndian(4)));
      case 0x8a:
        if (reader_.ReadByte() != 8) Fail("an integer does not have 8 bytes");
        return PushInt(static_cast<int64_t>(reader_.ReadLittleEndian(8)));
      case 'G':
        return Push(
            {.kind = Kind::kFloat, .number = static_cast<int64_t>(reader_.ReadBigEndian(8))});
      case 'X': {
        const auto length = static_cast<size_t>(reader_.ReadLittleEndian(4));
        const auto begin = static_cast<int64_t>(reader_.Skip(length));
        return Push({.kind = Kind::kString, .number = begin, .size = length});
      }
      case 't':
        return MakeTuple(PopMark());
      case 0x85:
      case 0x86:
      case 0x87: {
        const size_t count = opcode - 0x84;
        Require(count);
        return MakeTuple(stack_.size() - count);
      }
      case 'e': {
        const auto mark = PopMark();
        return AddTo(TargetBelow(mark, Kind::kList), mark);
      }
      case 'a': {
        Require(2);
        return AddTo(TargetBelow(stack_.size() - 1, Kind::kList), stack_.size() - 1);
      }
      case 'l':
      case 'd': {
        // The container goes below its elements, so that AddTo() can remove them.
        const auto mark = PopMark();
        PushContainer(opcode == 'l' ? Kind::kList : Kind::kDict);
        std::rotate(stack_.begin() + static_cast<ptrdiff_t>(mark), stack_.end() - 1, stack_.end());
        if (opcode == 'd') return AddPairs(stack_[mark], mark + 1);
        return AddTo(stack_[mark], mark + 1);
      }
      case 'u': {
        const auto mark = PopMark();
        return AddPairs(TargetBelow(mark, Kind::kDict), mark);
      }
      case 's': {
        Require(3);
        return AddPairs(TargetBelow(stack_.size() - 2, Kind::kDict), stack_.size() - 2);
      }
      case 'c':
        return PushGlobal();
      case 0x81: {
        if (Pop().kind != Kind::kTuple) Fail("it creates an object with arguments");
        Require(1);
        if (stack_.back().kind != Kind::kClass)
          Fail("it creates an object of something other than a class");
        return;
      }
      case 'b':
      case 'R':
        return Reduce();
      case 'Q':
        return LoadStorage();
      default:
        Fail("it has the instruction " + std::to_string(opcode) +
             ", which no TorchScript archive contains");
    }
  }

  // Adds keys and values in turns, from `begin` on, to the dict.
  void AddPairs(const Value& dict, size_t begin) {
    if ((stack_.size() - begin) % 2 != 0) Fail("a dict has a key without a value");
    for (size_t i = begin; i < stack_.size(); i += 2) {
      const auto kind = stack_[i].kind;
      // LibTorch hashes other keys by their contents, as deep as they are.
      const bool is_key = kind == Kind::kString || kind == Kind::kInt || kind == Kind::kFloat ||
                          kind == Kind::kBool || kind == Kind::kTensor ||
                          kind == Kind::kComplexNumber || kind == Kind::kOther;
      if (!is_key) Fail("a dict has a key of an unexpected type");
      if (const auto hash = HashOf(stack_[i])) {
        dict_keys_.Add(static_cast<size_t>(dict.number), *hash);
      }
    }
    AddTo(dict, begin);
  }

  // As in ATen/core/Dict_inl.h. Nothing for tensors, which are hashed by their addresses, and for
  // devices, of which there are few.
  std::optional<uint64_t> HashOf(const Value& key) const {
    switch (key.kind) {
      case Kind::kString:
        return std::hash<std::string_view>()(Text(key));
      case Kind::kInt:
        return std::hash<int64_t>()(key.number);
      case Kind::kBool:
        return std::hash<bool>()(key.number != 0);
      case Kind::kFloat:
        return std::hash<double>()(std::bit_cast<double>(key.number));
      case Kind::kComplexNumber:
        return static_cast<uint64_t>(key.number);
      default:
        return std::nullopt;
    }
  }

  void PushComplex(const Value& real, const Value& imaginary) {
    const c10::complex<double> number{std::bit_cast<double>(real.number),
                                      std::bit_cast<double>(imaginary.number)};
    const auto hash = c10::hash<c10::complex<double>>()(number);
    Push({.kind = Kind::kComplexNumber, .number = static_cast<int64_t>(hash)});
  }

  PickleReader reader_;
  const PickleContext& context_;
  std::vector<Value> stack_;
  std::vector<size_t> marks_;
  std::vector<Value> memo_;
  std::vector<Value> elements_;
  std::vector<Container> containers_;
  DictKeys dict_keys_;
  size_t container_count_ = 0;
  uint64_t storage_bytes_ = 0;
};

}  // namespace

void CheckPickle(std::string_view pickle, const PickleContext& context) {
  Checker(pickle, context).Run();
}

}  // namespace semisup
