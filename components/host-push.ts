/** The push to one host. */
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const PUSH = "exec node dist/scripts/push/main.js";

export interface HostPushArgs {
  /** A PushRequest (mesh/push-request.ts) as JSON text. Secret. */
  request: pulumi.Input<string>;
  /** Identity of the machine. A change replaces the command, which cleans up the old machine. */
  machine: pulumi.Input<string>;
  /** Pushes that must succeed first. */
  after: HostPush[];
  /** Only for an EC2 instance of this stack. */
  managed?: ManagedMachine;
}

export interface ManagedMachine {
  /** If it is deleted, the command is not run for clean-up. */
  machine: pulumi.Resource;
  /** Must exist before a login is possible. */
  ready: pulumi.Resource;
}

/**
 * Runs the push program, which succeeds only after the host has confirmed the change. So the state never records a host
 * that rolled back or could not be reached as converged, and the next `up` tries again.
 */
export class HostPush extends pulumi.ComponentResource {
  constructor(name: string, args: HostPushArgs, opts?: pulumi.ComponentResourceOptions) {
    super("wireguard-mesh:index:HostPush", name, {}, opts);
    new local.Command(
      `${name}-command`,
      {
        // A constant command with everything else on stdin: the command is visible in errors and in `ps`.
        ...(args.managed === undefined ? { create: `${PUSH} apply` } : adoptOnCreate),
        delete: `${PUSH} remove`,
        stdin: pulumi.secret(args.request),
        triggers: [args.machine],
        // stdout is the result for the state; human-readable output goes to stderr.
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      // dependsOn goes on the command: a skipped component would add a redundant error.
      {
        parent: this,
        dependsOn: [...args.after, ...(args.managed === undefined ? [] : [args.managed.ready])],
        ...(args.managed === undefined ? {} : { deletedWith: args.managed.machine }),
      },
    );
    this.registerOutputs({});
  }
}

/** `adopt` accepts the bootstrap host key. It runs only on create, so no later push accepts that key. */
const adoptOnCreate = { create: `${PUSH} adopt`, update: `${PUSH} apply` };
