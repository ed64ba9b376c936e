import pytest
import torch

from musiscene.checkpoints.lazy_tensors import (
    HalfSplitRows,
    Held,
    JoinedColumns,
    JoinedRows,
    LazyTensor,
    Stacked,
    bytes_of,
    check_tensors,
)
from musiscene.errors import ModelIntegrityError
from tests.support.mu_llama import half_split


def numbers(*shape: int) -> torch.Tensor:
    return torch.arange(torch.Size(shape).numel(), dtype=torch.float32).reshape(shape)


WHOLE = {
    "held": (Held(numbers(6, 2)), numbers(6, 2)),
    "rows": (
        JoinedRows([Held(numbers(6, 2)[:1]), Held(numbers(6, 2)[1:4]), Held(numbers(6, 2)[4:])]),
        numbers(6, 2),
    ),
    "columns": (
        JoinedColumns([Held(numbers(6, 4)[:, :1]), Held(numbers(6, 4)[:, 1:])]),
        numbers(6, 4),
    ),
    "stacked": (Stacked([Held(part) for part in numbers(5, 2, 3)]), numbers(5, 2, 3)),
    "half split": (HalfSplitRows(Held(numbers(24, 3)), 3), half_split(numbers(24, 3), 3)),
    "half split vector": (HalfSplitRows(Held(numbers(12)), 2), half_split(numbers(12), 2)),
}


class TestRows:
    @pytest.mark.parametrize(("lazy", "whole"), WHOLE.values(), ids=WHOLE.keys())
    def test_any_part_is_that_part_of_the_whole(self, lazy: LazyTensor, whole: torch.Tensor):
        assert lazy.shape == tuple(whole.shape)
        assert lazy.dtype == whole.dtype
        for start in range(len(whole)):
            for stop in range(start + 1, len(whole) + 1):
                assert torch.equal(lazy.rows(start, stop), whole[start:stop])

    def test_half_split_puts_even_rows_of_a_head_before_odd_ones(self):
        rows = HalfSplitRows(Held(torch.arange(8)), 2).rows(0, 8)
        assert rows.tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


class TestBytesOf:
    def test_counts_items_of_each_type(self):
        tensors = [Held(torch.zeros(3, 2)), Held(torch.zeros(5, dtype=torch.float16))]
        assert bytes_of(tensors) == 24 + 10


class TestCheckTensors:
    def test_says_all_that_is_wrong(self):
        found = {"a": Held(numbers(2, 2)), "c": Held(numbers(3))}
        with pytest.raises(ModelIntegrityError) as caught:
            check_tensors(found, {"a": (2, 3), "b": (1,)}, where="weights.pth")
        assert str(caught.value) == (
            "weights.pth: does not fit. Tensors missing: b; tensors unknown: c;"
            " tensors of another shape: a is (2, 2), not (2, 3)"
        )

    def test_lists_a_few_of_many(self):
        expected = {f"layer{number}": (1,) for number in range(9)}
        with pytest.raises(ModelIntegrityError, match=r"layer0, .*layer4 and 4 more$"):
            check_tensors({}, expected, where="weights.pth")

    def test_names_quantised_weights(self):
        found = {"a": Held(torch.zeros(2, dtype=torch.int8))}
        with pytest.raises(ModelIntegrityError, match="that are quantised: a is int8"):
            check_tensors(found, {"a": (2,)}, where="weights.pth")

    def test_says_nothing_when_all_fits(self):
        check_tensors({"a": Held(numbers(2, 2))}, {"a": (2, 2)}, where="weights.pth")
