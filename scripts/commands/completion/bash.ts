/** Completion for bash 4 and newer. */
import { PROGRAM_PATH, type CommandWords, type Kind } from "./words";

export function bashScript(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  return `# Completion of wireguard-mesh for bash. Made by: npx wireguard-mesh completion bash

_wireguard_mesh_names() {
  local folder=$PWD program=wireguard-mesh
  while [[ -n $folder && ! -x $folder/${PROGRAM_PATH} ]]; do folder=\${folder%/*}; done
  [[ -n $folder ]] && program=$folder/${PROGRAM_PATH}
  "$program" completion "$@" 2>/dev/null </dev/null
}

# $1: a command, $2: an option of it. Sets \`awaits\` to what its value is; empty if it takes none.
_wireguard_mesh_awaits() {
  case "$1 $2" in
${optionCases(commands)}
    *) awaits= ;;
  esac
}

_wireguard_mesh() {
  local word command= awaits= stack= kind= flags= ended= at=0 cur=\${COMP_WORDS[COMP_CWORD]}
  # bash makes a word of the = in --stack=home.
  [[ $cur == = ]] && cur=
  local skip=1
  [[ \${COMP_WORDS[0]##*/} == npx ]] && skip=2
  for word in "\${COMP_WORDS[@]:skip:COMP_CWORD-skip}"; do
    if [[ $word == = ]]; then continue
    elif [[ -n $awaits ]]; then
      [[ $awaits == stacks ]] && stack=$word
      awaits=
    elif [[ -z $command ]]; then command=$word
    elif [[ $word == -- ]]; then ended=1
    elif [[ $word == -* && -z $ended ]]; then _wireguard_mesh_awaits "$command" "$word"
    else at=$((at + 1))
    fi
  done
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W "${names} --help --version" -- "$cur"))
    return
  fi
  case $command in
${commandCases(commands)}
    *) return ;;
  esac
  if [[ -n $awaits ]]; then kind=$awaits
  elif [[ $cur == -* && -z $ended ]]; then kind=$flags
  fi
  case $kind in
    nothing) ;;
    files) COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null ;;
    nodes) COMPREPLY=($(compgen -W "$(_wireguard_mesh_names nodes \${stack:+--stack "$stack"})" -- "$cur")) ;;
    stacks) COMPREPLY=($(compgen -W "$(_wireguard_mesh_names stacks)" -- "$cur")) ;;
    *) COMPREPLY=($(compgen -W "$kind" -- "$cur")) ;;
  esac
}

_wireguard_mesh_npx() {
  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W wireguard-mesh -- "\${COMP_WORDS[1]}"))
  elif [[ \${COMP_WORDS[1]} == wireguard-mesh ]]; then
    _wireguard_mesh
    # Where nothing fits, files do not either.
    compopt +o default +o bashdefault 2>/dev/null
  fi
}

complete -F _wireguard_mesh wireguard-mesh
# What another program has set up for npx stays.
complete -p npx >/dev/null 2>&1 || complete -o default -o bashdefault -F _wireguard_mesh_npx npx
`;
}

function optionCases(commands: readonly CommandWords[]): string {
  return commands
    .flatMap(({ name, options }) =>
      options.flatMap(({ flags, value }) => {
        if (value === null) return [];
        const patterns = flags.map((flag) => `"${name} ${flag}"`).join(" | ");
        return [`    ${patterns}) awaits=${quoted(value)} ;;`];
      }),
    )
    .join("\n");
}

function commandCases(commands: readonly CommandWords[]): string {
  return commands
    .map(({ name, options, args, rest }) => {
      const flags = options.flatMap((option) => option.flags).join(" ");
      const places = args.map((kind, at) => `${at}) kind=${quoted(kind)} ;; `).join("");
      return `    ${name})
      flags='${flags}'
      case $at in ${places}*) kind=${quoted(rest)} ;; esac
      ;;`;
    })
    .join("\n");
}

function quoted(kind: Kind): string {
  return typeof kind === "string" ? kind : `'${kind.join(" ")}'`;
}
