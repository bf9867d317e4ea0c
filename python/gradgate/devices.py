"""device: the name of the place where tensors live, the CPU, for scripts that choose one."""

from __future__ import annotations


class device(str):
    """The CPU: `device("cpu")`. Accepted wherever PyTorch takes a device; equal to its name.

    Raises RuntimeError for another device.

    >>> import gradgate
    >>> cpu = device("cuda" if gradgate.cuda.is_available() else "cpu")
    >>> cpu, cpu.type, gradgate.zeros(2, device=cpu).device == cpu
    (device(type='cpu'), 'cpu', True)
    """

    __slots__ = ()
    type = "cpu"
    index: None = None  # type: ignore[assignment]  # as PyTorch's, for which this is no string

    def __new__(cls, type: str = "cpu", index: int | None = None) -> device:
        """Check the name; `index` 0 is the one CPU there is."""
        if type not in ("cpu", "cpu:0") or index not in (None, 0):
            raise RuntimeError(f"there is no device {type!r}{'' if index is None else f' {index}'}: use device('cpu')")
        return super().__new__(cls, "cpu")

    def __repr__(self) -> str:
        return "device(type='cpu')"
