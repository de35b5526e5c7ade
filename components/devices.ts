/**
 * The peers without a host, whose configs a person delivers. One resource for all: the engine would write its whole state again
 * for each, and compare each at every preview.
 */
import * as pulumi from "@pulumi/pulumi";
import { joinTexts } from "../mesh/review/device-texts";
import type { ShownTexts } from "./node";

export class Devices extends pulumi.ComponentResource {
  /** `devices` by name; a peer has no second interface. */
  constructor(
    name: string,
    devices: ReadonlyMap<string, ShownTexts>,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const texts = (textOf: (shown: ShownTexts) => string | undefined): string =>
      joinTexts(
        [...devices].flatMap(([device, shown]) => {
          const text = textOf(shown);
          return text === undefined ? [] : [[device, text] as const];
        }),
      );
    const configs = texts(({ config }) => config);
    const forwarding = texts(({ forwarding: it }) => (it === "none" ? undefined : `${it}\n`));
    const filters = texts(({ filter }) => filter);
    super(
      "wireguard-mesh:index:Devices",
      name,
      {
        configs,
        ...(forwarding === "" ? {} : { forwarding }),
        ...(filters === "" ? {} : { filters }),
      },
      opts,
    );
    this.registerOutputs({});
  }
}
