"""A network that reads handwritten digits, from the data to the checkpoint: the short form of ``python -m gradgate demo``.

Run it with ``python examples/digits.py [checkpoint.safetensors]``; the 1,797 images come with scikit-learn.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import gradgate
from gradgate import nn, optim
from gradgate.nn import functional as F
from gradgate.utils.data import DataLoader, TensorDataset

EPOCHS, BATCH, L2 = 40, 32, 1e-4


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10))


def main() -> None:
    images, labels = load_digits(return_X_y=True)
    pixels = (images / 16).astype(np.float32)
    parts = train_test_split(pixels, labels, test_size=0.2, random_state=0, stratify=labels)
    train_x, test_x, train_y, test_y = map(gradgate.tensor, parts)

    gradgate.manual_seed(0)
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=2e-3, weight_decay=L2)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)
    batches = DataLoader(TensorDataset(train_x, train_y), batch_size=BATCH, shuffle=True)
    for epoch in range(1, EPOCHS + 1):
        for x, y in batches:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        if epoch % 10 == 0:
            print(f"epoch {epoch:>2}: loss of the last batch {loss.item():.4f}")

    with gradgate.no_grad():
        right = model(test_x).argmax(1) == test_y
    print(f"{right.sum().item()} of {len(test_y)} held-out digits read, {right.double().mean().item():.1%}")

    if len(sys.argv) > 1:
        gradgate.save(model.state_dict(), sys.argv[1])
        restored = network()
        restored.load_state_dict(gradgate.load(sys.argv[1]))
        with gradgate.no_grad():
            same = bool((restored(test_x) == model(test_x)).all())
        print(f"checkpoint: {sys.argv[1]}; read back, it gives {'the same' if same else 'other'} scores")


if __name__ == "__main__":
    main()
