/** Completion for fish 3 and newer. */
import { PROGRAM_PATH, type CommandWords, type Kind, type OptionWords } from "./words";

export function fishScript(commands: readonly CommandWords[]): string {
  return `# Completion of wireguard-mesh for fish. Made by: npx wireguard-mesh completion fish

# The words before the cursor, from the command on; fails on a line of npx that is about another program.
function __wireguard_mesh_words
    set -l words (commandline -opc)
    if test "$words[1]" = npx
        test "$words[2]" = wireguard-mesh; or return 1
        set -e words[1]
    end
    set -e words[1]
    printf '%s\\n' $words
end

# Without an argument: no command stands there yet.
function __wireguard_mesh_on
    set -l words (__wireguard_mesh_words); or return 1
    test "$words[1]" = "$argv[1]"
end

# Whether the next argument of this command is one of these, from 0 on.
function __wireguard_mesh_at -a command first last
    __wireguard_mesh_on $command; or return 1
    set -l words (__wireguard_mesh_words)
    set -l place 0
    set -l awaits 0
    for word in $words[2..-1]
        if test $awaits = 1
            set awaits 0
        else if contains -- "$command $word" ${valued(commands)}
            set awaits 1
        else if not string match -q -- '-*' $word
            set place (math $place + 1)
        end
    end
    test $place -ge $first -a $place -le $last
end

function __wireguard_mesh_names
    set -l folder $PWD
    while test -n "$folder" -a ! -x "$folder/${PROGRAM_PATH}"
        set folder (string replace -r '/[^/]*$' '' -- $folder)
    end
    set -l program wireguard-mesh
    test -n "$folder"; and set program "$folder/${PROGRAM_PATH}"
    set -l stack
    set -l words (__wireguard_mesh_words)
    for at in (seq (count $words))
        switch $words[$at]
            case -s --stack
                set stack --stack $words[(math $at + 1)]
            case '--stack=*'
                set stack $words[$at]
        end
    end
    test $argv[1] = nodes; or set stack
    $program completion $argv $stack 2>/dev/null </dev/null
end

complete -c npx -n 'test (count (commandline -opc)) -eq 1' -a wireguard-mesh
for program in wireguard-mesh npx
${[
  ...commands.map(({ name, text }) => `-n '__wireguard_mesh_on' -f -a ${name} -d ${quoted(text)}`),
  ...commands.flatMap(commandLines),
]
  .map((words) => `    complete -c $program ${words}`)
  .join("\n")}
end
`;
}

/** The options that take a value, each with its command. */
function valued(commands: readonly CommandWords[]): string {
  return commands
    .flatMap(({ name, options }) =>
      options.flatMap(({ flags, value }) =>
        value === null ? [] : flags.map((flag) => quoted(`${name} ${flag}`)),
      ),
    )
    .join(" ");
}

function commandLines({ name, options, args, rest }: CommandWords): string[] {
  const places = [
    ...args.map((kind, at) => ({ kind, places: `${at} ${at}` })),
    { kind: rest, places: `${args.length} 9999` },
  ];
  return [
    ...places.flatMap((place) => {
      const on = `-n '__wireguard_mesh_at ${name} ${place.places}' -f`;
      if (place.kind === "files") return [];
      return [place.kind === "nothing" ? on : `${on} -a ${offer(place.kind)}`];
    }),
    ...options.map((option) => `-n '__wireguard_mesh_on ${name}' ${optionWords(option)}`),
  ];
}

function optionWords({ flags, value, text }: OptionWords): string {
  const names = flags.map((flag) =>
    flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
  );
  const takes =
    value === null
      ? []
      : value === "files"
        ? ["-r -F"]
        : value === "nothing"
          ? ["-x"]
          : [`-x -a ${offer(value)}`];
  return [...names, ...takes, `-d ${quoted(text)}`].join(" ");
}

function offer(kind: Kind): string {
  return typeof kind === "string" ? `'(__wireguard_mesh_names ${kind})'` : quoted(kind.join(" "));
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
