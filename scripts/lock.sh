#!/usr/bin/env bash
# Resolves the dependencies into hashed locks for every platform, without the host they came from.
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
  --no-emit-index-url --no-header --no-annotate "$@" pyproject.toml)
"${compile[@]}" --output-file requirements.lock
"${compile[@]}" --group dev --output-file requirements-dev.lock
"${compile[@]}" --group train --output-file requirements-train.lock
# Only the tools of `make setup`, not the project's own dependencies.
.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-header --no-annotate "$@" --group setup --output-file requirements-setup.lock
if grep -nE 'https?://' requirements*.lock; then
  echo "A lock names a host." >&2
  exit 1
fi
