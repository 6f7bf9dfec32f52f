"""The verb ``completion``: a script for a shell that asks runboard what to offer, and how to install it."""

from __future__ import annotations

import click

from runboard.cli.desk import Desk, verb
from runboard.cli.exits import DONE
from runboard.cli.printing import put

SCRIPTS = {
    "bash": r"""# runboard's completion for bash. Put this line into ~/.bashrc:
#     eval "$(runboard completion bash)"
_runboard() {
    local line kind="" IFS=$'\n'
    COMPREPLY=()
    while IFS= read -r line; do
        case $kind in
            "") kind=$line ;;
            :values) COMPREPLY+=("${line%%$'\t'*}") ;;
        esac
    done < <("${1/#\~/$HOME}" _complete "$COMP_CWORD" -- "${COMP_WORDS[@]}" 2>/dev/null)
    case $kind in
        :files) compopt -o default 2>/dev/null ;;
        :folders) compopt -o dirnames 2>/dev/null ;;
        *) if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *: ]]; then compopt -o nospace 2>/dev/null; fi ;;
    esac
    # To bash a colon begins a word: what stands before it is on the line already.
    local typed=${COMP_LINE:0:COMP_POINT}
    typed=${typed##*[[:space:]]}
    if [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]]; then COMPREPLY=("${COMPREPLY[@]#"${typed%:*}:"}"); fi
}
complete -F _runboard runboard""",
    "zsh": r"""#compdef runboard
# runboard's completion for zsh. Put this line into ~/.zshrc, behind compinit:
#     eval "$(runboard completion zsh)"
_runboard() {
    local line kind
    local -a lines values shown
    lines=("${(@f)$(${~words[1]} _complete $((CURRENT - 1)) -- "${(@Q)words}" 2>/dev/null)}")
    kind=${lines[1]}
    for line in "${(@)lines[2,-1]}"; do
        values+=("${line%%$'\t'*}")
        shown+=("${line/$'\t'/  -- }")
    done
    case $kind in
        :files) _files ;;
        :folders) _files -/ ;;
        :values) (( $#values )) && compadd -l -V runboard -d shown -- "${values[@]}" ;;
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _runboard "$@"; else compdef _runboard runboard; fi""",
    "fish": r"""# runboard's completion for fish. Do this once:
#     runboard completion fish >~/.config/fish/completions/runboard.fish
function __runboard_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program (string replace -r '^~' $HOME -- $words[1])
    set -l lines (command $program _complete (count $words) -- $words "$typed" 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path "$typed"
        case :folders
            __fish_complete_directories "$typed"
        case :values
            printf '%s\n' $lines[2..-1]
    end
end
complete -c runboard -f -k -a '(__runboard_complete)'""",
}
"""What each shell is to run; the first comment says how."""


@verb("completion", example="runboard completion bash | less")
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def completion_verb(desk: Desk, shell: str) -> int:  # noqa: ARG001 - every verb gets the desk
    """Print a script that completes verbs, options and run ids; its first lines say how to install it."""
    put(SCRIPTS[shell])
    return DONE
