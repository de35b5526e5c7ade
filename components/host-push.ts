/** The push to one host. */
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

const PUSH = "exec node dist/scripts/push/main.js";

export interface HostPushArgs {
  /** A PushRequest (mesh/push-request.ts) as JSON text. Becomes a secret here. */
  request: pulumi.Input<string>;
  /** Identity of the machine. A change replaces the command, which cleans up the old machine. */
  machine: pulumi.Input<string>;
  /** Pushes that must succeed first. */
  after: pulumi.Resource[];
  /** Only for an EC2 instance of this stack: the first push is `adopt`; if the instance is deleted, no clean-up is run. */
  managed?: pulumi.Resource;
}

/**
 * Runs the push program for the node `parent`. It succeeds only after the host has confirmed the change, so the state never
 * records a host as converged that rolled back or could not be reached, and the next `up` tries again.
 */
export function pushToHost(
  name: string,
  { request, machine, after, managed }: HostPushArgs,
  parent: pulumi.Resource,
): pulumi.Resource {
  return new local.Command(
    `${name}-push-command`,
    {
      // The command has no arguments that vary, because it is visible in errors and in `ps`.
      ...(managed === undefined ? { create: `${PUSH} apply` } : adoptOnCreate),
      delete: `${PUSH} remove`,
      stdin: pulumi.secret(request),
      triggers: [machine],
      // stdout is the result for the state; human-readable output goes to stderr.
      logging: local.Logging.Stderr,
      addPreviousOutputInEnv: false,
    },
    {
      parent,
      dependsOn: after,
      ...(managed === undefined ? {} : { deletedWith: managed }),
      // Version 0.1 had a component between the node and the command.
      aliases: [
        { parent: pulumi.createUrn(`${name}-push`, "wireguard-mesh:index:HostPush", parent) },
      ],
    },
  );
}

/** `adopt` accepts the bootstrap host key. It runs only on create, so no later push accepts that key. */
const adoptOnCreate = { create: `${PUSH} adopt`, update: `${PUSH} apply` };
