#!/usr/bin/env bash
# The demo; everything it needs was set up by `make setup`. Options: scripts/demo.sh --help
set -euo pipefail
exec "$(dirname "$0")/../.venv/bin/python" "$(dirname "$0")/demo.py" "$@"
