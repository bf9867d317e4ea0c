"""The one device, and the other names of the types: what scripts choose before they train."""

from __future__ import annotations

import pytest

import gradgate
from gradgate import nn


def test_a_script_that_chooses_its_device_gets_the_cpu() -> None:
    device = gradgate.device("cuda" if gradgate.cuda.is_available() else "cpu")
    assert gradgate.cuda.device_count() == 0
    assert (repr(device), str(device), device.type, device.index) == ("device(type='cpu')", "cpu", "cpu", None)
    x = gradgate.ones(2, 3, device=device)
    model = nn.Linear(3, 1, device=device).to(device, non_blocking=True)
    assert x.to(device).device == device == "cpu"
    assert tuple(model(x).shape) == (2, 1)


@pytest.mark.parametrize("arguments", [("cuda",), ("cuda:0",), ("cpu", 1)])
def test_there_is_no_other_device(arguments: tuple[str, int]) -> None:
    with pytest.raises(RuntimeError, match=r"there is no device '(cuda(:0)?|cpu)'.*use device\('cpu'\)"):
        gradgate.device(*arguments)
    with pytest.raises(RuntimeError, match="only the device 'cpu' exists, got 'cuda'"):
        nn.Linear(1, 1).to("cuda")


def test_types_have_their_other_names() -> None:
    assert (gradgate.float, gradgate.double) == (gradgate.float32, gradgate.float64)
    assert (gradgate.int, gradgate.long) == (gradgate.int32, gradgate.int64)
    assert gradgate.zeros(1, dtype=gradgate.long).dtype == gradgate.int64
    assert not {"float", "int"} & set(gradgate.__all__)  # `import *` leaves Python's own alone
