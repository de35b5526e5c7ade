/** Completion for zsh. */
import { PROGRAM_PATH, type CommandWords, type Kind, type OptionWords } from "./words";

export function zshScript(commands: readonly CommandWords[]): string {
  const described = commands.map(({ name, text }) => `    ${quoted(`${name}:${text}`)}`).join("\n");
  return `#compdef wireguard-mesh
# Completion of wireguard-mesh for zsh, to be read after compinit. Made by: npx wireguard-mesh completion zsh

_wireguard_mesh_names() {
  local folder=$PWD program=wireguard-mesh
  while [[ -n $folder && ! -x $folder/${PROGRAM_PATH} ]]; do folder=\${folder%/*}; done
  [[ -n $folder ]] && program=$folder/${PROGRAM_PATH}
  local -a names
  names=(\${(f)"$("$program" completion "$@" 2>/dev/null </dev/null)"})
  (( $#names )) && compadd -a names
}

_wireguard_mesh_stacks() { _wireguard_mesh_names stacks; }

_wireguard_mesh_nodes() {
  local -a stack
  local at
  for (( at = 2; at < CURRENT; at++ )); do
    case $words[at] in
      -s | --stack) stack=(--stack $words[at+1]) ;;
      --stack=*) stack=(--stack \${words[at]#--stack=}) ;;
    esac
  done
  _wireguard_mesh_names nodes $stack
}

_wireguard_mesh() {
  local curcontext=$curcontext state
  local -a line commands
  commands=(
${described}
  )
  _arguments -C ': :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $words[1] in
${commands.map(commandCase).join("\n")}
      esac
      ;;
  esac
}

# What another program has set up for npx stays in force for everything else.
typeset -g _wireguard_mesh_former=\${_comps[npx]:-_default}
[[ $_wireguard_mesh_former == _wireguard_mesh_npx ]] && _wireguard_mesh_former=_default

_wireguard_mesh_npx() {
  if (( CURRENT == 2 )); then
    compadd wireguard-mesh
  elif [[ $words[2] == wireguard-mesh ]]; then
    shift words
    (( CURRENT-- ))
    _wireguard_mesh
  else
    $_wireguard_mesh_former
  fi
}

compdef _wireguard_mesh wireguard-mesh
compdef _wireguard_mesh_npx npx
`;
}

function commandCase({ name, options, args, rest }: CommandWords): string {
  const specs = [
    ...options.flatMap(optionSpecs),
    ...args.map((kind, at) => quoted(`${at + 1}: :${action(kind)}`)),
    quoted(`*: :${action(rest)}`),
  ];
  return `        ${name})
          _arguments -s -S \\
${specs.map((spec) => `            ${spec}`).join(" \\\n")}
          ;;`;
}

/** An option with a value may be given several times. */
function optionSpecs({ flags, value, text }: OptionWords): string[] {
  const description = `[${text.replaceAll(/[\][\\]/g, "\\$&")}]`;
  return flags.map((flag) =>
    value === null
      ? quoted(`${flag}${description}`)
      : quoted(`*${flag}${flag.startsWith("--") ? "=" : ""}${description}: :${action(value)}`),
  );
}

function action(kind: Kind): string {
  if (typeof kind !== "string") return `(${kind.join(" ")})`;
  if (kind === "nothing") return " ";
  return kind === "files" ? "_files" : `_wireguard_mesh_${kind}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
