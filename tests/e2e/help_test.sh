#!/usr/bin/env bash
# What `weir` says about itself: an overview that names every command, help with an example for each, completion.
. "$(dirname "$0")/lib.sh"

status=0
"$weir" >"$work/overview" || status=$?
expect "exit status without arguments" $status 2
grep -q 'weir validate job.yaml' "$work/overview" || fail "overview: $(cat "$work/overview")"

"$weir" completion bash >"$work/completion"
# shellcheck source=/dev/null
. "$work/completion"
commands=$(_weir_words '')
[ "$(wc -w <<<"$commands")" -ge 10 ] || fail "commands: $commands"
check_help() { # path of words
  local out
  out=$("$weir" "$@" --help) || fail "weir $* --help: exit status $?"
  grep -q "^Example:" <<<"$out" || fail "weir $* --help has no example"
  grep -A1 '^Example:' <<<"$out" | grep -q "weir $*" || fail "the example of weir $* is of something else: $out"
}
for command in $commands; do
  case $command in -*) continue ;; esac
  grep -qw -- "$command" "$work/overview" || fail "the overview does not name $command"
  check_help "$command"
  for inner in $(_weir_words "/$command"); do
    case $inner in -*) ;; *) check_help "$command" "$inner" ;; esac
  done
done

complete_line() { # words of a command line; the last one is completed
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _weir
  echo "${COMPREPLY[*]}"
}
expect "commands" "$(complete_line weir va)" validate
expect "inner commands" "$(complete_line weir dlq re)" replay
expect "options" "$(complete_line weir run --until)" --until-end
expect "options behind a file" "$(complete_line weir dlq list job.yaml --co)" --counts
cd "$work" && touch my_job.yaml
expect "files" "$(complete_line weir run my_)" my_job.yaml
echo "ok"
