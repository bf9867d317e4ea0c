"""Matrix products, m x k by k x n, against NumPy, PyTorch and JAX: GF/s and the share of the peak of fused multiply-adds.

    python bench/products.py                        every group, float32, one thread
    python bench/products.py --threads 2 --dtype float64 --groups squares networks

Groups: squares; shapes (flat, narrow and small batches); odd (no multiple of a register); aliasing (leading dimensions that are
powers of two); views (transposed and strided operands, as they lie); batched; networks (forward, dX and dW of every layer of the
networks that bench/training_step.py trains, with weights [in][out]).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from gradgate.bench.comparison import Comparison, parser, start, wants
from gradgate.bench.networks import CASES
from gradgate.bench.products import race_product

Array = np.ndarray
Case = tuple[str, Array, Array]
Make = Callable[..., Array]

SQUARES = (32, 64, 128, 256, 512, 1024, 2048)
SHAPES = [(64, 784, 128), (1, 784, 128), (4096, 64, 10), (128, 46, 46), *((m, 512, 512) for m in (1, 8, 32, 128))]
ODD = [
    (7, 7, 7),
    (33, 33, 33),
    (65, 65, 65),
    (127, 129, 131),
    (255, 257, 253),
    (513, 511, 515),
    (31, 1000, 17),
    (1, 63, 65),
]


def dense(shapes: Sequence[tuple[int, int, int]], make: Make) -> Iterator[Case]:
    for m, k, n in shapes:
        yield f"{m} x {k} x {n}", make(m, k), make(k, n)


def aliasing(make: Make) -> Iterator[Case]:
    for lead in (512, 1024, 2048, 4096):
        a, b = make(256, lead), make(256, lead)
        yield f"256 x 256 x 256, rows {lead} apart", a[:, :256], b[:, :256]
        yield f"256 x 256 x 256, rows {lead} apart, a.T", a[:, :256].T, b[:, :256]
    yield "64 x 1024 x 1024", make(64, 1024), make(1024, 1024)


def views(make: Make) -> Iterator[Case]:
    for n in (64, 256, 512):
        a, b = make(n, n), make(n, n)
        yield f"{n}^3, a.T @ b", a.T, b
        yield f"{n}^3, a @ b.T", a, b.T
        yield f"{n}^3, a.T @ b.T", a.T, b.T
        yield f"{n}^3, every second column", make(n, 2 * n)[:, ::2], make(n, 2 * n)[:, ::2]


def batched(make: Make) -> Iterator[Case]:
    for count, n in ((64, 4), (64, 8), (64, 16), (64, 32), (64, 64), (8, 128)):
        yield f"{count} of {n} x {n} x {n}", make(count, n, n), make(count, n, n)
    yield "64 of 32 x 32 by one 32 x 32", make(64, 32, 32), make(32, 32)
    yield "64 of 32 x 64 x 32, b.T", make(64, 32, 64), make(64, 32, 64).transpose(0, 2, 1)


def networks(make: Make) -> Iterator[Case]:
    seen = set()
    for case in CASES:
        for i, (n_in, n_out) in enumerate(zip(case.sizes[:-1], case.sizes[1:], strict=True)):
            layer, needs_dx = (case.batch, n_in, n_out), i > 0  # nobody needs the first layer's dX
            if (layer, needs_dx) in seen:
                continue
            seen.add((layer, needs_dx))
            x, w, dy = make(case.batch, n_in), make(n_in, n_out), make(case.batch, n_out)
            name = f"batch {case.batch}, {n_in} to {n_out}"
            yield f"{name}: forward", x, w
            yield f"{name}: dW", x.T, dy
            if needs_dx:
                yield f"{name}: dX", dy, w.T


GROUPS: dict[str, Callable[[Make], Iterator[Case]]] = {
    "squares": lambda make: dense([(n, n, n) for n in SQUARES], make),
    "shapes": lambda make: dense(SHAPES, make),
    "odd": lambda make: dense(ODD, make),
    "aliasing": aliasing,
    "views": views,
    "batched": batched,
    "networks": networks,
}


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__)
    options.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    options.add_argument("--largest", type=int, default=4096, help="leave out operands with longer rows or columns")
    options.add_argument("--groups", nargs="*", choices=GROUPS, help="default: all")
    given = options.parse_args(arguments)
    peers = start(given, ("PyTorch", "JAX"))
    random = np.random.default_rng(0)

    def make(*shape: int) -> Array:
        return random.standard_normal(shape, dtype=given.dtype)

    for group, cases in GROUPS.items():
        if wants(given, group):
            comparison = Comparison(f"{given.dtype} products: {group}", peers)
            for name, a, b in cases(make):
                if max(*a.shape, *b.shape) <= given.largest:
                    race_product(comparison, name, a, b)
            comparison.show()


if __name__ == "__main__":
    main()
