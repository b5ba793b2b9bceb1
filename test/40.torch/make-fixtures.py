"""Writes the TorchScript archives in fixtures/, and goldens.json with the results of PyTorch.

Requires torch 2.13:  python make-fixtures.py
"""

import base64
import io
import json
import math
import struct
import zipfile
import zlib
from enum import Enum
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from torch import Tensor, nn

FIXTURES = Path(__file__).parent / "fixtures"


class Scripted(nn.Module):
    """Control flow that depends on tensors and integers, and a dropout that is visible in training mode."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)
        self.dropout = nn.Dropout(0.999)
        self.linear.weight.data = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]])
        self.linear.bias.data = torch.tensor([0.25, -0.25])

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(self.linear(x))
        if bool(y.sum() > 0):
            return y
        return -y

    @torch.jit.export
    def repeat(self, x: Tensor, times: int) -> Tensor:
        y = x
        for i in range(times):
            if i % 2 == 0:
                y = y * 2
            else:
                y = y + 1
        while bool(y.max() > 100):
            y = y / 2
        return y


class Traced(nn.Module):
    """Several results, including a dict of tensors."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 1)
        self.conv.weight.data = torch.tensor([2.0, -1.0]).view(2, 1, 1, 1)
        self.conv.bias.data = torch.tensor([1.0, 0.5])

    def forward(self, x: Tensor):
        y = self.conv(x)
        return y, y.mean((2, 3)), {"maximum": y.amax(), "positive": y > 0}


class Point(NamedTuple):
    x: float
    y: float = 0.5


class Segment(NamedTuple):
    start: Point
    end: Point
    label: Optional[str]


class Values(nn.Module):
    """Every type of argument and result, without parameters."""

    def forward(self, x: Tensor) -> Tensor:
        return x + x

    @torch.jit.export
    def integer(self, n: int) -> int:
        return n

    @torch.jit.export
    def real(self, x: float) -> float:
        return x

    @torch.jit.export
    def divide(self, a: int, b: float) -> Tuple[int, float]:
        return a // 2, b / 2

    @torch.jit.export
    def negate(self, b: bool) -> bool:
        return not b

    @torch.jit.export
    def text(self, s: str) -> Tuple[str, int]:
        return s + "!", len(s)

    @torch.jit.export
    def nothing(self) -> None:
        return None

    @torch.jit.export
    def optional(self, n: Optional[int]) -> Optional[int]:
        return None if n is None else n + 1

    @torch.jit.export
    def device(self, d: torch.device) -> torch.device:
        return d

    @torch.jit.export
    def integers(self, numbers: List[int]) -> List[int]:
        return numbers + [0]

    @torch.jit.export
    def reals(self, numbers: List[float]) -> List[float]:
        return [x / 2 for x in numbers]

    @torch.jit.export
    def booleans(self, flags: List[bool]) -> List[bool]:
        return [not flag for flag in flags]

    @torch.jit.export
    def words(self, words: List[str]) -> List[str]:
        words.append("last")
        return words

    @torch.jit.export
    def tensors(self, tensors: List[Tensor]) -> List[Tensor]:
        return [x + 1 for x in tensors]

    @torch.jit.export
    def matrix(self, rows: List[List[int]]) -> List[List[int]]:
        return [row + [len(row)] for row in rows]

    @torch.jit.export
    def gaps(self, numbers: List[Optional[float]]) -> List[Optional[float]]:
        return numbers

    @torch.jit.export
    def nested(
        self, value: Tuple[int, Tuple[str, List[float]], Dict[str, List[Tensor]]]
    ) -> Dict[str, List[Tuple[int, str, Tensor]]]:
        n, (s, numbers), tensors = value
        answer: Dict[str, List[Tuple[int, str, Tensor]]] = {}
        for name, several in tensors.items():
            row: List[Tuple[int, str, Tensor]] = []
            for x in several:
                row.append((n + len(numbers), s + name, x))
            answer[name] = row
        return answer

    @torch.jit.export
    def empties(
        self, a: List[int], b: Dict[str, int], c: Tuple[()]
    ) -> Tuple[List[int], Dict[str, int], Tuple[()], str]:
        return a, b, c, ""

    @torch.jit.export
    def count(self, numbers: Dict[str, int]) -> Dict[str, int]:
        return {name: number + 1 for name, number in numbers.items()}

    @torch.jit.export
    def by_number(self, tensors: Dict[int, Tensor]) -> Dict[int, Tensor]:
        return {-n: x * n for n, x in tensors.items()}

    @torch.jit.export
    def by_real(self, names: Dict[float, str]) -> Dict[float, str]:
        return names

    @torch.jit.export
    def by_flag(self, names: Dict[bool, str]) -> Dict[bool, str]:
        return names

    @torch.jit.export
    def turn(self, numbers: Dict[str, int]) -> Dict[int, str]:
        return {number: name for name, number in numbers.items()}

    @torch.jit.export
    def mirror(self, point: Point) -> Point:
        return Point(point.y, point.x)

    @torch.jit.export
    def reverse(self, segment: Segment) -> Segment:
        return Segment(segment.end, segment.start, segment.label)

    @torch.jit.export
    def anything(self, value: Any) -> Any:
        return value

    @torch.jit.export
    def kind(self, value: Any) -> str:
        if isinstance(value, Tensor):
            return "Tensor"
        if isinstance(value, bool):
            return "bool"
        if isinstance(value, int):
            return "int"
        if isinstance(value, float):
            return "float"
        if isinstance(value, str):
            return "str"
        if value is None:
            return "None"
        if isinstance(value, List[int]):
            return "List[int]"
        if isinstance(value, List[float]):
            return "List[float]"
        if isinstance(value, List[bool]):
            return "List[bool]"
        if isinstance(value, List[str]):
            return "List[str]"
        if isinstance(value, List[Tensor]):
            return "List[Tensor]"
        if isinstance(value, List[List[int]]):
            return "List[List[int]]"
        if isinstance(value, Dict[str, int]):
            return "Dict[str, int]"
        if isinstance(value, Dict[str, Tensor]):
            return "Dict[str, Tensor]"
        if isinstance(value, Dict[int, str]):
            return "Dict[int, str]"
        return "other"

    @torch.jit.export
    def one_of(self, value: Union[float, int, str, List[float], None]) -> str:
        if isinstance(value, int):
            return "int"
        if isinstance(value, float):
            return "float"
        if isinstance(value, str):
            return "str"
        if value is None:
            return "None"
        return "List[float]"


class Arguments(nn.Module):
    """Defaults, optional and keyword arguments, and names that are special in JavaScript."""

    def forward(
        self, x: Tensor, scale: float = 2.0, bias: Optional[Tensor] = None, times: int = 1
    ) -> Tensor:
        for _ in range(times):
            x = x * scale
        return x if bias is None else x + bias

    @torch.jit.export
    def keyword_only(self, a: int, *, b: int, c: str) -> Tuple[int, int, str]:
        return a, b, c

    @torch.jit.export
    def defaults(
        self,
        i: int = 7,
        f: float = 1.5,
        b: bool = True,
        s: str = "é",
        n: Optional[int] = None,
        t: Tuple[int, str] = (1, "a"),
    ) -> Tuple[int, float, bool, str, Optional[int], Tuple[int, str]]:
        return i, f, b, s, n, t

    @torch.jit.export
    def toString(self, constructor: int, hasOwnProperty: int = 2, kwargs: int = 3) -> List[int]:
        return [constructor, hasOwnProperty, kwargs]

    @torch.jit.export
    def add(self, x: int, y: int) -> int:
        return x + y

    @torch.jit.export
    def add_1(self, x: int) -> int:
        return x + 1

    @torch.jit.export
    def add__1(self, x: int) -> int:
        return x - 1

    @torch.jit.export
    def options(self, settings: Dict[str, Dict[str, int]]) -> int:
        return settings["kwargs"]["a"]

    @torch.jit.export
    def mutate(self, x: Tensor, numbers: List[int]) -> Tensor:
        numbers.append(1)
        x.mul_(2)
        return x

    @torch.jit.export
    def reshape_in_place(self, x: Tensor) -> List[int]:
        x.mul_(3)
        x.unsqueeze_(0)
        return x.shape


class Inner(nn.Module):
    depth: int

    def __init__(self, weight):
        super().__init__()
        self.depth = 2
        self.weight = weight
        self.register_buffer("steps", torch.tensor([3, 4]))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


class State(nn.Module):
    """Attributes and buffers that methods modify, a tied weight, and a parameter that is None."""

    history: List[int]
    labels: Dict[str, int]
    sizes: Dict[int, str]
    point: Point
    missing: Optional[str]

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        self.inner = Inner(self.weight)
        self.register_buffer("total", torch.zeros(2))
        self.register_buffer("mean", torch.ones(2, dtype=torch.float64))
        self.register_parameter("bias", None)
        self.count = 0
        self.history = []
        self.labels = {"cat": 1, "dog": 2}
        self.sizes = {1: "small"}
        self.point = Point(1.0, 2.0)
        self.missing = None
        self.ratio = 2.0
        self.title = "tïtle"
        self.ready = True
        self.plain = torch.tensor([5, 6])

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.history.append(self.count)
        self.total.add_(self.inner(x))
        return self.total

    @torch.jit.export
    def rebind(self, x: Tensor) -> Tensor:
        self.mean = self.mean + x
        return self.mean

    @torch.jit.export
    def past(self) -> List[int]:
        return self.history

    @torch.jit.export
    def remember(self, times: int) -> List[int]:
        for i in range(times):
            self.history.append(i)
        return self.history

    @torch.jit.export
    def double_weight(self) -> None:
        self.weight.mul_(2)


class Slow(nn.Module):
    """Runs for a given number of iterations and records its calls."""

    ran: List[int]

    def __init__(self):
        super().__init__()
        self.ran = []

    def forward(self, name: int, rounds: int) -> int:
        self.ran.append(name)
        x = torch.eye(64)
        for _ in range(rounds):
            x = x @ x
        return name + int(x[0, 0]) - 1


class Raises(nn.Module):
    def deeper(self, x: Tensor, kind: str) -> Tensor:
        if kind == "raise":
            raise ValueError("the value was " + kind)
        assert kind != "assert", "asserted: ünïcode"
        if kind == "index":
            return [x][7]
        if kind == "key":
            return {"a": x}["b"]
        if kind == "shape":
            return x @ x
        if kind == "divide":
            return x + 1 // len([0][1:])
        return x

    def forward(self, x: Tensor, kind: str) -> Tensor:
        return self.deeper(x, kind) + 1


@torch.jit.script
class Counter:
    def __init__(self, n: int):
        self.n = n


class Colour(Enum):
    RED = 1


class Refused(nn.Module):
    """Values without a JavaScript equivalent."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    @torch.jit.export
    def make_counter(self) -> Tuple[int, Counter]:
        return 1, Counter(3)

    @torch.jit.export
    def take_counter(self, counter: Counter) -> int:
        return counter.n

    @torch.jit.export
    def take_counters(self, counters: Dict[str, List[Counter]]) -> int:
        return len(counters)

    @torch.jit.export
    def later(self, x: Tensor) -> torch.jit.Future[Tensor]:
        return torch.jit.fork(self.forward, x)

    @torch.jit.export
    def colour(self) -> Colour:
        return Colour.RED

    @torch.jit.export
    def imaginary(self, z: complex = 1j) -> complex:
        return z * z

    @torch.jit.export
    def cycle(self) -> List[Any]:
        ring: List[Any] = [1]
        ring.append(ring)
        return ring

    @torch.jit.export
    def nest(self, depth: int) -> List[Any]:
        value: List[Any] = [0]
        for _ in range(depth - 1):
            around: List[Any] = [value]
            value = around
        return value


class Tensors(nn.Module):
    """Tensors that are not contiguous or have an unsupported layout or dtype."""

    def forward(self, kind: str) -> Tensor:
        x = torch.arange(24).float()
        z = torch.complex(torch.tensor([1.0, 2.0]), torch.tensor([3.0, -4.0]))
        if kind == "transposed":
            return x.view(2, 3, 4).transpose(0, 2)
        if kind == "channels_last":
            return x.view(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
        if kind == "sliced":
            return x[1::5]
        if kind == "expanded":
            return x[3:4].view(1, 1).expand(2, 3)
        if kind == "flipped":
            return x.view(4, 6).flip(0)
        if kind == "negative":
            return torch.imag(torch.conj(z))
        if kind == "real":
            return torch.real(z)
        if kind == "zero":
            return torch._efficientzerotensor([2, 2])
        if kind == "empty":
            return x[3:3]
        if kind == "scalar":
            return x[3]
        if kind == "transposed float16":
            return x.view(2, 3, 4).transpose(0, 2).half()
        if kind == "transposed bool":
            return (x.view(4, 6) > 7).t()
        if kind == "complex":
            return z
        if kind == "conjugate":
            return torch.conj(z)
        if kind == "complex sliced":
            return torch.complex(x, -x).view(4, 6)[1:, ::2].t()
        if kind == "complex128 expanded":
            return torch.complex(x, x + 1).to(torch.complex128)[3:4].expand(2, 3)
        if kind == "complex32":
            return z.to(torch.complex32)
        if kind == "float8_e4m3fn":
            return x.to(torch.float8_e4m3fn)
        if kind == "sparse":
            return torch.eye(3).to_sparse()
        if kind == "quantised":
            return torch.quantize_per_tensor(x, 0.5, 0, torch.quint8)
        if kind == "meta":
            return torch.empty([2, 2], device="meta")
        if kind == "uint16 transposed":
            return (x + 65500).to(torch.uint16).view(4, 6).t()
        if kind == "huge complex":
            return z[1:].expand(1 << 50)
        if kind == "mkldnn":
            return x.view(4, 6).to_mkldnn()
        if kind == "huge":
            return x[3:4].expand(1 << 50)
        raise ValueError(kind)

    @torch.jit.export
    def of_each_dtype(self) -> Dict[str, Tensor]:
        x = torch.tensor([[0.0, 1.5, 2.0], [3.0, 100.0, 0.125]])
        return {
            "float32": x,
            "float64": x.double() / 3,
            "float16": x.half(),
            "bfloat16": x.to(torch.bfloat16),
            "int8": -x.to(torch.int8),
            "uint8": x.to(torch.uint8) + 150,
            "int16": x.to(torch.int16) * -300,
            "int32": x.to(torch.int32) * 20000000,
            "int64": x.to(torch.int64) * 90000000000000001,
            "uint16": (x * 600).to(torch.uint16),
            "uint32": (x.double() * 40000000).to(torch.uint32),
            "uint64": (x.to(torch.int64) * 90000000000000001).to(torch.uint64),
            "bool": x > 1,
            "complex64": torch.complex(x, -x),
            "complex128": torch.complex(x.double() / 3, x.double() / 7),
        }


def fill_parameters(module):
    """Fills the parameters with values whose products are exact in every dtype."""
    for parameter in module.parameters():
        count = parameter.numel()
        numbers = (torch.arange(count) % 5 - 2).view(parameter.shape) / 2
        parameter.data = numbers.to(parameter.dtype)
    return module


def script(module):
    return torch.jit.script(module.eval())


def modules():
    traced = torch.jit.trace(Traced().eval(), torch.zeros(1, 1, 2, 2), strict=False)
    notes = {"config.json": '{"input": [1, 3]}', "labels/ünï.txt": "kätze\nhund\n", "empty": ""}
    return {
        "scripted": (torch.jit.script(Scripted().train()), {}),
        "traced": (traced, {}),
        "values": (script(Values()), {}),
        "arguments": (script(Arguments()), {}),
        "state": (script(State()), {}),
        "slow": (script(Slow()), {}),
        "raises": (script(Raises()), {}),
        "refused": (script(Refused()), {}),
        "tensors": (script(Tensors()), {}),
        "half": (script(fill_parameters(nn.Linear(3, 2).half())), {}),
        "bfloat16": (script(fill_parameters(nn.Linear(3, 2).bfloat16())), {}),
        "embedding": (script(fill_parameters(nn.Embedding(5, 3))), {}),
        "notes": (script(fill_parameters(nn.Linear(2, 1))), notes),
    }


def save(name, module, extra_files):
    """Saves without the debug files, which contain local paths."""
    buffer = io.BytesIO()
    torch.jit.save(module, buffer, _extra_files=extra_files)
    path = FIXTURES / f"{name}.pt"
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w") as target:
        for record in source.namelist():
            if not record.endswith(".debug_pkl"):
                target.writestr(zipfile.ZipInfo(record), source.read(record))
    return path


# --- Values as JSON, in the format of test/support/torchscript.ts ---------------------------------------


def bytes_of(x):
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.view(torch.int16)
    return x.contiguous().numpy().tobytes()


def encode_tensor(x):
    x = x.detach().resolve_conj().resolve_neg().clone()
    packed = base64.b64encode(zlib.compress(bytes_of(x), 9)).decode()
    return {"dtype": str(x.dtype)[6:], "shape": list(x.shape), "bytes": packed}


def encode(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": repr(value).replace("inf", "Infinity").replace("nan", "NaN")}
    if isinstance(value, Tensor):
        return {"tensor": encode_tensor(value)}
    if isinstance(value, torch.device):
        return str(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {"object": [[name, encode(getattr(value, name))] for name in value._fields]}
    if isinstance(value, (list, tuple)):
        return {"array": [encode(part) for part in value]}
    if isinstance(value, dict):
        entries = [[encode(key), encode(part)] for key, part in value.items()]
        kind = "object" if all(isinstance(key, str) for key in value) else "map"
        return {kind: entries}
    raise TypeError(type(value))


def encode_result(value, schema):
    """Like encode, but derives the key type of an empty dict from the schema."""
    encoded = encode(value)
    if value == {} and not schema.startswith("Dict(str"):
        return {"map": []}
    return encoded


# --- Calls ------------------------------------------------------------------------------------------

EXTREMES = [0, -1, 2**31, 2**53 - 1, 2**53, -(2**53), 2**53 + 1, 2**63 - 1, -(2**63)]
REALS = [0.0, -0.0, 1.0, 0.1, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, math.nan]
TEXTS = ["", "a", "naïve 日本語", "🦊 and \U0001f9d1\u200d\U0001f680", "null\0byte", "\n\t'\"\\"]


def calls():
    x = torch.tensor([1.0, -2.0])
    y = torch.tensor([[1, 2], [3, 4]])
    yield "scripted", "forward", [torch.tensor([[1.0, 2.0, 3.0]])]
    yield "scripted", "forward", [torch.tensor([[-4.0, 0.0, 1.0], [0.0, -9.0, 0.0]])]
    for times in (0, 1, 5, 9):
        yield "scripted", "repeat", [torch.tensor([1.0, 30.0]), times]
    yield "traced", "forward", [torch.arange(8.0).view(2, 1, 2, 2) - 3]

    yield "values", "forward", [x]
    for n in EXTREMES:
        yield "values", "integer", [n]
    for real in REALS:
        yield "values", "real", [real]
    yield "values", "divide", [7, 7.0]
    yield "values", "negate", [True]
    yield "values", "negate", [False]
    for text in TEXTS:
        yield "values", "text", [text]
    yield "values", "nothing", []
    yield "values", "optional", [None]
    yield "values", "optional", [3]
    yield "values", "device", [torch.device("cpu")]
    yield "values", "device", [torch.device("cuda", 1)]
    yield "values", "integers", [EXTREMES]
    yield "values", "integers", [[]]
    yield "values", "reals", [[1.0, 2.5, -0.0, math.inf]]
    yield "values", "booleans", [[True, False]]
    yield "values", "words", [["ä", ""]]
    yield "values", "tensors", [[x, y]]
    yield "values", "matrix", [[[1, 2], [], [3]]]
    yield "values", "gaps", [[1.5, None, 2.0]]
    yield "values", "nested", [(7, ("s", [1.5, 2.5]), {"a": [x], "b": [], "c": [y, x]})]
    yield "values", "empties", [[], {}, ()]
    yield "values", "count", [{"a": 1, "": 2, "__proto__": 3, "1": 4, "constructor": 5, "ü": 6}]
    yield "values", "by_number", [{1: x, 5: y}]
    yield "values", "by_real", [{0.5: "half", 2.0: "two"}]
    yield "values", "by_flag", [{True: "yes", False: "no"}]
    yield "values", "turn", [{"a": 1, "b": 2**60}]
    yield "values", "turn", [{}]
    yield "values", "mirror", [Point(1.5, -2.0)]
    yield "values", "reverse", [Segment(Point(1.0, 2.0), Point(3.0, 4.0), "ab")]
    yield "values", "reverse", [Segment(Point(1.0, 2.0), Point(3.0, 4.0), None)]
    for value in (None, True, 3, 2**60, 0.5, "s", x, [1, 2], [1.5], {"a": x}, [[1], [2]]):
        yield "values", "anything", [value]
    kinds = [x, True, 3, 0.5, -0.0, math.nan, "s", None, [1, 2], [1.5, 2.5], [True], ["a"], [x, y]]
    kinds += [[[1], [2, 3]], {"a": 1}, {"a": x, "b": y}, {1: "a"}]
    for value in kinds:
        yield "values", "kind", [value]
    for value in (1, 0.5, "s", [1.0, 2.5], None):
        yield "values", "one_of", [value]

    yield "arguments", "forward", [x]
    yield "arguments", "forward", [x, 3.0]
    yield "arguments", "forward", [x, 3.0, torch.tensor([1.0, 1.0]), 2]
    yield "arguments", "forward", [x], {"times": 3, "bias": torch.tensor([0.5, 0.5])}
    yield "arguments", "forward", [], {"x": x, "scale": 0.5}
    yield "arguments", "keyword_only", [1], {"b": 2, "c": "three"}
    yield "arguments", "keyword_only", [], {"c": "three", "b": 2, "a": 1}
    yield "arguments", "defaults", []
    yield "arguments", "defaults", [1, 0.25], {"s": "s", "n": 5, "t": (2, "b")}
    yield "arguments", "toString", [1]
    yield "arguments", "toString", [], {"constructor": 4, "hasOwnProperty": 5, "kwargs": 6}
    yield "arguments", "add", [1, 2]
    yield "arguments", "add_1", [1]
    yield "arguments", "add__1", [1]
    yield "arguments", "mutate", [x.clone(), [5]]
    yield "arguments", "mutate", [y.clone(), []]

    yield "half", "forward", [torch.tensor([[1.0, 2.0, 3.0]]).half()]
    yield "bfloat16", "forward", [torch.tensor([[1.0, 2.0, 3.0]]).bfloat16()]
    yield "embedding", "forward", [torch.tensor([[4, 0], [1, 1]])]
    yield "notes", "forward", [torch.tensor([[2.0, 4.0]])]
    for kind in ("transposed", "channels_last", "sliced", "expanded", "flipped", "negative"):
        yield "tensors", "forward", [kind]
    for kind in ("real", "zero", "empty", "scalar", "transposed float16", "transposed bool"):
        yield "tensors", "forward", [kind]
    for kind in ("complex", "conjugate", "complex sliced", "complex128 expanded", "uint16 transposed"):
        yield "tensors", "forward", [kind]
    yield "tensors", "of_each_dtype", []


def run(call):
    name, method, args, kwargs = (*call, {})[:4]
    encoded_args = [encode(arg) for arg in args]
    encoded_kwargs = [[key, encode(value)] for key, value in kwargs.items()]
    module = torch.jit.load(FIXTURES / f"{name}.pt").eval()
    with torch.inference_mode():
        result = getattr(module, method)(*args, **kwargs)
    returns = str(getattr(module, method).schema).split(" -> ")[1]
    golden = {"module": name, "method": method, "args": encoded_args, "kwargs": encoded_kwargs}
    golden["result"] = encode_result(result, returns)
    if method == "mutate":
        golden["inputAfterwards"] = encode(args[0])
    return golden


# --- Printed and converted tensors --------------------------------------------------


def printed():
    inf, nan = math.inf, math.nan
    yield torch.tensor([1, -20, 300])
    yield torch.tensor([[1, -20], [300, 4]], dtype=torch.int16)
    yield torch.tensor(5)
    yield torch.tensor(-7, dtype=torch.int8)
    yield torch.tensor([2**63 - 1, -(2**63), 0])
    yield torch.arange(60)
    yield torch.arange(40, dtype=torch.uint8)
    yield torch.arange(30, dtype=torch.int32) * 1000
    yield torch.tensor([True, False])
    yield torch.tensor(True)
    yield torch.tensor([[True, True], [False, True]])
    yield torch.tensor([True, False] * 10)

    for numbers in (
        [1.0, 2.0],
        [1.0, -2.0, 300.0],
        [0.0, 0.0],
        [-0.0, 0.0],
        [0.5, -0.25],
        [0.03125, 0.09375, -0.03125, 1.15625],
        [1.0, -0.0, 0.5],
        [1e-5, 1.0],
        [1e-4, 0.05],
        [1.0, 1000.0],
        [1.0, 1001.0],
        [0.1, 100.1],
        [1e8, 2e8],
        [123456789.0],
        [1e8],
        [99999999.0],
        [100005.0, 1.0],
        [100015.0, 1.0],
        [1e-7],
        [3.4e38, 1e-45],
        [nan],
        [inf, -inf, nan],
        [1.0, inf],
        [1.5, nan, -inf],
        [1e10, nan, 0.0, -inf],
        [-0.0, 1e-9],
        [0.00012345, 0.1],
        [12345.678],
        [1 / 3, 2 / 3, 22 / 7],
    ):
        yield torch.tensor(numbers)
    for number in (1.0, 0.1, 1e-7, 123456.789, 1e20, -0.0, nan, inf, 3.0):
        yield torch.tensor(number)
    yield torch.tensor([1.1, 1e200, -1e-300], dtype=torch.float64)
    yield torch.tensor([1.0, 2.0], dtype=torch.float64)
    yield torch.tensor(0.1, dtype=torch.float64)
    yield torch.tensor([0.1, 65504.0, 6e-8]).half()
    yield torch.tensor([1.0, 65504.0]).half()
    yield torch.tensor([0.1, 3e38]).bfloat16()
    yield torch.tensor([1.0, 2.5]).bfloat16()

    for dtype in (torch.float32, torch.int64, torch.bool, torch.float16):
        yield torch.zeros(0, dtype=dtype)
        yield torch.zeros(0, 3, dtype=dtype)
    yield torch.zeros(2, 0, 3)

    yield torch.arange(6.0).view(2, 3)
    yield torch.arange(24.0).view(2, 3, 4) / 8
    yield torch.arange(24).view(2, 3, 2, 2)
    yield torch.arange(2.0).view(1, 1, 1, 1, 2)
    yield torch.ones(1, 1)
    yield (torch.arange(60.0) / 7).view(3, 20)
    yield (torch.arange(120.0) / 7).view(2, 3, 20).double()
    yield torch.arange(22.0) * 1.5
    # Long enough that PyTorch prints the dtype on a separate line.
    yield torch.arange(17, dtype=torch.int16)
    yield torch.arange(14, dtype=torch.int32) + 10
    yield torch.arange(11, dtype=torch.float64) / 16
    for count in range(8, 14):
        yield torch.arange(count, dtype=torch.float64)

    yield torch.tensor([1, 65535], dtype=torch.uint16)
    yield torch.tensor([[0, 4294967295], [7, 1]], dtype=torch.uint32)
    yield torch.tensor([2**64 - 1, 7], dtype=torch.uint64)
    yield torch.zeros(0, dtype=torch.uint16)
    yield torch.arange(1002, dtype=torch.int32).to(torch.uint32)

    for real, imaginary in (
        ([1.0, 2.0], [0.0, -1.0]),
        ([0.5, -2.25], [-0.0, 1.0]),
        ([-0.0, 300.0], [1.0, -0.125]),
        ([1e-5, 1.0], [1.0, 2.0]),
        ([1.0, 2.0], [1e9, -1.0]),
        ([nan, 1.0, -inf], [1.0, nan, -inf]),
        ([inf, 0.5, 1.0], [inf, 1e-7, -nan]),
        ([0.0, 0.0], [0.0, 0.0]),
    ):
        z = torch.complex(torch.tensor(real), torch.tensor(imaginary))
        yield z
        yield z.to(torch.complex128)
        yield z[0]
    z = torch.complex(torch.arange(24.0) / 8, 100 - torch.arange(24.0))
    yield z
    yield z.conj()
    yield z.view(2, 3, 4)
    yield z.view(4, 6).t()
    yield z.to(torch.complex128).view(2, 12)
    yield torch.zeros(0, dtype=torch.complex64)
    yield torch.zeros(2, 0, dtype=torch.complex128)
    yield torch.complex(torch.arange(1200.0), -torch.arange(1200.0) / 7).view(30, 40)

    yield torch.arange(1000)
    yield torch.arange(1001)
    yield torch.arange(1001.0)
    # Only the printed elements determine the format.
    yield torch.cat([torch.tensor([0.5] * 3), torch.tensor([1e30] * 1000), torch.tensor([0.5] * 3)])
    yield torch.arange(1200).view(40, 30)
    yield torch.arange(1200.0).view(2, 600) / 3
    yield torch.arange(1200).view(600, 2)
    yield (torch.arange(2400) % 3 == 0).view(10, 10, 24)
    yield (torch.arange(4096) % 200).to(torch.uint8).view(8, 8, 8, 8)
    yield (torch.arange(2002.0) % 100).view(7, 286).half() / 7
    yield torch.arange(1050, dtype=torch.int16).view(1, 1050)


def widened():
    """Bits of 16-bit floats and of the equal float32 values."""
    float16 = [0, 0x8000, 1, 0x8001, 0x3FF, 0x400, 0x3C00, 0xBC00, 0x3555, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00]
    bfloat16 = [0, 0x8000, 1, 0x8001, 0x7F, 0x80, 0x3F80, 0xBF80, 0x3EAB, 0x7F7F, 0xFF7F, 0x7F80, 0xFF80]
    for dtype, patterns in ((torch.float16, float16), (torch.bfloat16, bfloat16)):
        numbers = torch.tensor(patterns, dtype=torch.uint16).view(dtype).float()
        name = str(dtype)[6:]
        yield {"dtype": name, "bits": patterns, "float32": numbers.view(torch.int32).tolist()}


def narrowed():
    """Numbers and their bits as 16-bit floats."""
    numbers = [0.0, -0.0, 1.0, -1.0, 0.1, 1 / 3, 65504.0, 65519.0, 65520.0, 1e-8, 2**-24, 2**-25]
    numbers += [1 + 2**-11, 1 + 3 * 2**-11, 1 + 2**-8, 1 + 3 * 2**-8, 3.4e38, 1e300, -1e300, 2049.0]
    for dtype in (torch.float16, torch.bfloat16):
        converted = torch.tensor(numbers, dtype=torch.float64).to(dtype).view(torch.uint16)
        yield {"dtype": str(dtype)[6:], "numbers": numbers, "bits": converted.tolist()}


def nested():
    """Nested lists, and the tensors that torch.tensor makes of them."""
    for data in ([[1, 2], [3, 4]], [[[1.5], [-2.0]]], [[]], [[], []], [[[0, 1, 2]]] * 2):
        for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool):
            yield data, torch.tensor(data, dtype=dtype)
    for data in ([[1, 2], [3, 4]], [[[0, 1, 2]]] * 2, [[[]], [[]]]):
        for dtype in (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64):
            yield data, torch.tensor(data, dtype=dtype)
        for dtype in (torch.uint16, torch.uint32, torch.uint64):
            yield data, torch.tensor(data, dtype=dtype)
    yield [[True, False], [False, True]], torch.tensor([[True, False], [False, True]])
    # Pairs of a real and an imaginary part.
    for data in ([[1, 2], [3, -4]], [[[0.5, 0.25]], [[-1, 0]]]):
        for dtype in (torch.float32, torch.float64):
            yield data, torch.view_as_complex(torch.tensor(data, dtype=dtype))


def format_json(golden):
    """JSON with one line per list entry."""
    if not isinstance(golden, list):
        return json.dumps(golden)
    entries = [json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in golden]
    return "[\n" + ",\n".join(entries) + "\n]"


def main():
    torch.manual_seed(0)
    FIXTURES.mkdir(exist_ok=True)
    for name, (module, extra_files) in modules().items():
        save(name, module, extra_files)
    state = torch.jit.load(FIXTURES / "state.pt")
    goldens = {
        "torch": torch.__version__.split("+")[0],
        "calls": [run(call) for call in calls()],
        "state": [[name, encode(x)] for name, x in state.state_dict().items()],
        "printed": [{"tensor": encode_tensor(x), "text": str(x)} for x in printed()],
        "widened": list(widened()),
        "narrowed": list(narrowed()),
        "nested": [
            {"data": data, "dtype": str(x.dtype)[6:], "tensor": encode_tensor(x)} for data, x in nested()
        ],
    }
    parts = [f"{json.dumps(name)}: {format_json(golden)}" for name, golden in goldens.items()]
    (FIXTURES / "goldens.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
