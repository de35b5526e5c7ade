/** Infers endpoints, listen ports and keepalives from imported files. */
import { formatEndpoint } from "../config/config";
import { networkDefaults } from "../config/shapes";
import type { Fields } from "./fields";
import { mostFrequent } from "./most-frequent";
import type { ImportedNode } from "./nodes";
import { keepaliveIn } from "./settings";

export class Dialling {
  constructor(
    private readonly nodes: readonly ImportedNode[],
    private readonly relays: readonly ImportedNode[],
    /** The endpoint of a relay without one in any file. */
    private readonly endpoint: string | null,
  ) {}

  endpointOf(node: ImportedNode): string | null {
    const texts = node.sections.flatMap(({ peer }) =>
      peer.endpoint === null ? [] : [formatEndpoint(peer.endpoint)],
    );
    return mostFrequent(texts) ?? (this.relays.includes(node) ? this.endpoint : null);
  }

  listenPortOf(node: ImportedNode): Fields {
    const port = node.source?.file.listenPort ?? null;
    const isDialled = this.isDialled(node);
    return port === null || (isDialled && port === networkDefaults.listenPort)
      ? {}
      : { listenPort: port };
  }

  private isDialled(node: ImportedNode): boolean {
    return this.relays.includes(node) || this.endpointOf(node) !== null;
  }

  keepaliveOf(node: ImportedNode): Fields {
    const seconds = keepaliveIn(node);
    const usual = this.isDialled(node) ? 0 : this.usualKeepalive();
    return seconds === null || seconds === usual ? {} : { persistentKeepalive: seconds };
  }

  /** The keepalive of the nodes that cannot be dialled, if they all have the same; else the default. */
  usualKeepalive(): number {
    const all = this.nodes.flatMap((node) =>
      this.isDialled(node) ? [] : (keepaliveIn(node) ?? []),
    );
    const [first] = all;
    const isSame = first !== undefined && first > 0 && all.every((one) => one === first);
    return isSame ? first : networkDefaults.persistentKeepalive;
  }
}
