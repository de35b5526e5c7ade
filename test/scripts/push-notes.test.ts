import assert from "node:assert/strict";
import { PushNotes } from "../../scripts/cli/push-notes";
import { pushEventIn } from "../../scripts/stack/engine-events";

const URN =
  "urn:pulumi:test::wireguard-mesh::wireguard-mesh:index:HostPush$command:local:Command::nas-push-command";

describe("notes of pushes", () => {
  const said = (act: (notes: PushNotes) => void): string[] => {
    const lines: string[] = [];
    const notes = new PushNotes((line) => lines.push(line));
    act(notes);
    notes.end();
    return lines;
  };
  const SAME = "this host has neither systemd nor OpenRC: wg0 will not come up by itself";

  it("are printed once, with the other hosts that have the same note", () => {
    const lines = said((notes) => {
      for (const node of ["tokyo", "desktop", "laptop"]) {
        notes.add({ node, text: SAME });
        notes.pushed({ node, ok: true });
      }
    });
    assert.deepEqual(lines, [
      `  tokyo: this host has neither systemd nor OpenRC: wg0 will not come up by\n    itself`,
      "  pushed  tokyo",
      "  pushed  desktop",
      "  pushed  laptop",
      "  the same on desktop, laptop: this host has neither systemd nor OpenRC",
    ]);
  });

  it("of a failed push are not printed, because its error is", () => {
    const lines = said((notes) => {
      notes.add({ node: "nas", text: "cannot be reached" });
      notes.pushed({ node: "nas", ok: false });
    });
    assert.deepEqual(lines, ["  failed  nas"]);
  });

  it("come from the engine's events of pushes, and from no other", () => {
    const info = (urn: string) =>
      JSON.stringify({
        diagnosticEvent: { severity: "info", urn, message: "nas: installing x\n" },
      });
    const step = (event: string, op: string) =>
      JSON.stringify({ [event]: { metadata: { op, urn: URN, type: "command:local:Command" } } });
    assert.deepEqual(pushEventIn(info(URN)), { node: "nas", kind: "note", text: "installing x" });
    assert.equal(pushEventIn(info("urn:pulumi:a::b::pulumi:pulumi:Stack::c")), null);
    assert.deepEqual(pushEventIn(step("resOutputsEvent", "update")), {
      node: "nas",
      kind: "pushed",
    });
    assert.deepEqual(pushEventIn(step("resOpFailedEvent", "create")), {
      node: "nas",
      kind: "failed",
    });
    assert.equal(pushEventIn(step("resOutputsEvent", "same")), null);
    assert.equal(pushEventIn("{"), null);
  });
});
