/** What the host's script makes of handshakes while two keys of a node are known: under every shell and awk of this machine. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { hostScript } from "../../scripts/push/host-script";

/** Words before the script; the last also has awk be busybox's. */
const SHELLS = {
  sh: { argv: ["sh", "-c"], before: "" },
  bash: { argv: ["bash", "--posix", "-c"], before: "" },
  busybox: { argv: ["busybox", "ash", "-c"], before: 'awk() { busybox awk "$@"; }\n' },
};

/** Calls a function of the script with lines on its stdin. */
function printed(shell: keyof typeof SHELLS, words: string, input: string[]): string {
  const { argv, before } = SHELLS[shell];
  const [program = "", ...rest] = argv;
  const script = `${before}${hostScript()}\nIFACE=wg0\n${words}\n`;
  const run = spawnSync(program, [...rest, script], {
    input: `${input.join("\n")}\n`,
    encoding: "utf8",
  });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trimEnd();
}

/** Its lines, sorted. */
function call(shell: keyof typeof SHELLS, words: string, input: string[]): string[] {
  const lines = printed(shell, words, input).split("\n");
  return lines.filter((line) => line !== "").sort();
}

const have = (program: string): boolean => spawnSync(program, ["true"]).error === undefined;

for (const shell of ["sh", "bash", "busybox"] as const) {
  describe(`pending keys, under ${shell}`, function () {
    before(function () {
      if (!have(SHELLS[shell].argv[0] ?? "")) this.skip();
    });

    /** What is decided, without the memory of the handshakes. */
    const judged = (...lines: string[]): string[] =>
      call(shell, "judge_keys", ["pair OLD NEW", ...lines]).filter(
        (line) => !line.startsWith("was"),
      );

    describe("the prefixes of a pair", () => {
      it("stay with the current key until the next one shakes hands", () => {
        assert.deepEqual(judged("is wg0 OLD 100", "is wg0 NEW 0"), ["owned wg0 OLD OLD"]);
        assert.deepEqual(judged("is wg0 OLD 100", "is wg0 NEW 150"), ["owned wg0 OLD NEW"]);
      });

      it("go back to the current key when that shakes hands again", () => {
        const memory = ["was wg0 OLD 100", "was wg0 NEW 150", "owned wg0 OLD NEW"];
        assert.deepEqual(judged(...memory, "is wg0 OLD 160", "is wg0 NEW 150"), [
          "owned wg0 OLD OLD",
        ]);
      });

      it("belong to the next key when both shook hands in one second", () => {
        const memory = ["was wg0 OLD 100", "was wg0 NEW 0", "owned wg0 OLD OLD"];
        assert.deepEqual(judged(...memory, "is wg0 OLD 100", "is wg0 NEW 100"), [
          "owned wg0 OLD NEW",
        ]);
        assert.deepEqual(judged("is wg0 OLD 100", "is wg0 NEW 100"), ["owned wg0 OLD NEW"]);
      });

      it("follow a new handshake also when the clock was set back", () => {
        const memory = ["was wg0 OLD 9000", "was wg0 NEW 0", "owned wg0 OLD OLD"];
        assert.deepEqual(judged(...memory, "is wg0 OLD 9000", "is wg0 NEW 50"), [
          "owned wg0 OLD NEW",
        ]);
      });

      it("stay where they are when an interface begins anew", () => {
        const memory = ["was wg0 OLD 100", "was wg0 NEW 150", "owned wg0 OLD NEW"];
        assert.deepEqual(judged(...memory, "is wg0 OLD 0", "is wg0 NEW 0"), ["owned wg0 OLD NEW"]);
      });

      it("belong to the one key that is a peer", () => {
        assert.deepEqual(judged("is wg0 OLD 100"), ["owned wg0 OLD OLD"]);
        assert.deepEqual(judged("is wg0 NEW 0"), ["owned wg0 OLD NEW"]);
      });

      it("are nobody's matter where neither is a peer", () => {
        assert.deepEqual(judged("is wg0 OTHER 100"), []);
      });
    });

    describe("the routes to a peer", () => {
      const TWO = "alternate wg1";
      const routes = (...lines: string[]): string[] =>
        judged(TWO, ...lines).filter((line) => line.startsWith("routed"));

      it("lead out of the interface that it last shook hands on", () => {
        assert.deepEqual(routes("is wg0 K 100", "is wg1 K 0"), ["routed K wg0"]);
        assert.deepEqual(routes("is wg0 K 100", "is wg1 K 101"), ["routed K wg1"]);
        const memory = ["was wg0 K 100", "was wg1 K 101", "routed K wg1"];
        assert.deepEqual(routes(...memory, "is wg0 K 130", "is wg1 K 101"), ["routed K wg0"]);
      });

      it("are one matter for both keys of a pair", () => {
        const seen = ["is wg0 OLD 100", "is wg0 NEW 0", "is wg1 OLD 0", "is wg1 NEW 120"];
        assert.deepEqual(routes(...seen), ["routed OLD wg1"]);
      });

      it("stay where they are when nobody shook hands since", () => {
        const memory = ["was wg0 K 100", "was wg1 K 90", "routed K wg1"];
        assert.deepEqual(routes(...memory, "is wg0 K 100", "is wg1 K 90"), ["routed K wg1"]);
      });
    });

    it("a prefix is moved when it is not yet where it belongs, and only then", () => {
      const state = ["prefixes OLD 10.0.0.2/32,192.168.1.0/24", "owned wg0 OLD NEW"];
      const moved = (...has: string[]) => call(shell, "prefixes_to_move", [...state, ...has]);
      const all = "wg0 NEW 10.0.0.2/32,192.168.1.0/24";
      assert.deepEqual(moved("has wg0 OLD 10.0.0.2/32 192.168.1.0/24", "has wg0 NEW (none)"), [
        all,
      ]);
      assert.deepEqual(moved("has wg0 OLD 192.168.1.0/24", "has wg0 NEW 10.0.0.2/32"), [all]);
      assert.deepEqual(moved("has wg0 NEW 192.168.1.0/24 10.0.0.2/32"), []);
      assert.deepEqual(moved("has wg1 OLD 10.0.0.2/32 192.168.1.0/24"), [all]);
    });

    it("a route moves for every prefix of the peer, but never the way out to everywhere", () => {
      const state = ["prefixes K 10.0.0.2/32,fd5c::2/128,0.0.0.0/0,::/0", "prefixes L 10.0.0.3/32"];
      const moved = (...lines: string[]) => call(shell, "routes_to_move wg1", [...state, ...lines]);
      const [four, six] = ["10.0.0.2/32", "fd5c::2/128"];
      const toSecond = ["routed K wg1", "routed L wg0"];
      assert.deepEqual(moved(...toSecond), [`replace -4 ${four}`, `replace -6 ${six}`]);
      const there = ["route 10.0.0.2 scope link src 10.0.0.1", "route fd5c::2 metric 1024"];
      assert.deepEqual(moved(...toSecond, ...there), []);
      assert.deepEqual(moved("routed K wg0", ...there), [`del -4 ${four}`, `del -6 ${six}`]);
    });

    describe("a config on its way to wg", () => {
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
      const placed = (verdict: string, keys = "pair OLD NEW"): string =>
        printed(shell, `recall() { echo '${keys}'; }\nplace_prefixes '${verdict}'`, config);

      it("has the prefixes of a pair where they belong, and is else as it was", () => {
        const expected = config.filter((line) => !line.includes("10.0.0.2"));
        expected.splice(7, 0, "AllowedIPs = 10.0.0.2/32, 10.1.0.0/16");
        assert.equal(placed("owned wg0 OLD NEW"), expected.join("\n"));
      });

      it("is as it was where the current key has them, and where no key is pending", () => {
        assert.equal(placed("owned wg0 OLD OLD"), config.join("\n"));
        assert.equal(placed("", ""), config.join("\n"));
        assert.equal(placed("owned wg1 OLD NEW"), config.join("\n"));
      });

      it("compares as it was filed, whoever has the prefixes; what a hand has added shows", () => {
        const filed = (lines: string[]) =>
          printed(shell, "recall() { echo 'pair OLD NEW'; }\nplace_as_filed", lines);
        const moved = placed("owned wg0 OLD NEW").split("\n");
        assert.equal(filed(moved), config.join("\n"));
        const byHand = moved.map((line) => line.replace("10.1.0.0/16", "10.1.0.0/16, 10.9.0.0/16"));
        assert.match(filed(byHand), /10\.9\.0\.0/);
      });
    });

    it("an endpoint that the config moved is told from one that stayed, and from new and roamed ones", () => {
      const file = [
        "[Peer]",
        "PublicKey = K",
        "Endpoint = 203.0.113.10:51820",
        "[Peer]",
        "PublicKey = N",
        "Endpoint = 203.0.113.9:1",
      ];
      const moved = (last: string) =>
        call(
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
