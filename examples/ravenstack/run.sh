#!/usr/bin/env bash
# Loads this example from the data folder into a scratch folder, runs it, and shows what came out.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../../.venv/bin/python" "$here/../../scripts/example.py" ravenstack "$@"
