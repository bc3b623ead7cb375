"""Beforehand: proactive customer experience with the story and the proof."""

__version__ = "0.1.0"
__all__ = ["Workspace", "__version__"]


def __getattr__(name: str) -> object:
    # Lazily, so that `beforehand --help` does not pay for the engines.
    if name == "Workspace":
        from beforehand.commands.workspace import Workspace

        return Workspace
    raise AttributeError(name)
