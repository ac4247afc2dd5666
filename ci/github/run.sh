#!/usr/bin/env bash
# One command of plugin-factory, of the inputs of action.yml; its outputs and its summary as GitHub
# takes them. Inputs come as variables: none is ever part of a script.
set -euo pipefail

output_dir="${INPUT_OUTPUT_DIR:-outputs}"
words=()

# Adds an option that has a value, for each line that is not empty.
add() {
  local value
  while IFS= read -r value; do
    if [ -n "$value" ]; then words+=("$1" "$value"); fi
  done <<< "$2"
}

# Adds an option without a value, if its input is true.
add_if() {
  case "$2" in
    true) words+=("$1") ;;
    false | '') ;;
    *)
      echo "::error title=plugin-factory::the input for $1 is '$2', and not true or false"
      exit 2
      ;;
  esac
}

# Adds what the lines of an input mean as patterns of the shell.
expanded() {
  local pattern
  while IFS= read -r pattern; do
    if [ -n "$pattern" ]; then
      local IFS=''
      # shellcheck disable=SC2206 # splitting at nothing: only the pattern is expanded
      found+=($pattern)
    fi
  done <<< "$1"
}

summarise() {
  local run="${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_REPOSITORY:-}/actions/runs/${GITHUB_RUN_ID:-}"
  plugin-factory report summary "$@" --link "${INPUT_LINK:-$run#artifacts}" >> "$GITHUB_STEP_SUMMARY"
  plugin-factory report summary "$@" --outputs github >> "$GITHUB_OUTPUT"
}

what_to_build() {
  add --config-dir "${INPUT_CONFIG_DIR:-config}"
  add --repo-path "${INPUT_REPO_PATH:-$RUNNER_TEMP/plugin-factory/source}"
  add --output-dir "$output_dir"
  add --workspace-path "${INPUT_WORKSPACE_PATH:-}"
  add_if --use-local "${INPUT_USE_LOCAL:-}"
  add --only "${INPUT_ONLY:-}"
  add --exclude "${INPUT_EXCLUDE:-}"
  add --host "${INPUT_HOST:-}"
  add --cache-dir "${INPUT_CACHE_DIR:-}"
  add --cache-from "${INPUT_CACHE_FROM:-}"
  # An empty key is passed on, and refused: it was meant to name one.
  if [ "${INPUT_CACHE_KEY-none}" != none ]; then words+=(--cache-key "$INPUT_CACHE_KEY"); fi
  add --pass-env "${INPUT_PASS_ENV:-}"
}

case "${INPUT_COMMAND:-build}" in
  plan)
    what_to_build
    add_if --changed-only "${INPUT_CHANGED_ONLY:-}"
    found=()
    expanded "${INPUT_REPORTS:-}"
    for report in "${found[@]}"; do
      if [ -e "$report" ]; then words+=(--reports "$report"); fi
    done
    matrix="$(plugin-factory plan "${words[@]}" --matrix github --shards "${INPUT_SHARDS:-1}")"
    echo "matrix=$matrix" >> "$GITHUB_OUTPUT"
    echo "$matrix"
    ;;
  build)
    what_to_build
    add --cache-to "${INPUT_CACHE_TO:-}"
    add_if --push-images "${INPUT_PUSH_IMAGES:-}"
    code=0
    plugin-factory build "${words[@]}" || code=$?
    if [ -f "$output_dir/build-report.json" ]; then summarise "$output_dir"; fi
    exit "$code"
    ;;
  report)
    found=()
    expanded "${INPUT_REPORTS:-}"
    mkdir -p "$output_dir"
    plugin-factory report merge "${found[@]}" --output "$output_dir/build-report.json"
    summarise "${found[@]}"
    echo "report=$output_dir/build-report.json" >> "$GITHUB_OUTPUT"
    ;;
  *)
    echo "::error title=plugin-factory::there is no command '$INPUT_COMMAND': plan, build or report"
    exit 2
    ;;
esac
