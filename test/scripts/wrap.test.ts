import assert from "node:assert/strict";
import { mock } from "node:test";
import fc from "fast-check";
import { wrapLines, wrapped } from "../../scripts/cli/wrap";
import { log } from "../../scripts/log";

describe("wrapped text", () => {
  const words = fc.array(fc.stringMatching(/^[a-z.]{1,30}$/), { minLength: 1, maxLength: 60 });

  it("has no line of more than 80 columns, and all of its words in order", () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 20 }), (list, indent) => {
        const text = wrapped(" ".repeat(indent), list.join(" "));
        assert.ok(text.split("\n").every((line) => line.length <= 80));
        assert.deepEqual(text.trim().split(/\s+/), list);
      }),
    );
  });

  it("does not break text to copy", () => {
    const long = "x".repeat(60);
    for (const command of [
      `npx wireguard-mesh repush ${long} --force`,
      `sudo sh /var/lib/wireguard-mesh/wg0/host.sh release ${long}`,
    ])
      assert.ok(wrapLines(`it was changed by hand; to undo that: ${command}`).includes(command));
    assert.equal(wrapLines(`  npx wireguard-mesh qr ${long}`), `  npx wireguard-mesh qr ${long}`);
    assert.ok(
      wrapLines(`${long} run \`npx wireguard-mesh up\` again`).includes("`npx wireguard-mesh up`"),
    );
    const route = "(sudo ip route del 192.168.10.0/24 dev eth0 proto static)";
    assert.ok(wrapLines(`remove that one there which is ${long} ${route}, or`).includes(route));
  });

  it("is used for messages on a terminal, and not in a file", () => {
    const { isTTY } = process.stderr;
    const text = `a   table\n${"word ".repeat(30).trim()}`;
    const shownOn = (terminal: boolean): string => {
      process.stderr.isTTY = terminal;
      const write = mock.method(process.stderr, "write", () => true);
      try {
        log(text);
        return String(write.mock.calls[0]?.arguments[0]);
      } finally {
        write.mock.restore();
        process.stderr.isTTY = isTTY;
      }
    };
    assert.equal(shownOn(false), `${text}\n`);
    const [first, ...rest] = shownOn(true).trimEnd().split("\n");
    assert.equal(first, "a   table");
    assert.ok(rest.length === 2 && rest.every((line) => line.length <= 80));
  });

  it("puts the remark on a command below it, as a comment of its own", () => {
    const command = "sudo nft insert rule inet filter input udp dport 51820 accept";
    const keep = "# and keep it in /etc/nftables.conf";
    assert.equal(
      wrapped("  Remedy: ", `${command} ${keep}`, 4),
      `  Remedy: ${command}\n    ${keep}`,
    );
    assert.equal(wrapLines(`x drops it: ${command} ${keep}`), `x drops it: ${command}\n  ${keep}`);
  });

  it("does not count the escape sequences of colours", () => {
    const red = "\u001B[31mfailed:\u001B[39m";
    const text = `${red} ${"word ".repeat(14).trim()}`;
    assert.equal(wrapLines(text), text);
  });
});
