"""The life of Tensor's Python objects: attributes, gradients, weak references, cycles, the end of the interpreter."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import textwrap
import weakref

import pytest

import gradgate as gg
from gradgate import _core, nn


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=120)


def test_attributes_live_as_long_as_the_tensor() -> None:
    x = gg.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    assert x.grad is not None
    # The object goes after this line; the gradient stays.
    x.grad.note = "kept"  # type: ignore[attr-defined]
    gc.collect()
    assert x.grad.note == "kept" and vars(x.grad) == {"note": "kept"}  # type: ignore[attr-defined]
    del x.grad.note  # type: ignore[attr-defined]
    assert not hasattr(x.grad, "note")
    x.grad.__dict__ = {"a": 1}
    assert x.grad.a == 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="dictionary"):
        x.grad.__dict__ = 3  # type: ignore[assignment]


def test_attributes_are_copied_and_pickled_with_the_tensor() -> None:
    x = gg.ones(2)
    x.note = [1]  # type: ignore[attr-defined]
    assert copy.copy(x).note is x.note  # type: ignore[attr-defined]
    assert copy.deepcopy(x).note == [1] and copy.deepcopy(x).note is not x.note  # type: ignore[attr-defined]
    assert pickle.loads(pickle.dumps(x)).note == [1]
    assert not hasattr(x.clone(), "note") and not hasattr(x.detach(), "note")


def test_attributes_do_not_replace_properties() -> None:
    x = gg.ones(2)
    with pytest.raises(AttributeError):
        x.shape = (1, 2)  # type: ignore[misc]
    with pytest.raises(AttributeError, match="nothing"):
        x.nothing  # type: ignore[attr-defined]  # noqa: B018
    parameter = nn.Parameter(gg.ones(2))
    parameter.tag = "p"
    assert vars(parameter) == {"tag": "p"}


def test_cycles_through_attributes_are_collected() -> None:
    class Marker:
        pass

    def marked(make_cycle: str) -> weakref.ref[Marker]:
        x = gg.ones(2, requires_grad=True)
        marker = Marker()
        if make_cycle == "itself":
            x.note, x.marker = x, marker  # type: ignore[attr-defined]
        elif make_cycle == "parameter":
            x = nn.Parameter(gg.ones(2))
            x.note, x.marker = x, marker  # type: ignore[attr-defined]
        else:
            (x * 2).sum().backward()
            assert x.grad is not None
            x.grad.note, x.grad.marker = x, marker  # type: ignore[attr-defined]
        return weakref.ref(marker)

    for kind in ("itself", "parameter", "gradient"):
        reference = marked(kind)
        gc.collect()
        assert reference() is None, kind


def test_collection_spares_what_others_hold() -> None:
    x = gg.ones(2, requires_grad=True)
    held = x * 1
    held.note = held  # type: ignore[attr-defined]
    y = held * held  # the graph holds the tensor, not its object
    del held
    gc.collect()
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == [2, 2]


def test_a_dying_object_is_not_given_out_again() -> None:
    x = gg.ones(3, requires_grad=True)
    (x * 2).sum().backward()
    seen: list[gg.Tensor | None] = []
    gradient = x.grad
    assert gradient is not None
    reference = weakref.ref(gradient, lambda _: seen.append(x.grad))
    del gradient
    others = [gg.zeros(3) for _ in range(1000)]
    assert reference() is None and len(others) == 1000
    assert seen[0] is x.grad and seen[0].tolist() == [2, 2, 2]  # type: ignore[union-attr]


def test_an_object_whose_slots_run_code_while_it_dies() -> None:
    found: list[gg.Tensor] = []

    class Kept(gg.Tensor):
        __slots__ = ("witness",)

    class Witness:
        def __init__(self, owner: gg.Tensor) -> None:
            self.owner = owner

        def __del__(self) -> None:
            assert self.owner.grad is not None
            found.append(self.owner.grad)

    x = gg.ones(2)
    x.grad = kept = _core._make_subclass(Kept, gg.full((2,), 5.0), False)
    kept.witness = Witness(x)
    del kept
    assert found[0].tolist() == [5, 5] and found[0] is x.grad


@pytest.mark.parametrize("name", ["Node", "RemovableHandle", "dtype"])
def test_objects_of_the_core_cannot_be_made(name: str) -> None:
    cls = getattr(gg, name)
    for make in (cls, lambda: cls.__new__(cls), lambda: object.__new__(cls), lambda: cls.__base__.__new__(cls)):
        with pytest.raises(TypeError):
            make()
    with pytest.raises(TypeError, match="cannot be called"):
        cls.__new__(cls)


def test_a_generator_always_has_its_value() -> None:
    assert gg.Generator().initial_seed() == gg.Generator("cpu").initial_seed()
    generator = gg.Generator().manual_seed(3)
    generator.set_state(gg.Generator().manual_seed(7).get_state())
    copied = pickle.loads(pickle.dumps(generator))
    assert copied.initial_seed() == 7
    assert copy.deepcopy(generator).get_state().tolist() == generator.get_state().tolist()
    with pytest.raises(TypeError, match="not safe"):
        gg.Generator.__new__(gg.Generator)

    class Own(gg.Generator):
        pass

    assert (
        gg.rand(2, generator=Own().manual_seed(1)).tolist() == gg.rand(2, generator=generator.manual_seed(1)).tolist()
    )


def test_threads_that_compute_do_not_fail_the_end_of_the_program() -> None:
    ended = run(
        """
        import threading, time
        import gradgate as gg
        big, leaf = gg.rand(1500, 1500), gg.ones(1000, 100, requires_grad=True)
        leaf.register_hook(lambda g: sum(range(200)) and None)
        def compute():
            while True:
                big.exp()
        def sweep():
            while True:
                (leaf * 2).sum().backward()
        for work in (compute, compute, sweep, sweep):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.3)
        print("the main thread ends")
        """
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "the main thread ends\n"


def test_a_sub_interpreter_gets_an_import_error() -> None:
    ended = run(
        """
        import gradgate as gg
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        program = '''
        try:
            import gradgate
        except ImportError as error:
            print("ImportError:", error, flush=True)
        '''
        inner = interpreters.create()
        interpreters.run_string(inner, program.replace("\\n        ", "\\n"))
        interpreters.destroy(inner)
        print(gg.ones(1).item(), flush=True)
        """
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("ImportError: ") and ended.stdout.endswith("1.0\n"), ended.stdout


def test_a_gradient_is_deleted_like_set_to_none() -> None:
    x = gg.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    del x.grad
    assert x.grad is None
    del x.grad
    with pytest.raises(AttributeError, match=r"Tensor\.data cannot be deleted"):
        del x.data


def test_a_tensor_is_not_its_own_gradient() -> None:
    x = gg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"cannot be its own gradient; assign a clone\(\)"):
        x.grad = x
    x.grad = x.detach().clone()
    (x * 2).sum().backward()
    assert x.tolist() == [1, 1] and x.grad.tolist() == [3, 3]
