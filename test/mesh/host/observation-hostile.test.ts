/** Observations of hostile hosts: only ObservationErrors are thrown, and parsing takes linear time. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decide } from "../../../mesh/host/decide";
import { parseObservation, ObservationError } from "../../../mesh/host/observation";
import { pushed, RELAY, wantedBy } from "./support/examples";
import { freshHost } from "./support/hosts";
import { sectionsOf } from "./support/observe";
import { currentKey } from "./support/requests";
import { OPTIONS } from "./support/situations";

const observed = (sections: Record<string, string[]>) =>
  parseObservation(new Map(Object.entries(sections)), "wg0");

describe("a hostile host", () => {
  const names = [...sectionsOf(freshHost(), null).keys(), "mounts", "nft", "iptables"];
  const line = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.json(),
    fc.json().map((text) => `[${text}]`),
    fc.constantFrom(...[...sectionsOf(freshHost(), null).values()].flat()),
    fc.constantFrom(
      "__proto__ x",
      "/proc/sys/net/:",
      "wg0\t\t\t",
      "[{}]",
      '[{"dst":"default"}]',
      "\t\t\t\t\t\t\t\t",
    ),
  );
  const sections = fc
    .array(fc.tuple(fc.constantFrom(...names), fc.array(line, { maxLength: 8 })))
    .map((entries) => new Map(entries));

  it("gets an ObservationError or a decision, and nothing else is thrown", () => {
    const wanted = wantedBy({ ...RELAY, second: { key: 21, port: 51821 } });
    fc.assert(
      fc.property(sections, (printed) => {
        try {
          decide(parseObservation(printed, "wg0"), wanted, OPTIONS);
        } catch (error) {
          assert.ok(error instanceof ObservationError, String(error));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("gets an ObservationError for JSON that is cut", () => {
    assert.throws(() => observed({ ip: ['[{"ifname":"wg0"'] }), ObservationError);
    assert.throws(() => observed({ ip: ["[".repeat(100_000)] }), ObservationError);
  });

  it("cannot freeze the program with a megabyte of lines of any kind", () => {
    const many = (text: (at: number) => string) =>
      Array.from({ length: 20_000 }, (_, at) => text(at));
    const base = sectionsOf(pushed(), null);
    const byte = (at: number) => `${(at >> 8) & 255}.${at & 255}`;
    const entries = (text: (at: number) => string) => [`[${many(text).join(",")}]`];
    const hostile: Record<string, string[]> = {
      host: many((at) => `link ${at}`),
      wg: [
        "wg0\t(none)\t1\toff",
        ...many(
          (at) => `wg0\t${currentKey(at % 6)}\tset\t(none)\t10.${at % 9}.0.0/16\t0\t0\t0\toff`,
        ),
      ],
      kernel: many((at) => `/proc/sys/net/ipv6/conf/d${at}/accept_ra:1`),
      records: many((at) => `/var/lib/wireguard-mesh/wg0/confirmed:endpoint ${at} x`),
      config: many(() => `/etc/wireguard/wg0.conf:${" ".repeat(60)}=`),
      names: many((at) => `far.example.org 10.9.${byte(at)}`),
      "own-keys": many(String),
      ip: [
        ...entries(
          (at) =>
            `{"ifindex":${at},"ifname":"d${at % 50}","addr_info":[{"local":"10.9.${byte(at)}","prefixlen":24,"scope":"global"}]}`,
        ),
        ...entries(
          (at) =>
            `{"dst":"default","dev":"d${at % 50}","gateway":"10.8.${byte(at)}","protocol":"ra"}`,
        ),
        ...entries((at) => `{"dst":"10.7.${byte(at)}","dev":"wg0"}`),
        ...entries((at) => `{"priority":${at},"src":"all","table":"main"}`),
        ...entries(
          (at) =>
            `{"ifname":"wg0","addr_info":[{"local":"10.6.${byte(at)}","prefixlen":20,"scope":"global"}]}`,
        ),
      ],
    };
    const wanted = wantedBy(RELAY);
    for (const [name, lines] of Object.entries(hostile)) {
      const printed = new Map([...base, [name, [...(base.get(name) ?? []), ...lines]]]);
      // CPU time, because a busy machine may take far longer.
      const began = process.cpuUsage();
      decide(parseObservation(printed, "wg0"), wanted, OPTIONS);
      const { user, system } = process.cpuUsage(began);
      const seconds = (user + system) / 1e6;
      assert.ok(seconds < 5, `${name} took ${seconds} s`);
    }
  });
});
