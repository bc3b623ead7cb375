"""How long the base install takes and how large it is, from the lock into a fresh environment with an empty cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
AT_MOST_S, AT_MOST_MB = 60.0, 600.0


def main() -> int:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        print("install: uv is not installed here; left out")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "venv"
        environment = {**os.environ, "UV_CACHE_DIR": str(Path(scratch) / "cache")}
        started = time.perf_counter()
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, home], check=True, env=environment)
        install = [uv, "pip", "install", "--quiet", "--python", home / "bin" / "python"]
        subprocess.run([*install, "--require-hashes", "-r", ROOT / "requirements.lock"], check=True, env=environment)
        subprocess.run([*install, "--no-deps", ROOT], check=True, env=environment)
        seconds = time.perf_counter() - started
        size = sum(p.lstat().st_size for p in home.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6
        subprocess.run([home / "bin" / "beforehand", "--help"], check=True, stdout=subprocess.DEVNULL)
    print(f"install: {seconds:.1f} s (at most {AT_MOST_S:g}), {size:.0f} MB (at most {AT_MOST_MB:g})")
    return 0 if seconds <= AT_MOST_S and size <= AT_MOST_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
