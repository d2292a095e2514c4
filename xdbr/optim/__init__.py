"""Optimizers: they change the parameters of a model by the gradients that backward has collected."""

from __future__ import annotations

from .adam import Adam
from .hooks import GradientClipping, WeightDecay
from .hyperparameter import Hyperparameter
from .optimizer import Optimizer
from .sgd import SGD, MomentumSGD

__all__ = ["SGD", "Adam", "GradientClipping", "Hyperparameter", "MomentumSGD", "Optimizer", "WeightDecay"]
