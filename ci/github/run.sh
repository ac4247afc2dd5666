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

# Fetches the branches of earlier updates, so that what people have added to one stays; then pushes
# those that have changed, and opens a pull request for each that has none.
propose_updates() {
  local ours=refs/heads/plugin-factory/update
  local before after pushed='' code=0 ref commit old branch
  export GIT_AUTHOR_NAME="${GIT_AUTHOR_NAME:-github-actions[bot]}"
  export GIT_AUTHOR_EMAIL="${GIT_AUTHOR_EMAIL:-41898282+github-actions[bot]@users.noreply.github.com}"
  export GIT_COMMITTER_NAME="${GIT_COMMITTER_NAME:-$GIT_AUTHOR_NAME}"
  export GIT_COMMITTER_EMAIL="${GIT_COMMITTER_EMAIL:-$GIT_AUTHOR_EMAIL}"
  # Of a pattern that nothing fits, a shallow fetch fails.
  if [ -n "$(git ls-remote origin "$ours/*")" ]; then
    git fetch --quiet --depth=2 origin "+$ours/*:$ours/*"
  fi
  before="$(git for-each-ref --format='%(refname) %(objectname)' "$ours/")"
  plugin-factory update "${words[@]}" --commit branch || code=$?
  after="$(git for-each-ref --format='%(refname) %(objectname)' "$ours/")"
  while read -r ref commit; do
    old="$(awk -v ref="$ref" '$1 == ref { print $2 }' <<< "$before")"
    if [ -z "$ref" ] || [ "$old" = "$commit" ]; then continue; fi
    branch="${ref#refs/heads/}"
    git push --quiet --force-with-lease="$ref:$old" origin "$ref:$ref"
    pushed+="${pushed:+,}\"$branch\""
    git log -1 --format=%b "$commit" > "$RUNNER_TEMP/plugin-factory-message"
    set -- --title "$(git log -1 --format=%s "$commit")" --body-file "$RUNNER_TEMP/plugin-factory-message"
    if [ -n "$(gh pr list --head "$branch" --state open --json number --jq '.[].number')" ]; then
      gh pr edit "$branch" "$@"
    else
      gh pr create --head "$branch" --base "${GITHUB_REF_NAME:-main}" "$@"
    fi
  done <<< "$after"
  echo "branches=[$pushed]" >> "$GITHUB_OUTPUT"
  exit "$code"
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
  update)
    add --config-dir "${INPUT_CONFIG_DIR:-config}"
    add --only "${INPUT_ONLY:-}"
    add --exclude "${INPUT_EXCLUDE:-}"
    add --host "${INPUT_HOST:-}"
    add_if --pin "${INPUT_PIN:-}"
    propose_updates
    ;;
  *)
    echo "::error title=plugin-factory::there is no command '$INPUT_COMMAND': plan, build, report or update"
    exit 2
    ;;
esac
