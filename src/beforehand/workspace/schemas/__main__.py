"""Writes the shipped schemas from the models."""

from beforehand.workspace.schemas import HERE, NAMES, text

if __name__ == "__main__":
    for name in NAMES:
        (HERE / f"{name}.json").write_text(text(name), encoding="utf-8")
