/** A program run against a mocked engine: what it would register, word for word. */
import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime";

/** The mark that the SDK puts on a secret when it hands inputs to the engine. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

export interface Registration {
  type: string;
  name: string;
  /** Each secret as a map with the SDK's mark and `value`. */
  inputs: Record<string, unknown>;
  /** Names of the resources that were created before this one was registered. */
  after: string[];
  options: Options;
}

/** Resource options as the SDK sends them to the engine. */
export interface Options {
  protect: boolean;
  ignoreChanges: string[];
}

export interface Run {
  registered: Registration[];
  /** Data sources that were read, with their arguments. */
  asked: [string, Record<string, unknown>][];
  /** What index.ts exports. */
  outputs: Record<string, unknown>;
}

export interface Stack {
  /** By key of the namespace, as the engine hands it over: JSON text, or plain text. */
  config: Record<string, string>;
  /** Those of them that are encrypted. */
  secrets: string[];
  preview: boolean;
  /** Answers of data sources, by token; anything else that is asked for is a mistake. */
  answers?: Record<string, Record<string, unknown>>;
  /** What a resource becomes beyond its inputs, as far as it is known: by type. */
  states?: Record<string, Record<string, unknown>>;
}

/** Runs index.ts afresh. Rejects with what it throws; what was registered until then is in `registered`. */
export async function runProgram(stack: Stack, registered: Registration[] = []): Promise<Run> {
  const asked: Run["asked"] = [];
  const options = new Map<string, Options>();
  const key = (name: string) => `wireguard-mesh:${name}`;
  await pulumi.runtime.setMocks(
    recordingInto({ registered, asked, options }, stack),
    "wireguard-mesh",
    "dev",
    stack.preview,
  );
  recordOptions(options);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(stack.config).map(([name, text]) => [key(name), text])),
    stack.secrets.map(key),
  );
  const program = require.resolve("../../index");
  Reflect.deleteProperty(require.cache, program);
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the program runs as it is loaded, once a run
  const outputs = require(program) as Record<string, unknown>;
  await settled(outputs);
  return { registered, asked, outputs };
}

/** The value of an output, and whether it is secret. */
export async function resolved(output: unknown): Promise<{ value: unknown; secret: boolean }> {
  const wrapped: pulumi.Output<unknown> = pulumi.output(output);
  const value = await new Promise<unknown>((resolve) => {
    wrapped.apply((inner) => {
      resolve(inner);
    });
  });
  return { value, secret: await pulumi.isSecret(wrapped) };
}

/** The inputs without what is secret, as text. */
export function inClear(registration: Registration): string {
  return JSON.stringify(registration, (_, value: unknown) =>
    isSecret(value) ? "(secret)" : value,
  );
}

export function isSecret(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && SECRET_MARK in value;
}

interface Recording {
  registered: Registration[];
  asked: Run["asked"];
  /** By type and name. */
  options: Map<string, Options>;
}

/** The part of the SDK's mock monitor that sees resource options; mocks get only the inputs. */
interface Monitor {
  registerResource: (request: RegisterRequest, ...rest: unknown[]) => unknown;
}

interface RegisterRequest {
  getType(): string;
  getName(): string;
  getProtect(): boolean;
  getIgnorechangesList(): string[];
}

function recordOptions(options: Recording["options"]): void {
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, ...rest) => {
    options.set(`${request.getType()} ${request.getName()}`, {
      protect: request.getProtect(),
      ignoreChanges: request.getIgnorechangesList(),
    });
    return register(request, ...rest);
  };
}

function recordingInto(
  { registered, asked, options: sent }: Recording,
  { answers = {}, states = {} }: Pick<Stack, "answers" | "states">,
): pulumi.runtime.Mocks {
  const done: string[] = [];
  return {
    newResource: async ({ type, name, inputs }: MockResourceArgs) => {
      const given = inputs as Record<string, unknown>;
      const options = sent.get(`${type} ${name}`) ?? { protect: false, ignoreChanges: [] };
      registered.push({ type, name, inputs: given, after: [...done], options });
      // Gives resources that do not depend on this one time to register first.
      await new Promise((resolve) => setTimeout(resolve, 20));
      done.push(name);
      return {
        id: `${name}-id`,
        state: { ...given, stdout: `ran ${name}`, ...states[type] },
      };
    },
    call: ({ token, inputs }) => {
      const answer = answers[token];
      if (answer === undefined) throw new Error(`nothing here calls ${token}`);
      asked.push([token, inputs as Record<string, unknown>]);
      return answer;
    },
  };
}

/** Waits for all registrations, those that no output waits for included. */
async function settled(outputs: Record<string, unknown>): Promise<void> {
  // The SDK has this method but leaves it out of its types: unlike apply, it also ends on what stays unknown or fails.
  const all = pulumi.output(outputs) as unknown as { promise: () => Promise<unknown> };
  await all.promise();
  await pulumi.runtime.disconnect();
}
