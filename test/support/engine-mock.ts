/** Runs the Pulumi program against a mocked engine and records what it registers. */
import * as pulumi from "@pulumi/pulumi";
import type { MockResourceArgs } from "@pulumi/pulumi/runtime";
import program from "../../index";

/** The key that marks a secret in the inputs that the SDK sends to the engine. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";

export interface Registration {
  type: string;
  name: string;
  /** A secret is a map with the SDK's mark and `value`. */
  inputs: Record<string, unknown>;
  /** Names of the resources that were created before this one was registered. */
  after: string[];
  options: Options;
}

/** Resource options as the SDK sends them to the engine. */
interface Options {
  protect: boolean;
  ignoreChanges: string[];
  replacementTrigger?: unknown;
  /** URN */
  parent?: string;
}

export interface Run {
  registered: Registration[];
  /** Calls of data sources: token and arguments. */
  calls: [string, Record<string, unknown>][];
  /** What index.ts returns. */
  outputs: Record<string, unknown>;
}

export interface Stack {
  /** By key without the namespace, as the engine passes it on: JSON or plain text. */
  config: Record<string, string>;
  /** The keys that are encrypted. */
  secrets: string[];
  preview: boolean;
  /** Responses of data sources, by token. Any other call fails. */
  answers?: Record<string, Record<string, unknown>>;
  /** Outputs of resources in addition to their inputs, by type. */
  states?: Record<string, Record<string, unknown>>;
}

/** Runs index.ts. Rejects with what it throws; earlier registrations are in `registered`. */
export async function runMockedProgram(
  stack: Stack,
  registered: Registration[] = [],
): Promise<Run> {
  const calls: Run["calls"] = [];
  const options = new Map<string, Options>();
  const key = (name: string) => `wireguard-mesh:${name}`;
  await pulumi.runtime.setMocks(
    recordingInto({ registered, calls, options }, stack),
    "wireguard-mesh",
    "dev",
    stack.preview,
  );
  recordOptions(options);
  pulumi.runtime.setAllConfig(
    Object.fromEntries(Object.entries(stack.config).map(([name, text]) => [key(name), text])),
    stack.secrets.map(key),
  );
  const outputs = program();
  await settled(outputs);
  return { registered, calls, outputs };
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

/** The registration as JSON with `(secret)` for each secret. */
export function withoutSecrets(registration: Registration): string {
  return JSON.stringify(registration, (_, value: unknown) =>
    isSecret(value) ? "(secret)" : value,
  );
}

export function isSecret(value: unknown): value is { value: unknown } {
  return typeof value === "object" && value !== null && SECRET_MARK in value;
}

interface Recording {
  registered: Registration[];
  calls: Run["calls"];
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
  getParent(): string;
  getReplacementTrigger(): { toJavaScript(): unknown } | undefined;
}

function recordOptions(options: Recording["options"]): void {
  const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
  const register = monitor.registerResource.bind(monitor);
  monitor.registerResource = (request, ...rest) => {
    options.set(`${request.getType()} ${request.getName()}`, {
      protect: request.getProtect(),
      ignoreChanges: request.getIgnorechangesList(),
      parent: request.getParent(),
      replacementTrigger: request.getReplacementTrigger()?.toJavaScript(),
    });
    return register(request, ...rest);
  };
}

function recordingInto(
  { registered, calls, options: sent }: Recording,
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
      if (answer === undefined) throw new Error(`unexpected call of ${token}`);
      calls.push([token, inputs as Record<string, unknown>]);
      return answer;
    },
  };
}

/** Waits for all registrations, including those that no output depends on. */
async function settled(outputs: Record<string, unknown>): Promise<void> {
  // Unlike apply, this method also resolves for unknown and failed outputs. The SDK has it, but not in its types.
  const all = pulumi.output(outputs) as unknown as { promise: () => Promise<unknown> };
  await all.promise();
  await pulumi.runtime.disconnect();
}
