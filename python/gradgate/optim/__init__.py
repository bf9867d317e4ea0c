"""Optimizers, which update parameters by their gradients, and schedules for their learning rates."""

from gradgate.optim import lr_scheduler
from gradgate.optim.adagrad import Adagrad
from gradgate.optim.adam import Adam, AdamW
from gradgate.optim.optimizer import Optimizer
from gradgate.optim.rmsprop import RMSprop
from gradgate.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
