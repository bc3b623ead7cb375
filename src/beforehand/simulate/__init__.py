"""A simulated B2B software company: files like those of a real one, a workspace over them, and the truth beside it."""

from beforehand.simulate.simulation import Simulated, simulate

__all__ = ["Simulated", "simulate"]
