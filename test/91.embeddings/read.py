"""Reads files of embeddings, by their extensions, as docs/embeddings.md does.

    read.py FILE...

Prints a line of JSON for each: its images, its conditions, and its embeddings.
"""

import json
import sys

import numpy as np


def read_npy(path):
    array = np.load(path, mmap_mode="r")
    assert array.dtype == np.float32 and array.flags.aligned
    with open(path + ".json") as file:
        description = json.load(file)
    images = description.pop("images")
    assert description.pop("dimensions") == array.shape[1]
    return images, description, array


def read_jsonl(path):
    with open(path) as file:
        rows = [json.loads(line) for line in file]
    return [row["image"] for row in rows], None, np.float32([row["embedding"] for row in rows])


def read_parquet(path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    assert table.schema.field("image").type == pa.string()
    assert table.schema.field("embedding").type.value_type == pa.float32()
    return read_table(table, table.schema.metadata)


def read_lance(path):
    import lance
    import pyarrow as pa

    dataset = lance.dataset(path)
    table = dataset.to_table()
    assert pa.types.is_fixed_size_list(table.schema.field("embedding").type)
    return read_table(table, dataset.schema.metadata)


def read_table(table, metadata):
    values = table["embedding"].combine_chunks().flatten().to_numpy()
    return table["image"].to_pylist(), json.loads(metadata[b"semisup"]), values.reshape(len(table), -1)


readers = {"npy": read_npy, "jsonl": read_jsonl, "parquet": read_parquet, "lance": read_lance}

for path in sys.argv[1:]:
    images, conditions, array = readers[path.rsplit(".", 1)[1]](path)
    result = {"images": images, "conditions": conditions, "embeddings": array.tolist()}
    print(json.dumps(result))
