"""The demonstration: a network trained on the 1,797 handwritten digits that scikit-learn carries."""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import gradgate
from gradgate import Tensor, nn, optim
from gradgate.nn import functional as F
from gradgate.utils.data import DataLoader, TensorDataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DESCRIPTION", "DemoError", "add_arguments", "run"]

DESCRIPTION = (
    "Trains a fully connected network on 80 % of the 1,797 handwritten digits (8 x 8 pixels) of scikit-learn, and tells how many of "
    "the other 20 % it reads. Writes a checkpoint and a picture."
)

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}

# Learning rates at which each optimizer trains the default network well.
OPTIMIZERS: dict[str, tuple[Callable[..., optim.Optimizer], dict[str, float]]] = {
    "adam": (optim.Adam, {"lr": 2e-3}),
    "adamw": (optim.AdamW, {"lr": 2e-3}),
    "sgd": (optim.SGD, {"lr": 0.05, "momentum": 0.9}),
    "rmsprop": (optim.RMSprop, {"lr": 1e-3}),
    "adagrad": (optim.Adagrad, {"lr": 2e-2}),
}

PACKAGES = ("scikit-learn", "matplotlib", "tqdm")
CLASSES = 10
PIXELS = 64


class DemoError(Exception):
    """Something the user can mend: a missing package, a bad argument, a place that cannot be written."""


def _number(convert: Callable[[str], Any], accept: Callable[[Any], bool], wanted: str) -> Callable[[str], Any]:
    def parse(text: str) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or not accept(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return value

    return parse


_positive_int = _number(int, lambda v: v > 0, "a positive whole number")
_positive_float = _number(float, lambda v: 0 < v < float("inf"), "a positive number")
_strength = _number(float, lambda v: 0 <= v < float("inf"), "a number of at least 0")
_seed = _number(int, lambda v: 0 <= v < 2**63, "a whole number from 0 to 2^63 - 1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the demonstration's options to a parser."""
    parser.add_argument(
        "--epochs", type=_positive_int, default=40, help="passes over the training digits (default: %(default)s)"
    )
    parser.add_argument(
        "--hidden",
        type=_positive_int,
        nargs="*",
        default=[512],
        metavar="SIZE",
        help="sizes of the hidden layers (default: 512)",
    )
    parser.add_argument("--activation", choices=sorted(ACTIVATIONS), default="relu", help="default: %(default)s")
    parser.add_argument("--optimizer", choices=sorted(OPTIMIZERS), default="adam", help="default: %(default)s")
    parser.add_argument("--lr", type=_positive_float, help="learning rate (default: one that suits the optimizer)")
    parser.add_argument(
        "--l2", type=_strength, default=1e-4, help="strength of the L2 penalty on the parameters (default: %(default)s)"
    )
    parser.add_argument("--batch-size", type=_positive_int, default=32, help="default: %(default)s")
    parser.add_argument(
        "--seed", type=_seed, default=0, help="seed of the split, the weights and the order (default: %(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("gradgate-demo"), help="folder for what is written (default: %(default)s)"
    )


@dataclass
class Digits:
    """Images as rows of 64 pixels in [0, 1], and their labels."""

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor


def load_digits(seed: int) -> Digits:
    """Split scikit-learn's digits into 80 % for training and 20 % for the test, evenly by class."""
    from sklearn.datasets import load_digits as sklearn_digits
    from sklearn.model_selection import train_test_split

    images, labels = sklearn_digits(return_X_y=True)
    pixels = (images / 16).astype(np.float32)
    parts = train_test_split(pixels, labels.astype(np.int64), test_size=0.2, random_state=seed % 2**32, stratify=labels)
    train_x, test_x, train_y, test_y = (gradgate.from_numpy(np.ascontiguousarray(part)) for part in parts)
    return Digits(train_x, train_y, test_x, test_y)


def _require_packages() -> None:
    """Find a package missing before the training rather than after it."""
    try:
        for package in PACKAGES:
            importlib.import_module({"scikit-learn": "sklearn"}.get(package, package))
    except ImportError as error:
        raise DemoError(
            f'{package} is not installed; the demonstration needs the extra "demo": pip install {" ".join(PACKAGES)}'
        ) from error


def build(hidden: Sequence[int], activation: str) -> nn.Sequential:
    """Make a fully connected network from 64 pixels to 10 scores."""
    layers: list[nn.Module] = []
    size = PIXELS
    for width in hidden:
        layers += [nn.Linear(size, width), ACTIVATIONS[activation]()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, CLASSES))


def train(model: nn.Module, optimizer: optim.Optimizer, data: Digits, epochs: int, batch_size: int) -> list[float]:
    """Minimise the cross-entropy, the learning rate falling along a cosine; return the mean loss of every epoch."""
    from tqdm import tqdm

    loader = DataLoader(TensorDataset(data.train_x, data.train_y), batch_size=batch_size, shuffle=True)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
    losses = []
    progress = tqdm(range(epochs), desc="training", unit="epoch")
    for _ in progress:
        total = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        schedule.step()
        losses.append(total / len(data.train_x))
        progress.set_postfix(loss=f"{losses[-1]:.4g}", refresh=False)
    return losses


def report(labels: np.ndarray[Any, Any], predictions: np.ndarray[Any, Any]) -> str:
    """Write the accuracy of every class as a table."""
    lines = ["digit   right   of   accuracy"]
    for digit in range(CLASSES):
        mine = labels == digit
        right = int((predictions[mine] == digit).sum())
        lines.append(f"{digit:>5} {right:>7} {mine.sum():>4} {right / mine.sum():>10.1%}")
    return "\n".join(lines)


def draw(path: Path, losses: list[float], data: Digits, predictions: np.ndarray[Any, Any], accuracy: float) -> None:
    """Save a picture of the loss and of digits with what was read, mistakes first."""
    labels = data.test_y.numpy()
    wrong_first = np.argsort(predictions == labels, kind="stable")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    panels: Any = figure.subfigures(1, 2, width_ratios=[1, 1.25])
    left, right = panels
    _draw_losses(left.subplots(), losses)
    right.suptitle(f"{accuracy:.1%} of {len(labels)} held-out digits read; mistakes in red")
    for axes, i in zip(right.subplots(3, 6).flat, wrong_first, strict=False):
        axes.imshow(data.test_x.numpy()[i].reshape(8, 8), cmap="gray_r")
        axes.set_axis_off()
        mistaken = predictions[i] != labels[i]
        title = f"{predictions[i]}, not {labels[i]}" if mistaken else f"{predictions[i]}"
        axes.set_title(title, fontsize=10, color="tab:red" if mistaken else "black")
    figure.savefig(path, dpi=120)


def _draw_losses(axes: Axes, losses: list[float]) -> None:
    axes.plot(range(1, len(losses) + 1), losses, marker="." if len(losses) < 60 else "")
    axes.set(xlabel="epoch", ylabel="mean cross-entropy", title="training loss", yscale="log")
    axes.grid(alpha=0.3)


def run(options: argparse.Namespace) -> None:
    """Train, tell, and write the checkpoint and the picture.

    Raises DemoError when a package is missing or the output folder cannot be written.
    """
    _require_packages()
    folder: Path = options.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(f"cannot make the folder {folder}: {error.strerror}; choose another with --output") from error
    data = load_digits(options.seed)
    gradgate.manual_seed(options.seed)
    sizes = " - ".join(map(str, [PIXELS, *options.hidden, CLASSES]))
    try:
        model = build(options.hidden, options.activation)
    except MemoryError as error:
        raise DemoError(f"there is no memory for a {sizes} network; choose smaller sizes with --hidden") from error
    optimizer = _optimizer(options, model)
    count = sum(p.numel() for p in model.parameters())
    print(
        f"A {sizes} network with {options.activation}, {count:,} parameters, "
        f"trained by {options.optimizer} on {len(data.train_x):,} digits"
    )
    start = time.perf_counter()
    losses = train(model, optimizer, data, options.epochs, options.batch_size)
    seconds = time.perf_counter() - start
    with gradgate.no_grad():
        predictions = model(data.test_x).argmax(1).numpy()
    accuracy = float((predictions == data.test_y.numpy()).mean())
    print(report(data.test_y.numpy(), predictions))
    print(f"Accuracy on {len(predictions)} held-out digits: {accuracy:.2%}, after {seconds:.1f} s of training")
    if not np.isfinite(losses[-1]):
        print("The loss is not finite: the training diverged; try a smaller --lr.")
    _write(folder, model, optimizer, options.epochs, losses, data, predictions, accuracy)


def _optimizer(options: argparse.Namespace, model: nn.Module) -> optim.Optimizer:
    make, defaults = OPTIMIZERS[options.optimizer]
    settings = dict(defaults) if options.lr is None else {**defaults, "lr": options.lr}
    return make(model.parameters(), weight_decay=options.l2, **settings)


def _write(
    folder: Path,
    model: nn.Module,
    optimizer: optim.Optimizer,
    epochs: int,
    losses: list[float],
    data: Digits,
    predictions: np.ndarray[Any, Any],
    accuracy: float,
) -> None:
    checkpoint, picture = folder / "digits.safetensors", folder / "digits.png"
    try:
        gradgate.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epochs}, checkpoint)
        draw(picture, losses, data, predictions, accuracy)
    except OSError as error:
        raise DemoError(f"cannot write to {folder}: {error.strerror}; choose another folder with --output") from error
    print(f"Checkpoint: {checkpoint}")
    print(f"Picture:    {picture}")
