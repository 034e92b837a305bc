"""Where a run computes: the CPU, one GPU, or a network split over several (torch's FSDP2, which accelerate drives).

`accelerate launch --config_file models/training/configs/accelerate/fsdp2.yaml` (or ORGANON_FSDP=1 under torchrun) asks
for splitting; each process then keeps a part of every weight, gradient and optimiser state, and whole layers exist only
while they compute. bfloat16 on GPUs, float32 on CPUs. Tested with two CPU processes; on several GPUs not yet run.
"""

import os
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor


def choose_device() -> torch.device:
    """This process's GPU where there are any, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    torch.cuda.set_device(device)
    torch.set_float32_matmul_precision("high")  # grouped products of experts know no autocast: TF32 where not split
    return device


def splitting_asked() -> bool:
    """Whether the launcher wants the network split over the processes."""
    return "true" in (os.environ.get("ACCELERATE_USE_FSDP", "").lower(), os.environ.get("ORGANON_FSDP", "").lower())


def split_network(model: Any, device: torch.device) -> None:
    """Split every layer, then the rest, over all processes of the group. Gradients come out averaged over them."""
    from torch.distributed import get_world_size
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = init_device_mesh(device.type, (get_world_size(),))
    policy = MixedPrecisionPolicy()
    if device.type == "cuda":
        policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy)


def is_split(model: nn.Module) -> bool:
    """Whether `split_network` was called on it."""
    return any(isinstance(parameter, DTensor) for parameter in model.parameters())


def whole(tensor: Tensor) -> Tensor:
    """The whole tensor on every process. Collective: all processes call it, in the same order."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def like(tensor: Tensor, pattern: Tensor) -> Tensor:
    """`tensor`, which every process holds whole, split as `pattern` is and on its device."""
    if not isinstance(pattern, DTensor):
        return tensor.to(pattern.device)
    return distribute_tensor(tensor.to(pattern.device), pattern.device_mesh, pattern.placements)
