"""Models that are spread over ranks, here one rank."""
import warnings

import numpy as np
import pytest
import torch
from torch import distributed
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn.parallel import DistributedDataParallel

import infl
from models import Dense, loss
from reader import read_capture


@pytest.fixture
def group(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
        yield
        distributed.destroy_process_group()


def sharded(model):
    mesh = init_device_mesh("cpu", (1,))
    for layer in model.layers[::3]:
        fully_shard(layer, mesh=mesh)
    return fully_shard(model, mesh=mesh)


@pytest.mark.parametrize("spread", [DistributedDataParallel, sharded])
def test_spread_models_give_the_same_capture(spread, group, tmp_path):
    torch.manual_seed(0)
    model, x, y = Dense(), torch.randn(9, 6), torch.randint(0, 3, (9,))

    def captured(model, out):
        with infl.Capture(model, out) as cap:
            for ids in torch.arange(9).split(4):
                with cap.batch(ids=ids) as batch:
                    batch.backward(loss(model, {"x": x[ids], "y": y[ids]}))
        return read_capture(out)

    (a, plain), (b, of_rank) = captured(model, tmp_path / "a"), captured(spread(model), tmp_path / "b")
    assert a["model"]["fingerprint"] == b["model"]["fingerprint"] and a["modules"] == b["modules"]
    for name, want in plain.items():
        np.testing.assert_allclose(of_rank[name], want, rtol=1e-5, atol=1e-7, err_msg=name)
