import assert from "node:assert/strict";
import fc from "fast-check";
import { wrapLines, wrapped } from "../../scripts/cli/wrap";

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

  it("keeps whole what is to be copied", () => {
    const long = "x".repeat(60);
    for (const command of [
      `npx wireguard-mesh repush ${long} --force`,
      `sudo sh /var/lib/wireguard-mesh/wg0/host.sh release ${long}`,
    ])
      assert.ok(wrapLines(`it was changed by hand; to undo that: ${command}`).includes(command));
    assert.ok(
      wrapLines(`${long} run \`npx wireguard-mesh up\` again`).includes("`npx wireguard-mesh up`"),
    );
    const route = "(sudo ip route del 192.168.10.0/24 dev eth0 proto static)";
    assert.ok(wrapLines(`remove that one there which is ${long} ${route}, or`).includes(route));
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
