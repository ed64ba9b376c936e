import torch

from musiscene.training.optimiser import make_optimiser


def test_matrices_decay_and_biases_and_norms_do_not():
    named = {
        "layer.weight": torch.nn.Parameter(torch.zeros(2, 3)),
        "layer.bias": torch.nn.Parameter(torch.zeros(2)),
        "norm.weight": torch.nn.Parameter(torch.zeros(2)),
    }
    decaying, rest = make_optimiser(named.items(), weight_decay=0.05).param_groups
    assert decaying["params"] == [named["layer.weight"]]
    assert decaying["weight_decay"] == 0.05
    assert rest["weight_decay"] == 0.0
    assert len(rest["params"]) == 2
    assert decaying["betas"] == (0.9, 0.95)
