#!/usr/bin/env bash
# Installs plugin-factory from this checkout into an environment of the job's own.
set -euo pipefail

python="${INPUT_PYTHON:-python3}"
environment="$RUNNER_TEMP/plugin-factory/venv"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "::error title=plugin-factory::$python is not there, or older than 3.11: set up a newer one, or name it as python"
  exit 1
fi
if [ ! -x "$environment/bin/plugin-factory" ]; then
  "$python" -m venv "$environment"
  "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$here"
fi
echo "$environment/bin" >> "$GITHUB_PATH"
"$environment/bin/plugin-factory" --version
