"""Reads the files of a run: <model> <run directory>. Prints what 30.finetune.ts expects as JSON."""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

model, run = sys.argv[1:]
module = torch.jit.load(model)
best = load_file(Path(run) / "best.safetensors")
last = load_file(Path(run) / "last.safetensors")
state = module.state_dict()
progress = json.loads(bytes(last["run.json"].tolist()))
print(
    json.dumps(
        {
            "same": state.keys() == best.keys()
            and all(torch.equal(tensor, best[name]) for name, tensor in state.items())
            and all(torch.equal(tensor, last[f"model.{name}"]) for name, tensor in state.items()),
            "epochs": len(progress["epochs"]),
            "momentum": list(last["optimizer.momentum_buffer.fc.weight"].shape),
        }
    )
)
