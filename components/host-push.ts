/** One push to one host: the only resource here that touches a machine. */
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const PUSH = "exec node dist/scripts/push/main.js";

export interface HostPushArgs {
  /** A PushRequest (mesh/push-request.ts) as JSON text. Secret. */
  request: pulumi.Input<string>;
  /** Which machine it is for; another machine is another resource, and the former one is cleaned. */
  machine: pulumi.Input<string>;
  /** The pushes that go before; it is left out when one of them failed. */
  after: HostPush[];
  /** For a machine that the program makes. */
  made?: MadeMachine;
}

export interface MadeMachine {
  /** The machine: when it goes, there is nothing left to clean. */
  machine: pulumi.Resource;
  /** What must be there before anyone can log in to it. */
  ready: pulumi.Resource;
}

/**
 * Runs the push program, which is done only when the host has confirmed. So a host that rolled itself back, or could
 * not be reached, is not recorded as converged, and the next `up` tries it again.
 */
export class HostPush extends pulumi.ComponentResource {
  constructor(name: string, args: HostPushArgs, opts?: pulumi.ComponentResourceOptions) {
    super("wireguard-mesh:index:HostPush", name, {}, opts);
    new local.Command(
      `${name}-command`,
      {
        // Constant, and everything else on stdin: the provider shows the command in errors and in `ps`.
        ...(args.made === undefined ? { create: `${PUSH} apply` } : firstContact),
        delete: `${PUSH} remove`,
        stdin: pulumi.secret(args.request),
        triggers: [args.machine],
        // stdout is the result for the state; what people should read comes on stderr.
        logging: local.Logging.Stderr,
        addPreviousOutputInEnv: false,
      },
      // dependsOn goes on the command: a skipped component would add a redundant error.
      {
        parent: this,
        dependsOn: [...args.after, ...(args.made === undefined ? [] : [args.made.ready])],
        ...(args.made === undefined ? {} : { deletedWith: args.made.machine }),
      },
    );
    this.registerOutputs({});
  }
}

/** The engine's own record of the create ends the time in which a machine's first host key is believed. */
const firstContact = { create: `${PUSH} adopt`, update: `${PUSH} apply` };
