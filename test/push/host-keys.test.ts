/** How the host script uses handshakes during a key rotation, in every shell and awk of this machine. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostScript } from "../../scripts/push/host-script";

/** Shells, and text before the script; busybox also replaces awk. */
const SHELLS = {
  sh: { argv: ["sh", "-c"], before: "" },
  bash: { argv: ["bash", "--posix", "-c"], before: "" },
  busybox: { argv: ["busybox", "ash", "-c"], before: 'awk() { busybox awk "$@"; }\n' },
};

/** Calls a function of the script with lines on its stdin. @returns its output */
function output(shell: keyof typeof SHELLS, call: string, input: string[]): string {
  const { argv, before } = SHELLS[shell];
  const [program = "", ...rest] = argv;
  const script = `${before}${hostScript()}\nIFACE=wg0\n${call}\n`;
  const run = spawnSync(program, [...rest, script], {
    input: `${input.join("\n")}\n`,
    encoding: "utf8",
  });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trimEnd();
}

/** The sorted output lines of a function of the script. */
function sortedLines(shell: keyof typeof SHELLS, call: string, input: string[]): string[] {
  const lines = output(shell, call, input).split("\n");
  return lines.filter((line) => line !== "").sort();
}

const isInstalled = (program: string): boolean => spawnSync(program, ["true"]).error === undefined;

for (const shell of ["sh", "bash", "busybox"] as const) {
  describe(`pending keys, under ${shell}`, function () {
    before(function () {
      if (!isInstalled(SHELLS[shell].argv[0] ?? "")) this.skip();
    });

    /** The decisions for these facts, without the recorded handshakes. */
    const decide = (...lines: string[]): string[] =>
      sortedLines(shell, "judge_keys", ["pair OLD NEW", ...lines]).filter(
        (line) => !line.startsWith("was"),
      );

    describe("the prefixes of a pair", () => {
      it("stay with the current key until the next key has a handshake", () => {
        assert.deepEqual(decide("is wg0 OLD 100", "is wg0 NEW 0"), ["owned wg0 OLD OLD"]);
        assert.deepEqual(decide("is wg0 OLD 100", "is wg0 NEW 150"), ["owned wg0 OLD NEW"]);
      });

      it("go back to the current key when it has a newer handshake", () => {
        const recorded = ["was wg0 OLD 100", "was wg0 NEW 150", "owned wg0 OLD NEW"];
        assert.deepEqual(decide(...recorded, "is wg0 OLD 160", "is wg0 NEW 150"), [
          "owned wg0 OLD OLD",
        ]);
      });

      it("belong to the next key when both had a handshake in the same second", () => {
        const recorded = ["was wg0 OLD 100", "was wg0 NEW 0", "owned wg0 OLD OLD"];
        assert.deepEqual(decide(...recorded, "is wg0 OLD 100", "is wg0 NEW 100"), [
          "owned wg0 OLD NEW",
        ]);
        assert.deepEqual(decide("is wg0 OLD 100", "is wg0 NEW 100"), ["owned wg0 OLD NEW"]);
      });

      it("follow a new handshake even if the clock was set back", () => {
        const recorded = ["was wg0 OLD 9000", "was wg0 NEW 0", "owned wg0 OLD OLD"];
        assert.deepEqual(decide(...recorded, "is wg0 OLD 9000", "is wg0 NEW 50"), [
          "owned wg0 OLD NEW",
        ]);
      });

      it("stay where they are when an interface restarts", () => {
        const recorded = ["was wg0 OLD 100", "was wg0 NEW 150", "owned wg0 OLD NEW"];
        assert.deepEqual(decide(...recorded, "is wg0 OLD 0", "is wg0 NEW 0"), [
          "owned wg0 OLD NEW",
        ]);
      });

      it("belong to the one key that is a peer", () => {
        assert.deepEqual(decide("is wg0 OLD 100"), ["owned wg0 OLD OLD"]);
        assert.deepEqual(decide("is wg0 NEW 0"), ["owned wg0 OLD NEW"]);
      });

      it("are not decided if neither key is a peer", () => {
        assert.deepEqual(decide("is wg0 OTHER 100"), []);
      });
    });

    describe("the routes to a peer", () => {
      const TWO = "alternate wg1";
      const routes = (...lines: string[]): string[] =>
        decide(TWO, ...lines).filter((line) => line.startsWith("routed"));

      it("use the interface with the latest handshake", () => {
        assert.deepEqual(routes("is wg0 K 100", "is wg1 K 0"), ["routed K wg0"]);
        assert.deepEqual(routes("is wg0 K 100", "is wg1 K 101"), ["routed K wg1"]);
        const recorded = ["was wg0 K 100", "was wg1 K 101", "routed K wg1"];
        assert.deepEqual(routes(...recorded, "is wg0 K 130", "is wg1 K 101"), ["routed K wg0"]);
      });

      it("are the same for both keys of a pair", () => {
        const seen = ["is wg0 OLD 100", "is wg0 NEW 0", "is wg1 OLD 0", "is wg1 NEW 120"];
        assert.deepEqual(routes(...seen), ["routed OLD wg1"]);
      });

      it("stay where they are without a new handshake", () => {
        const recorded = ["was wg0 K 100", "was wg1 K 90", "routed K wg1"];
        assert.deepEqual(routes(...recorded, "is wg0 K 100", "is wg1 K 90"), ["routed K wg1"]);
      });
    });

    it("moves a prefix only if it is not at the right key yet", () => {
      const state = ["prefixes OLD 10.0.0.2/32,192.168.1.0/24", "owned wg0 OLD NEW"];
      const moved = (...has: string[]) =>
        sortedLines(shell, "prefixes_to_move", [...state, ...has]);
      const all = "wg0 NEW 10.0.0.2/32,192.168.1.0/24";
      assert.deepEqual(moved("has wg0 OLD 10.0.0.2/32 192.168.1.0/24", "has wg0 NEW (none)"), [
        all,
      ]);
      assert.deepEqual(moved("has wg0 OLD 192.168.1.0/24", "has wg0 NEW 10.0.0.2/32"), [all]);
      assert.deepEqual(moved("has wg0 NEW 192.168.1.0/24 10.0.0.2/32"), []);
      assert.deepEqual(moved("has wg1 OLD 10.0.0.2/32 192.168.1.0/24"), [all]);
    });

    it("moves the routes of all prefixes of a peer except the default routes", () => {
      const state = ["prefixes K 10.0.0.2/32,fd5c::2/128,0.0.0.0/0,::/0", "prefixes L 10.0.0.3/32"];
      const moved = (...lines: string[]) =>
        sortedLines(shell, "routes_to_move wg1", [...state, ...lines]);
      const [four, six] = ["10.0.0.2/32", "fd5c::2/128"];
      const toSecond = ["routed K wg1", "routed L wg0"];
      assert.deepEqual(moved(...toSecond), [`replace -4 ${four}`, `replace -6 ${six}`]);
      const there = ["route 10.0.0.2 scope link src 10.0.0.1", "route fd5c::2 metric 1024"];
      assert.deepEqual(moved(...toSecond, ...there), []);
      assert.deepEqual(moved("routed K wg0", ...there), [`del -4 ${four}`, `del -6 ${six}`]);
    });

    describe("a config for wg", () => {
      const config = [
        ...[
          "[Interface]",
          "PrivateKey = X",
          "",
          "[Peer]",
          "PublicKey = OLD",
          "AllowedIPs = 10.0.0.2/32, 10.1.0.0/16",
        ],
        ...[
          "[Peer]",
          "PublicKey = NEW",
          "PresharedKey = P",
          "[Peer]",
          "PublicKey = L",
          "AllowedIPs = 10.0.0.3/32",
        ],
      ];
      const place = (verdict: string, keys = "pair OLD NEW"): string =>
        output(shell, `recall() { echo '${keys}'; }\nplace_prefixes '${verdict}'`, config);

      it("has the prefixes of a pair at the right key and is otherwise unchanged", () => {
        const expected = config.filter((line) => !line.includes("10.0.0.2"));
        expected.splice(7, 0, "AllowedIPs = 10.0.0.2/32, 10.1.0.0/16");
        assert.equal(place("owned wg0 OLD NEW"), expected.join("\n"));
      });

      it("is unchanged if the current key has them, and without a pending key", () => {
        assert.equal(place("owned wg0 OLD OLD"), config.join("\n"));
        assert.equal(place("", ""), config.join("\n"));
        assert.equal(place("owned wg1 OLD NEW"), config.join("\n"));
      });

      it("can be compared with its file regardless of which key has the prefixes; manual changes are visible", () => {
        const filed = (lines: string[]) =>
          output(shell, "recall() { echo 'pair OLD NEW'; }\nplace_as_filed", lines);
        const moved = place("owned wg0 OLD NEW").split("\n");
        assert.equal(filed(moved), config.join("\n"));
        const byHand = moved.map((line) => line.replace("10.1.0.0/16", "10.1.0.0/16, 10.9.0.0/16"));
        assert.match(filed(byHand), /10\.9\.0\.0/);
      });
    });

    it("detects an endpoint that the config has changed, but not unchanged, new or roamed ones", () => {
      const file = [
        "[Peer]",
        "PublicKey = K",
        "Endpoint = 203.0.113.10:51820",
        "[Peer]",
        "PublicKey = N",
        "Endpoint = 203.0.113.9:1",
      ];
      const moved = (last: string) =>
        sortedLines(
          shell,
          `last_endpoints() { echo '${last}'; }\ncat >"$F"; moved_endpoints "$F"; rm "$F"`.replaceAll(
            "$F",
            "/tmp/wgm-test-$$",
          ),
          file,
        );
      assert.deepEqual(moved("K 203.0.113.10:51821"), ["K"]);
      assert.deepEqual(moved("K 203.0.113.10:51820"), []);
    });
  });
}
